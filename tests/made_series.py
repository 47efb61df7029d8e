"""Made-up checkpoints for tests, on disk and through the package's own path from samples to record: `write_checkpoint(folder, run, step)`.

Every number that a test expects is set here: the share of items lost in speech, the level of each metric, its rise over the layers, and
how much lower the metrics of the lost items are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.records import Rows, write_run
from lsgap_bench.run_rows import curve_rows, sample_rows
from lsgap_bench.schema import SIDES, Clip, Item, Observation, Pair, Record, Verdict
from lsgap_bench.task_tables import task_table

PROVENANCE = {"tasks_sha256": "a" * 64, "data_sha256": "b" * 64}
METRICS = ("pooled_cosine", "alignment_path_score", "pooled_euclidean", "alignment_path_score_euclidean")
NULLS = {"matched": 0.0, "same_task": -0.1, "other_task": -0.3}


@dataclass(frozen=True)
class Made:
    """One checkpoint. lost: share of the items right in text that are wrong in speech. level, rise: of every curve, at the middle and from
    the first to the last layer. lower: how much lower the curves of lost items are. gains: condition -> items mended of the lost ones.
    """

    run: str
    step: Any
    lost: float = 0.5
    level: Mapping[str, float] | float = 0.6
    rise: float = 0.2
    lower: float = 0.0
    gains: Mapping[str, int] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    tasks: Sequence[str] = ("numbers", "days")
    items: int = 40
    layers: int = 6
    metrics: Sequence[str] = METRICS
    noise: float = 0.02
    seed: int = 0


def write_checkpoint(folder: Path, made: Made, **changes: Any) -> Path:
    """The run folder of a checkpoint; changes: fields of its record."""
    pairs = [pair for task in made.tasks for pair in _pairs(task, made)]
    samples, curves = sample_rows(pairs), curve_rows(pairs)
    tables = [task_table(task, "1.0", samples, curves) for task in made.tasks]
    fields: dict[str, Any] = {
        "system": {"name": f"{made.run}-{made.step}", "kind": "lslm", "dtype": "float32"},
        "tasks": {t.task: task_result(t) for t in tables},
        "groups": {},
        "overall": group_result(tables),
        "checks": {},
        "provenance": PROVENANCE,
        "tags": {"run": made.run, "step": made.step, **made.tags},
        **changes,
    }
    write_run(folder, Record(**fields), {}, Rows(samples, curves, []))
    return folder


def write_series(folder: Path, checkpoints: Sequence[Made]) -> list[Path]:
    """One folder per checkpoint."""
    return [write_checkpoint(folder / f"{k:03d}", made) for k, made in enumerate(checkpoints)]


def falling(runs: Sequence[str] = ("a", "b", "c"), steps: Sequence[int] = (500, 1000, 2000, 4000), **changes: Any) -> list[Made]:
    """Runs whose gap falls and whose metrics rise as training goes on, at a level of its own for each run."""
    made = []
    for r, run in enumerate(runs):
        for s, step in enumerate(steps):
            fields = {"lost": 0.7 - 0.12 * s + 0.02 * r, "level": 0.4 + 0.08 * s - 0.05 * r, "lower": 0.05, "seed": 100 * r + s, **changes}
            made.append(Made(run, step, **fields))
    return made


def _pairs(task: str, made: Made) -> list[Pair]:
    rng = np.random.default_rng([made.seed, len(task)])
    lost = round(made.lost * made.items)
    return [_pair(task, k, k < lost, made, rng) for k in range(made.items)]


def _pair(task: str, number: int, lost: bool, made: Made, rng: np.random.Generator) -> Pair:
    clip = Clip("0" * 64, 16_000, 16_000, bytes)
    item = Item(f"{task}/{number}", task, "which is larger", clip, "A", f"{task} {number}", task, ("A", "B"), chance=0.25)
    scores = {"text": 1.0, "speech": 0.0 if lost else 1.0}
    scores |= {condition: 1.0 if number < mended else scores["speech"] for condition, mended in made.gains.items()}
    seen = {c: _observation(item.id, c, lost, made, rng) for c in scores}
    return Pair(item, seen, {c: Verdict("A", s, s == 1.0, True) for c, s in scores.items()})


def _observation(item: str, condition: str, lost: bool, made: Made, rng: np.random.Generator) -> Observation:
    curves = {}
    for metric in made.metrics if condition == "speech" else ():
        level = made.level if isinstance(made.level, float) else made.level[metric]
        sign = -1 if "euclidean" in metric else 1  # a distance falls where a cosine rises
        ramp = made.rise * np.linspace(-0.5, 0.5, made.layers)
        own = level + ramp - made.lower * lost + made.noise * rng.standard_normal()
        curves[metric] = {side: (0.0, *(1 + sign * (own + NULLS[side])).tolist()) for side in SIDES}
    return Observation(
        item=item,
        condition=condition,
        answer="A",
        prompt="which is larger",
        content_tokens=3,
        logits_sha256="1" * 64,
        pcm_sha256=None if condition == "text" else "2" * 64,
        option_logprobs=(-0.1, -2.0),
        option_tokens=(1, 1),
        curves=curves,
        replaced=3.0 if "+" in condition else None,
    )
