"""From scores and curves, item by item, to the estimates of a task, a group and a whole run; also when a record is re-derived."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsgap_bench.registry import metrics
from lsgap_bench.schema import (
    CANARY,
    COMPANIONS,
    NOT_RUN,
    SIDES,
    Estimate,
    GroupResult,
    InterventionResult,
    Pair,
    PValue,
    Representation,
    Side,
    TaskResult,
    Verdict,
    absent,
)
from lsgap_bench.stats import difference, flips, group_bands, group_mean, mcnemar, mean_estimate, paired_gap, paired_test, ratio_of_means

Floats = NDArray[np.float64]
NULLS = SIDES[1:]
NO_ITEMS = "no items are left"


@dataclass(frozen=True)
class TaskTable:
    """One task's items, row by row, in the order of their ids.

    clusters: a name per item. chance: (n,), NaN where unknown. scores, extracted, replaced: condition -> (n,), NaN where the condition was
    not run on the item. curves: metric -> side -> (n, L + 1), layers 0..L. units: metric -> what it is measured in.
    systems: `base`, `cascade` -> scores (n,), where they were run; their `extracted` stands beside the conditions'.
    """

    task: str
    version: str
    items: Sequence[str]
    clusters: Sequence[str]
    chance: Floats
    scores: Mapping[str, Floats]
    extracted: Mapping[str, Floats]
    replaced: Mapping[str, Floats]
    curves: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    systems: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def clustered(self) -> bool:
        """Whether any two items depend on each other."""
        return len(set(self.clusters)) < len(self.clusters)

    def score(self, condition: str) -> Floats:
        """(n,), NaN where the condition was not run."""
        return self.scores.get(condition, np.full(len(self.items), np.nan))

    def system(self, name: str) -> Floats:
        """Scores of `base` or `cascade`: (n,), NaN where it was not run."""
        return self.systems.get(name, np.full(len(self.items), np.nan))


def sample_rows(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """What samples.jsonl says of each item in each system under each condition: prompt, clip, answer, verdict."""
    return [
        {
            "task": pair.item.task,
            "item": pair.item.id,
            "cluster": pair.item.cluster,
            "system": condition if condition in COMPANIONS else "lslm",
            "condition": COMPANIONS.get(condition, condition),
            "prompt": seen.prompt,
            "clip": pair.item.clip.to_dict() if seen.pcm_sha256 else None,
            "pcm_sha256": seen.pcm_sha256,
            "transcript": seen.transcript,
            "answer": seen.answer,
            "option_logprobs": dict(zip(pair.item.options, seen.option_logprobs, strict=True)) if seen.option_logprobs else None,
            "target": pair.item.target,
            "chance": pair.item.chance,
            "content_tokens": seen.content_tokens,
            "logits_sha256": seen.logits_sha256,
            "replaced": seen.replaced,
            "partners": dict(seen.partners) or None,
            **_judged(pair.verdicts.get(condition), seen.absent),
        }
        for pair in pairs
        for condition, seen in pair.observations.items()
    ]


def _judged(verdict: Verdict | None, why: str | None) -> dict[str, Any]:
    """A verdict's part of a row; where there is no answer everything that was read off it is null, with the reason."""
    if verdict is None:
        return {**dict.fromkeys(("answer", "prediction", "score", "correct", "extracted", "content_tokens", "logits_sha256")), "why": why}
    return {"prediction": verdict.prediction, "score": verdict.score, "correct": verdict.correct, "extracted": verdict.extracted}


