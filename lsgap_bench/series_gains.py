"""Interventions over a series: the gain of each condition, over checkpoints and per checkpoint, beside its controls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lsgap_bench.regressions import mean_over_runs
from lsgap_bench.schema import Estimate, PValue
from lsgap_bench.series import Checkpoint, Series
from lsgap_bench.series_items import Items, gain_p_value
from lsgap_bench.stats import holm, paired_test

PREFIX = "speech+"


@dataclass(frozen=True)
class Gain:
    """One condition over the checkpoints that ran it.

    gain: points over plain speech, mean over checkpoints, interval over training runs (the items being what they are). p: over questions,
    all answers to one question flipped together; p_holm: adjusted over all conditions. p_runs: over training runs; of R runs it cannot be
    below 2 / 2**R. against: control -> gain beyond this control's, same interval; against_p: over questions.
    """

    condition: str
    checkpoints: int
    runs: int
    gain: Estimate
    p: float
    p_holm: float
    p_runs: float
    against: Mapping[str, Estimate]
    against_p: Mapping[str, float]


@dataclass(frozen=True)
class CheckpointGain:
    """One condition at one checkpoint. gain: interval over items. p_holm: adjusted over all conditions and checkpoints of the table."""

    checkpoint: str
    condition: str
    gain: Estimate
    p: PValue
    p_holm: float


def parts_of(condition: str) -> tuple[str, str, str, str]:
    """`speech+PLUGIN:SELECTION@LAYER=CONTROL` -> plug-in, selection, layer, control; the last is empty for the intervention itself."""
    base, _, control = condition.removeprefix(PREFIX).partition("=")
    plugin, _, place = base.partition(":")
    selection, _, layer = place.partition("@")
    return plugin, selection, layer, control


def gains(series: Series, items: Sequence[Items], seed: int = 0) -> list[Gain]:
    """One row per condition that any checkpoint ran. items: of every checkpoint, or empty; then p is NaN."""
    rows = [_gain(series, items, condition, seed) for condition in series.conditions]
    adjusted = holm([row.p for row in rows])
    return [Gain(**{**vars(row), "p_holm": float(p)}) for row, p in zip(rows, adjusted, strict=True)]


def checkpoint_gains(series: Series, items: Sequence[Items], seed: int = 0) -> list[CheckpointGain]:
    """One row per checkpoint and condition; without items, the p-value of a single task's record where there is one."""
    rows = []
    for k, checkpoint in enumerate(series.checkpoints):
        for condition, of in checkpoint.interventions.items():
            p = _p_value(checkpoint, condition, items[k] if items else None, seed)
            rows.append(CheckpointGain(checkpoint.name, condition, of.gain, p, math.nan))
    adjusted = holm([row.p.value for row in rows])
    return [CheckpointGain(**{**vars(row), "p_holm": float(p)}) for row, p in zip(rows, adjusted, strict=True)]


def _gain(series: Series, items: Sequence[Items], condition: str, seed: int) -> Gain:
    having = [c for c in series.checkpoints if condition in c.interventions]
    values, runs = [c.interventions[condition].gain.value for c in having], [c.run for c in having]
    controls = {} if "=" in condition else {name.partition("=")[2]: name for name in series.conditions if name.startswith(f"{condition}=")}
    return Gain(
        condition=condition,
        checkpoints=len(having),
        runs=len(set(runs)),
        gain=mean_over_runs(values, runs, "points"),
        p=gain_p_value(items, condition, seed=seed),
        p_holm=math.nan,
        p_runs=paired_test(values, np.zeros(len(values)), runs, seed),
        against={control: _beyond(having, condition, name) for control, name in controls.items()},
        against_p={control: gain_p_value(items, condition, name, seed) for control, name in controls.items()},
    )


def _beyond(having: Sequence[Checkpoint], condition: str, control: str) -> Estimate:
    """The gain beyond a control's, over the checkpoints that ran both."""
    both = [c for c in having if control in c.interventions]
    values = [c.interventions[condition].gain.value - c.interventions[control].gain.value for c in both]
    return mean_over_runs(values, [c.run for c in both], "points")


def _p_value(checkpoint: Checkpoint, condition: str, items: Items | None, seed: int) -> PValue:
    tasks = checkpoint.record.tasks
    if len(tasks) == 1:
        (task,) = tasks.values()
        return task.interventions[condition].p_value
    if items is None:
        return PValue(math.nan, "samples were not read")
    return PValue(gain_p_value([items], condition, seed=seed), "sign flip of cluster sums")
