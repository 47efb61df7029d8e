"""The YAML key `spoken_of:`: what the spoken version of one of lm-eval's text tasks takes over from it. Imports no lm-eval."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.naming_lines import naming_keys

DATA = ("dataset_path", "dataset_name", "dataset_kwargs", "custom_dataset")
TAKEN = (*DATA, "test_split", "process_docs", "doc_to_text", "doc_to_choice", "doc_to_target", "output_type")
"""What says which questions there are and what their answers are. The rest is of lm-eval's own prompts and metrics: description, few-shot
examples, stop strings, filters."""
SHOTS = "few_shot_examples_left_out"
_BEFORE, _AFTER = re.compile(r"^(?:Question|Q):\s*"), re.compile(r"\s*\b(?:Answer|A):\s*$")


def taken_over(
    ours: Mapping[str, Any], folder: Path, load: Callable[[Path], Mapping[str, Any]], source: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(our configuration with what it takes over, what a record says of the original). Any key of ours wins, null too.

    folder: of lm-eval's task files. load: reads one with its includes and functions. UsageError for a task that is not there, or is no
    plain YAML task of questions.
    """
    name = ours["spoken_of"]
    file = _files(folder).get(name) if isinstance(name, str) else None
    if file is None:
        raise UsageError(f"{source}: spoken_of: lm-eval has no task '{name}'; {did_you_mean(str(name), _files(folder))}")
    theirs = dict(load(file))
    if "class" in theirs or theirs.get("task") != name:
        raise UsageError(f"{source}: spoken_of: lm-eval's '{name}' is written in Python, not as a YAML task of questions; name another")
    theirs["test_split"] = theirs.get("test_split") or theirs.get("validation_split")
    if isinstance(theirs.get("doc_to_text"), str):
        theirs["doc_to_text"] = _AFTER.sub("", _BEFORE.sub("", theirs["doc_to_text"]))
    left = DATA if ours.get("dataset_path") or ours.get("custom_dataset") else ()  # other data has no use for parts of theirs
    taken = {key: theirs[key] for key in TAKEN if key in theirs and key not in left}
    version = (theirs.get("metadata") or {}).get("version")
    original = {"task": name, "version": version, SHOTS: int(theirs.get("num_fewshot") or 0)}
    return {**taken, **{key: value for key, value in ours.items() if key != "spoken_of"}}, original


@cache
def _files(folder: Path) -> Mapping[str, Path]:
    """Task name -> its file."""
    found: dict[str, Path] = {}
    for path, keys in naming_keys(folder).items():
        if isinstance(keys.get("task"), str):
            found.setdefault(keys["task"], path)
    return found