def curve_rows(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """What layers.parquet says: one row per item, condition and metric, with one value per layer 0..L for each side."""
    return [
        {
            "task": pair.item.task,
            "item": pair.item.id,
            "condition": condition,
            "metric": metric,
            "unit": metrics[metric].unit,
            **{s: list(sides[s]) for s in SIDES},
        }
        for pair in pairs
        for condition, seen in pair.observations.items()
        for metric, sides in seen.curves.items()
    ]


def task_table(task: str, version: str, samples: Iterable[Mapping[str, Any]], curves: Iterable[Mapping[str, Any]]) -> TaskTable:
    """The table of one task from rows of `sample_rows` and `curve_rows`, made in memory or read back from disk.

    The canary's conditions are left out where they cover some items only.
    """
    samples = [{**row, "condition": _column_of(row)} for row in samples if row["task"] == task]
    first = {row["item"]: row for row in samples}
    items = sorted(first, key=_natural)
    place = {item: k for k, item in enumerate(items)}
    rows = Counter(row["condition"] for row in samples)
    samples = [row for row in samples if row["condition"] not in CANARY or rows[row["condition"]] == len(items)]

    def column(key: str) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        for row in samples:
            values = found.setdefault(row["condition"], np.full(len(items), np.nan))
            values[place[row["item"]]] = np.nan if row[key] is None else float(row[key])
        return found

    tables: dict[str, dict[str, Floats]] = {}
    units: dict[str, str] = {}
    for row in curves:
        if row["task"] == task and row["condition"] == "speech":
            sides = tables.setdefault(row["metric"], {s: np.full((len(items), len(row["matched"])), np.nan) for s in SIDES})
            units[row["metric"]] = row["unit"]
            for side in SIDES:
                sides[side][place[row["item"]]] = [math.nan if v is None else v for v in row[side]]
    chance = np.array([math.nan if first[item]["chance"] is None else first[item]["chance"] for item in items], dtype=np.float64)
    clusters = [str(first[item]["cluster"]) for item in items]
    scores, replaced = column("score"), column("replaced")
    systems = {name: scores.pop(name) for name in COMPANIONS if name in scores}
    replaced = {condition: values for condition, values in replaced.items() if condition not in COMPANIONS}
    return TaskTable(task, version, items, clusters, chance, scores, column("extracted"), replaced, tables, units, systems)


def _column_of(row: Mapping[str, Any]) -> str:
    """A sample's condition, or `base` or `cascade`; samples of older runs name no system."""
    system = str(row.get("system", "lslm"))
    return system if system in COMPANIONS else str(row["condition"])


def task_result(table: TaskTable) -> TaskResult:
    """Scores, gap, representation and interventions of one task; one without items has no scores."""
    text, speech = table.scores.get("text"), table.scores.get("speech")
    missing = "only one form was run" if table.items else NO_ITEMS
    chance = float(np.mean(table.chance)) if len(table.chance) else math.nan
    return TaskResult(
        version=table.version,
        n=len(table.items),
        chance=None if math.isnan(chance) else chance,
        fail_rate={c: 1 - _mean(values) for c, values in table.extracted.items()},
        scores={c: mean_estimate(values, table.clusters) for c, values in table.scores.items()},
        gap=absent(missing) if text is None or speech is None else paired_gap(text, speech, table.clusters),
        p_value=PValue(math.nan, missing) if text is None or speech is None else _p_value(table, "text", "speech"),
        **_companions([table]),
        representation={name: _representation([table], name) for name in table.curves},
        interventions={c: _intervention(table, c) for c in table.scores if c.startswith("speech+") and speech is not None},
    )


def group_result(tables: Sequence[TaskTable]) -> GroupResult:
    """Unweighted means over tasks; a condition or metric that a task lacks is absent from the group.

    A task without items makes every mean absent, for the mean of fewer tasks is another quantity. No tasks give a group without scores.
    """
    filled = [t for t in tables if t.items]
    conditions = [c for c in (filled[0].scores if filled else ()) if all(c in t.scores for t in filled)]
    names = [m for m in (filled[0].curves if filled else ()) if all(m in t.curves for t in filled)]
    both = {"text", "speech"} <= set(conditions)
    return GroupResult(
        tasks=[t.task for t in tables],
        scores={c: group_mean([(t.score(c), t.clusters) for t in tables]) for c in conditions},
        gap=_group_difference(tables, "text", "speech") if both else absent("only one form was run" if filled else NO_ITEMS),
        **_companions(tables),
        representation={name: _representation(tables, name) for name in names},
        interventions={c: _group_intervention(tables, c) for c in conditions if c.startswith("speech+") and "speech" in conditions},
    )


def _companions(tables: Sequence[TaskTable]) -> dict[str, Estimate]:
    """base, cascade, erosion and recovery of one task, or unweighted over several; what is absent says why."""
    filled = [t for t in tables if t.items]

    def missing(system: str, condition: str) -> str | None:
        if not all(system in t.systems for t in filled):
            return NOT_RUN.why
        return None if all(condition in t.scores for t in filled) else f"{condition} was not run"

    if not any(t.systems for t in filled):
        return dict.fromkeys((*COMPANIONS, "erosion", "recovery"), NOT_RUN)
    scores = {name: [(t.system(name), t.clusters) for t in tables] for name in COMPANIONS}
    made = {name: group_mean(parts) if all(name in t.systems for t in filled) else NOT_RUN for name, parts in scores.items()}
    no_erosion, no_recovery = missing("base", "text"), missing("base", "speech")
    erosion = [(t.system("base") - t.score("text"), t.clusters) for t in tables]
    recovery = [(t.score("speech"), t.system("base"), t.clusters) for t in tables]
    made["erosion"] = absent(no_erosion) if no_erosion else group_mean(erosion)
    made["recovery"] = absent(no_recovery, "ratio") if no_recovery else ratio_of_means(recovery)
    return made


def mean_over_layers(curves: Floats) -> Floats:
    """Per item, the mean over layers 1..L (paper section 4): (n, L + 1) -> (n,). A layer without a value is left out; NaN if all are."""
    inner = curves[:, 1:]
    count = np.isfinite(inner).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, np.nansum(inner, axis=1) / count, np.nan))


