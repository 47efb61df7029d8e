"""Task files on disk: which YAML there is, what each defines, and what is wrong with it. Reads text only; imports no lm-eval."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lsgap_bench.errors import UsageError
from lsgap_bench.naming_lines import SKIPPED, Loader
from lsgap_bench.resources import resource

ORIGIN = ("licence", "citation", "source")
"""Entries of a task's `metadata` that say where its data come from, and under which terms."""
DESCRIBING = ("items", *ORIGIN)
"""Those that decide no number."""


@dataclass(frozen=True)
class TaskFile:
    """One YAML that defines a task or a group. config: with its includes."""

    path: Path
    name: str
    kind: str
    config: dict[str, Any]

    @property
    def tags(self) -> list[str]:
        """The tags it carries."""
        tag = self.config.get("tag") or []
        return [tag] if isinstance(tag, str) else list(tag)

    @property
    def items(self) -> int | None:
        """How many items its metadata declares."""
        known = self.config.get("metadata")
        return known.get("items") if isinstance(known, dict) else None

    @property
    def members(self) -> list[str]:
        """What a group names, at any depth of inline groups; a task written out inside the group is not named but defined."""
        return list(_members(self.config)) if self.kind == "group" else []


@dataclass(frozen=True)
class Catalog:
    """All task files below some folders. problems: one line for each file that lm-eval would drop, and for each name defined twice."""

    folders: tuple[Path, ...]
    files: tuple[TaskFile, ...]
    problems: tuple[str, ...]

    @property
    def tags(self) -> dict[str, list[str]]:
        """Tag -> names of its tasks."""
        found: dict[str, list[str]] = {}
        for file in self.files:
            for tag in file.tags:
                found.setdefault(tag, []).append(file.name)
        return found

    @property
    def names(self) -> set[str]:
        """Everything that can be asked for by name: tasks, groups, tags."""
        return {file.name for file in self.files} | self.tags.keys()

    def expand(self, names: Iterable[str]) -> dict[str, Path | None]:
        """All names reached from `names` through groups and tags -> the group file that names it, None for those asked for."""
        files, tags = {file.name: file for file in self.files}, self.tags
        reached: dict[str, Path | None] = dict.fromkeys(names)
        queue = list(reached)
        for name in queue:
            file = files.get(name)
            for member in file.members if file else tags.get(name, []):
                if member not in reached:
                    reached[member] = file.path if file else None
                    queue.append(member)
        return reached


def read_catalog(include_path: Iterable[str | Path] = ()) -> Catalog:
    """The shipped task files and those in the user's folders; UsageError for a folder that does not exist."""
    folders = task_folders(include_path)
    files: list[TaskFile] = []
    problems: list[str] = []
    for path in _yaml_paths(folders):
        try:
            files += _defined(path)
        except UsageError as error:
            problems.append(str(error))
    first: dict[str, Path] = {}
    for file in files:
        if file.name in first:
            problems.append(f"{file.path}: '{file.name}' is also defined in {first[file.name]}; rename one of the two")
        first.setdefault(file.name, file.path)
    return Catalog(tuple(folders), tuple(files), tuple(dict.fromkeys(problems)))


def task_folders(include_path: Iterable[str | Path] = ()) -> list[Path]:
    """The shipped tasks and the user's folders, none inside another; UsageError for a folder that does not exist."""
    folders = [Path(p) for p in include_path]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"include_path {folder} is no folder; give the folder that holds the YAML files")
    found = list(dict.fromkeys(folder.resolve() for folder in [resource("tasks"), *folders]))
    return [folder for folder in found if not any(other in folder.parents for other in found)]


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping; UsageError naming file and line where it is malformed or no mapping."""
    try:
        text = path.read_text(encoding="utf-8")
        loaded = deepcopy(_parsed(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {min(mark.line + 1, len(text.splitlines()))}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise UsageError(f"{path}{line}: malformed YAML ({problem}); correct the line") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: this is no UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if not isinstance(loaded, dict):
        kind = "nothing" if loaded is None else type(loaded).__name__
        raise UsageError(f"{path}: a YAML file here holds `key: value` lines, this one holds {kind}; correct it or move it away")
    return loaded


@lru_cache(maxsize=1000)
def _parsed(text: str) -> Any:
    return yaml.load(text, Loader=Loader)  # an include comes once for each file that names it, and a run reads all of them twice


def tasks_sha256(sources: Iterable[str]) -> str:
    """One hash over task files, their includes merged in; without what describes the data and decides no number."""
    texts = sorted(json.dumps(_deciding(merged(Path(source))), sort_keys=True, default=str) for source in sources)
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _deciding(config: dict[str, Any]) -> dict[str, Any]:
    known = config.get("metadata")
    return {**config, "metadata": {k: v for k, v in known.items() if k not in DESCRIBING}} if isinstance(known, dict) else config


def merged(path: Path) -> dict[str, Any]:
    """A YAML with its includes: its own keys win, as in lm-eval, and so do the entries of its `metadata`.

    UsageError for an include that is missing, goes in a circle or comes twice.
    """
    return _merged(path, {path.resolve()}, (path,))


def _merged(path: Path, seen: set[Path], way: tuple[Path, ...]) -> dict[str, Any]:
    config = read_yaml(path)
    included = config.pop("include", None) or []
    base: dict[str, Any] = {}
    for name in [included] if isinstance(included, str) else included:
        target = path.parent / str(name)
        if not target.is_file():
            raise UsageError(f"{path}: include: '{name}' is not there (looked for {target}); paths are relative to the YAML file")
        if target.resolve() in (before := [step.resolve() for step in way]):
            raise _circle(way[before.index(target.resolve()) :])
        if target.resolve() in seen:
            raise UsageError(f"{path}: include: '{name}' is included twice, and lm-eval drops such a task; include it once")
        seen.add(target.resolve())
        base = _over(base, _merged(target, seen, (*way, target)))
    return _over(base, config)


def _over(base: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """lm-eval would drop the include's whole metadata; a licence is then to be written into each of fifty files."""
    both = [of["metadata"] for of in (base, config) if isinstance(of.get("metadata"), dict)]
    return {**base, **config, **({"metadata": {**both[0], **both[1]}} if len(both) == 2 else {})}


def _circle(way: tuple[Path, ...]) -> UsageError:
    """The same error wherever the circle was entered. way: its files, each including the next and the last one the first."""
    start = way.index(min(way))
    turned = [*way[start:], *way[:start], way[start]]
    shown = " -> ".join(path.name for path in turned)
    return UsageError(f"{turned[0]}: include: '{turned[1].name}' goes in a circle ({shown}); take one of these includes out")


def _yaml_paths(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted(folder.rglob("*.yaml")) if not SKIPPED & set(path.parts))


def _defined(path: Path) -> list[TaskFile]:
    """The task or the group that a file defines; none for a file that is only included by others."""
    config = merged(path)
    if "group" in config and not isinstance(config.get("task"), str):
        return [TaskFile(path, str(config["group"]), "group", config)]
    return [TaskFile(path, str(config["task"]), "task", config)] if "task" in config else []


def _members(group: Mapping[str, Any]) -> Iterator[str]:
    entries = group.get("task")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry.get("task"), list):
            yield from _members(entry)
        elif not {"dataset_path", "custom_dataset"} & entry.keys():
            yield str(entry.get("task") or entry.get("group"))
