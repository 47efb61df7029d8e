"""Tasks, groups and tags by name: the index that lm-eval's TaskManager builds, in a fraction of the time."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import lm_eval.tasks
from lm_eval.tasks._index import TaskIndex

from lsgap_bench.naming_lines import naming_keys


def task_index(folder: Path) -> dict[str, Any]:
    """Name -> lm-eval's entry, without the configuration, which lm-eval reads from the file when it builds the task."""
    index: dict[str, Any] = {}
    for path, keys in naming_keys(folder).items():
        with suppress(KeyError, TypeError, ValueError):  # a file that defines nothing by itself
            TaskIndex.process_cfg(dict(keys), path, index)
    return index


@cache
def own_index() -> dict[str, Any]:
    """That of lm-eval's own tasks: thousands of files, read once."""
    return task_index(Path(lm_eval.tasks.__file__).parent)
