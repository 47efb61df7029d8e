"""Where what took time or money to make is kept between runs, and how a file gets there whole."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from lsgap_bench.errors import UsageError

VARIABLE = "LSGAP_CACHE"
"""The environment variable that names the folder."""


class Unwritable(UsageError):
    """The cache cannot be written: no fault of what was to be kept, so it is never passed over."""


def cache_folder(kind: str) -> Path:
    """The folder of one kind of thing, such as `speech`: below LSGAP_CACHE, else lsgap in the user's XDG cache. It may not exist."""
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        return Path(named).expanduser() / kind
    users = os.environ.get("XDG_CACHE_HOME", "").strip()
    return (Path(users) if users else Path.home() / ".cache") / "lsgap" / kind


def keep(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, with its folder: a process that is killed, or one that writes the same file, leaves no half of it.

    Unwritable where the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            partial.write_bytes(content)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unwritable(f"the cache {path.parent} cannot be written ({error.strerror}); name another folder with {VARIABLE}") from None
