"""Where a task's data lies: a folder beside its YAML, a copy below LSGAP_DATA, or the hub; and which state of it was loaded."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lsgap_bench.errors import UsageError

LOCAL = "LSGAP_DATA"
"""The environment variable that names a folder of local copies: `$LSGAP_DATA/OWNER/NAME` stands for the hub's data set OWNER/NAME."""
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_COMMIT = re.compile(r"@([0-9a-f]{40})/")


class Unreachable(UsageError):
    """A data set of the hub that is not here, while the hub cannot be reached. name: of the data set."""

    def __init__(self, line: str, name: str) -> None:
        super().__init__(line)
        self.name = name


def of_the_hub(name: str) -> bool:
    """Whether a `dataset_path` has the form of a data set of the hub, OWNER/NAME."""
    return _HUB_NAME.fullmatch(name) is not None


def local_data(name: str, beside: Path) -> Path | None:
    """The folder that holds the data set `name`: from the YAML's folder on, else the copy below LSGAP_DATA; None where there is none."""
    copies = os.environ.get(LOCAL)
    found = [beside / name, *([Path(copies).resolve() / name] if copies and of_the_hub(name) else [])]
    return next((folder for folder in found if folder.is_dir()), None)


def contents_of(folder: Path) -> str:
    """A hash of where a folder is and of the names, sizes and times of all files in it; the files are not read."""
    files = [(path, path.stat()) for path in sorted(folder.resolve().rglob("*")) if path.is_file()]
    return hashlib.sha256("\n".join(f"{path} {of.st_size} {of.st_mtime_ns}" for path, of in files).encode()).hexdigest()[:16]


def remedy(name: str, local: Path | None, beside: Path) -> str:
    """What to do about a data set that cannot be loaded. local: the folder that was tried. beside: the folder of the YAML."""
    if local is not None:
        return f"check the folder {local}"
    if not of_the_hub(name):
        return "check path and name"
    copies = os.environ.get(LOCAL)
    looked = " and no ".join(str(folder / name) for folder in (beside, *([Path(copies)] if copies else [])))
    return f"there is no {looked}, so it is a data set of the hub: {connect(name)}"


def connect(name: str = "OWNER/NAME") -> str:
    """What to do where the hub cannot be reached."""
    return (
        f"connect and unset HF_HUB_OFFLINE, or make a copy where there is a network (`hf download {name} --repo-type dataset "
        f"--local-dir DIR/{name}`) and set {LOCAL}=DIR here"
    )


def state_of(name: str, asked: str | None, local: Path | None, files: Iterable[str]) -> Mapping[str, Any]:
    """What a record says of a task's data: where it came from, and of the hub the revision asked for and the commit that was loaded.

    files: what was loaded, as datasets names it. The commit is None where they do not say it.
    """
    if local is not None or not of_the_hub(name):
        return {"source": name, "from": "a local copy" if of_the_hub(name) else "files beside the task"}
    commits = {found[1] for file in files if (found := _COMMIT.search(file))}
    return {"source": name, "from": "the hub", "revision": asked, "commit": commits.pop() if len(commits) == 1 else None}
