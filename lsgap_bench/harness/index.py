"""Tasks, groups and tags by name: the index that lm-eval's TaskManager builds, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import lm_eval.tasks
from lm_eval.tasks._index import TaskIndex

from lsgap_bench.naming_lines import naming_keys


def task_index(folder: Path) -> dict[str, Any]:
    """Name -> entry of the files in a folder, in lm-eval's order."""
    return index_of(naming_keys(folder).items())


def index_of(files: Iterable[tuple[Path, Mapping[str, Any]]]) -> dict[str, Any]:
    """Name -> lm-eval's entry, without the configuration, which lm-eval reads from the file when it builds the task.

    files: path and keys, as far as these name something.
    """
    index: dict[str, Any] = {}
    for path, keys in files:
        with suppress(KeyError, TypeError, ValueError):  # a file that defines nothing by itself
            TaskIndex.process_cfg(dict(keys), path, index)
    return index


@cache
def own_index() -> dict[str, Any]:
    """That of lm-eval's own tasks: thousands of files, read once."""
    return task_index(Path(lm_eval.tasks.__file__).parent)