def _representation(tables: Sequence[TaskTable], name: str) -> Representation:
    """One metric over the items of one task, or unweighted over several."""
    unit = next((t.units[name] for t in tables if name in t.units), "")
    layers_of = next(t.curves[name]["matched"].shape[1] for t in tables if t.items)
    curves = [t.curves[name] if t.items else dict.fromkeys(SIDES, np.empty((0, layers_of))) for t in tables]
    sides = [{side: mean_over_layers(c[side]) for side in SIDES} for c in curves]

    def over(side: Side) -> Estimate:
        return group_mean([(s[side], t.clusters) for s, t in zip(sides, tables, strict=True)], unit, 1.0)

    def above(side: Side) -> Estimate:
        return group_mean([(s["matched"] - s[side], t.clusters) for s, t in zip(sides, tables, strict=True)], unit, 1.0)

    layers = {side: group_bands([(c[side], t.clusters) for c, t in zip(curves, tables, strict=True)], unit) for side in SIDES}
    return Representation(
        value=over("matched"),
        null={side: over(side) for side in NULLS},
        above_null={side: above(side) for side in NULLS},
        by_layer=[e.value for e in layers["matched"]],
        by_layer_null={side: [e.value for e in layers[side]] for side in NULLS},
        by_layer_band={side: [(e.low, e.high) for e in bands] for side, bands in layers.items()},
        unit=unit,
    )


def _intervention(table: TaskTable, condition: str) -> InterventionResult:
    treated, plain = table.scores[condition], table.scores["speech"]
    seen = not np.isnan(treated).all()
    counts = flips(plain, treated) if seen and _is_binary(plain) and _is_binary(treated) else None
    return InterventionResult(
        score=mean_estimate(treated, table.clusters),
        gain=difference(treated, plain, table.clusters),
        p_value=_p_value(table, condition, "speech"),
        recovered=counts.recovered if counts else None,
        broken=counts.broken if counts else None,
        replaced=_mean(table.replaced[condition]),
    )


def _group_intervention(tables: Sequence[TaskTable], condition: str) -> InterventionResult:
    singles = [_intervention(t, condition) for t in tables if t.items]
    return InterventionResult(
        score=group_mean([(t.score(condition), t.clusters) for t in tables]),
        gain=_group_difference(tables, condition, "speech"),
        p_value=PValue(math.nan, "tested per task"),
        recovered=_total([s.recovered for s in singles]),
        broken=_total([s.broken for s in singles]),
        replaced=float(np.mean([s.replaced for s in singles])),
    )


def _group_difference(tables: Sequence[TaskTable], first: str, second: str) -> Estimate:
    return group_mean([(t.score(first) - t.score(second), t.clusters) for t in tables])


def _p_value(table: TaskTable, first: str, second: str) -> PValue:
    """Exact McNemar where every item stands alone and is right or wrong; else a sign-flip test of cluster sums."""
    a, b = table.scores[first], table.scores[second]
    if np.isnan(a - b).all():
        return PValue(math.nan, "no item has a value")
    if not table.clustered and _is_binary(a) and _is_binary(b):
        return PValue(mcnemar(a, b), "exact McNemar")
    return PValue(paired_test(a, b, table.clusters), "sign flip of cluster sums")


def _is_binary(scores: Floats) -> bool:
    """Whether every score there is, is right or wrong."""
    return bool(np.isin(scores[~np.isnan(scores)], (0.0, 1.0)).all())


def _mean(values: ArrayLike) -> float:
    """Of the values that are there; NaN where none is."""
    present = np.asarray(values, dtype=np.float64)
    present = present[~np.isnan(present)]
    return float(np.mean(present)) if len(present) else math.nan


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _natural(item: str) -> tuple[str, int]:
    task, _, number = item.rpartition("/")
    return task, int(number)
