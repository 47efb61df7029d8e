"""What thousands of YAML files name, from the lines that say so: tasks, groups, tags, with those of their includes. Imports no lm-eval."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from os.path import normpath
from pathlib import Path
from typing import Any

import yaml

_KEYS = re.compile(r"""^["']?(?:task|group|tag|class|include)["']?[ ]*:.*(?:\n(?:[ \t#-].*)?)*""", re.MULTILINE)
SKIPPED = {"__pycache__", ".ipynb_checkpoints"}  # as lm-eval does
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_Base):  # type: ignore[misc]
    """YAML in which `!function` is left as its text."""


Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))


def naming_keys(folder: Path) -> Mapping[Path, Mapping[str, Any]]:
    """Each YAML file of a folder, in lm-eval's order -> its keys task, group, tag and class. A file that lm-eval would drop is left out.

    lm-eval parses every file whole, and an include once for each file that names it, which takes some four times as long.
    """
    found: dict[Path, Mapping[str, Any]] = {}
    read = cache(_own_keys)  # for this once: files may change
    for path in sorted(folder.rglob("*.yaml"), key=str):
        if SKIPPED.isdisjoint(path.parts):
            try:
                found[path] = _with_includes(str(path), read, set())
            except (yaml.YAMLError, OSError, ValueError, TypeError):
                continue
    return found


def _with_includes(path: str, read: Callable[[str], Mapping[str, Any]], seen: set[str]) -> Mapping[str, Any]:
    if path in seen:
        raise ValueError(f"{path} is included twice or in a circle")
    seen.add(path)
    own = read(path)
    if "include" not in own:
        return own
    included = own["include"] if isinstance(own["include"], list) else [own["include"]]
    keys: dict[str, Any] = {}
    for name in included:
        keys.update(_with_includes(normpath(Path(path).parent / name), read, seen))
    return {key: value for key, value in {**keys, **own}.items() if key != "include"}


def _own_keys(path: str) -> Mapping[str, Any]:
    text = Path(path).read_text(encoding="utf-8")
    lines = _KEYS.findall(text)
    try:
        return dict(yaml.load("\n".join(lines), Loader=Loader)) if lines else _whole(text)
    except yaml.YAMLError:  # such as an alias of something further up
        return _whole(text)


def _whole(text: str) -> Mapping[str, Any]:
    return dict(yaml.load(text, Loader=Loader))
