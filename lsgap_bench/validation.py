"""A strict look at tasks before anything is run: every item built, every clip decoded, every problem collected instead of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from lsgap_bench.clip_making import make_clips
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedTask, build_tasks
from lsgap_bench.schema import Item
from lsgap_bench.speech.clips import decode
from lsgap_bench.yaml_files import read_catalog

CHECK_RATE = 16_000  # Hz: what most models hear
SPOKEN_WORDS_PER_SECOND = 8.0  # nobody speaks faster: such a clip cannot say its text
SILENT = 1e-3  # of full scale, -60 dB: a clip that never gets louder says nothing


@dataclass(frozen=True)
class Validation:
    """rows: what each task holds. problems: one line each, none if all is well."""

    rows: list[dict[str, Any]]
    problems: list[str]


def validate(names: Sequence[str], include_path: Sequence[str] = ()) -> Validation:
    """Check the named tasks, or all there are. UsageError only for what makes checking impossible, such as an unknown name."""
    catalog = read_catalog(include_path)
    groups = {file.name for file in catalog.files if file.kind == "group"} | catalog.tags.keys()
    problems, rows = list(catalog.problems), []
    for name, group in catalog.expand(names or sorted(catalog.names)).items():
        if name in groups:
            continue
        try:
            loaded = build_tasks([name], catalog)
        except UsageError as error:
            if name in names and name not in catalog.names and not Path(name).is_file() and not catalog.problems:
                raise
            problems.append(f"{group}: {error}" if group and name not in catalog.names else str(error))
            continue
        for task_name, task in loaded.by_name.items():
            row, wrong = _check(task) if isinstance(task, PairedTask) else (_text_row(task_name, task), [])
            rows.append(row)
            problems += wrong
    return Validation(rows, list(dict.fromkeys(problems)))  # what is wrong with a scorer is found at every item


def _check(task: PairedTask) -> tuple[dict[str, Any], list[str]]:
    """One task's row, and what is wrong with its items."""
    items: list[Item] = []
    problems = []
    make_clips([task])
    with tqdm(task.test_docs(), desc=str(task.config.task), unit="item", leave=False, disable=None) as documents:
        for number, doc in enumerate(documents):
            try:
                item = task.item(doc, number)
                loudest = np.abs(decode(item.clip, CHECK_RATE)).max()
            except UsageError as error:
                problems.append(str(error))
                continue
            items.append(item)
            if loudest < SILENT:
                problems.append(f"{task.paired_config.source}: {item.id}: its clip is silent; record it again")
    problems += _pair_problems(items, task.paired_config.source)
    seconds = [item.clip.seconds for item in items]
    row = {
        "task": task.config.task,
        "items": len(items),
        "clusters": len({item.cluster for item in items}),
        "answers": "options" if task.OUTPUT_TYPE == "multiple_choice" else "free",
        "chance": _mean([item.chance for item in items if item.chance is not None]),
        "audio min": sum(seconds) / 60,
        "longest s": max(seconds, default=0.0),
    }
    return row, problems


def _text_row(name: str, task: Any) -> dict[str, Any]:
    """A task of lm-eval's own kind: it has no second form that could be checked."""
    return {"task": name, "items": len(task.eval_docs), "answers": f"text only, {task.OUTPUT_TYPE}"}


def _pair_problems(items: Sequence[Item], source: str) -> list[str]:
    """Pairs whose two forms cannot belong together: one clip for different words, or a clip too short for its words."""
    problems = []
    words_of: dict[str, str] = {}
    for item in items:
        other = words_of.setdefault(item.clip.sha256, item.text)
        if other != item.text:
            problems.append(f"{source}: {item.id}: its clip is also the clip of '{other[:60]}'; one of the two is wrong")
        if len(item.text.split()) > SPOKEN_WORDS_PER_SECOND * item.clip.seconds + 2:
            problems.append(
                f"{source}: {item.id}: {len(item.text.split())} words cannot be said in {item.clip.seconds:.1f} s; is this the right clip?"
            )
    return problems


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
