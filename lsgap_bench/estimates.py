"""From scores and curves, item by item, to the estimates of a task, a group and a whole run; also when a record is re-derived."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from lsgap_bench.bootstrap import Floats, Weights, relative_weights
from lsgap_bench.measures import agreements, answer_measures, representation
from lsgap_bench.power import group_detectable, minimum_detectable_gap
from lsgap_bench.recognition import recognition_of
from lsgap_bench.registry import REPRESENTATION, metrics
from lsgap_bench.schema import COMPANIONS, NOT_RUN, Estimate, GroupResult, InterventionResult, OtherScores, PValue, TaskResult, absent
from lsgap_bench.stats import difference, flips, group_mean, holm, mcnemar, mean_estimate, paired_gap, paired_test, ratio_of_means
from lsgap_bench.task_tables import TaskTable, weights_of

NO_ITEMS = "no items are left"
OF_EACH_TASK = "first of each task"


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
        p_value=PValue(math.nan, missing) if text is None or speech is None else paired_p_value(text, speech, table.clusters),
        **_companions([table]),
        recognition=recognition_of([table]),
        detectable=absent(missing) if text is None or speech is None else minimum_detectable_gap(text, speech, table.clusters),
        answers=answer_measures([table]),
        agreement=agreements([table]),
        representation={name: representation([table], name) for name in _metrics(table)},
        interventions=_adjusted({c: _intervention(table, c) for c in table.scores if c.startswith("speech+") and speech is not None}),
        other_scorers={rule: _other_scores([table.judged_by(rule)]) for rule in table.others},
    )


def group_result(tables: Sequence[TaskTable], weights: Mapping[str, float] | None = None) -> GroupResult:
    """Means over tasks; a condition or metric that a task lacks is absent from the group.

    weights: task -> its weight; None, and none at all as in a record of an older version: all weigh the same. A task without items makes
    every mean absent, for the mean of fewer tasks is another quantity. No tasks give a group without scores.
    """
    shares = {t.task: 1 / len(tables) for t in tables} if weights is None else dict(weights)
    tables = [replace(t, weight=shares.get(t.task, 1.0)) for t in tables]
    filled = [t for t in tables if t.items]
    conditions = [c for c in (filled[0].scores if filled else ()) if all(c in t.scores for t in filled)]
    names = [m for m in (_metrics(filled[0]) if filled else ()) if all(m in _metrics(t) for t in filled)]
    both = {"text", "speech"} <= set(conditions)
    missing = "only one form was run" if filled else NO_ITEMS
    return GroupResult(
        tasks=[t.task for t in tables],
        weights=shares,
        scores={c: _group_score(tables, c) for c in conditions},
        gap=_group_difference(tables, "text", "speech") if both else absent(missing),
        p_value=_group_p_value(tables, "text", "speech") if both else PValue(math.nan, missing),
        **_companions(tables),
        recognition=recognition_of(tables),
        detectable=group_detectable(_differences(tables, "text", "speech"), weights=weights_of(tables)) if both else absent(missing),
        answers=answer_measures(tables),
        agreement=agreements(tables),
        representation={name: representation(tables, name, by_length=True) for name in names},
        interventions=_adjusted(
            {c: _group_intervention(tables, c) for c in conditions if c.startswith("speech+") and "speech" in conditions}
        ),
        other_scorers=_group_other_scores(tables),
    )


def _group_other_scores(tables: Sequence[TaskTable]) -> dict[str, OtherScores]:
    """Of each task's first further scorer, under its name, or under OF_EACH_TASK where they differ; nothing where no task has one."""
    first = [next(iter(table.others), None) for table in tables]
    names = set(first) - {None}
    if not names:
        return {}
    name = str(names.pop()) if len(names) == 1 else OF_EACH_TASK
    return {name: _other_scores([table.judged_by(rule) for table, rule in zip(tables, first, strict=True)])}


def _other_scores(tables: Sequence[TaskTable]) -> OtherScores:
    """What `task_result` says of scores, of tables that another rule has judged; the means over several."""
    filled = [table for table in tables if table.items]
    sides = [side for side in ("text", "speech") if filled and all(side in table.scores for table in filled)]
    missing = "only one form was run" if filled else NO_ITEMS
    gap, shares = _group_difference if len(tables) > 1 else _difference, relative_weights(weights_of(filled), len(filled))
    return OtherScores(
        scores={side: _group_score(tables, side) for side in sides},
        gap=gap(tables, "text", "speech") if len(sides) == 2 else absent(missing),
        p_value=_group_p_value(tables, "text", "speech") if len(sides) == 2 else PValue(math.nan, missing),
        fail_rate={side: 1 - _mean(shares * [_mean(t.extracted[side]) for t in filled]) for side in sides},
    )


def _metrics(table: TaskTable) -> tuple[str, ...]:
    """The representation metrics of a table, those without a value among them."""
    unmeasured = (name for name in table.unmeasured if name in metrics and metrics[name].needs in REPRESENTATION)
    return (*table.curves, *table.blocks, *unmeasured)


def _companions(tables: Sequence[TaskTable]) -> dict[str, Estimate]:
    """base, cascade, erosion and recovery of one task, or the means over several; what is absent says why."""
    filled, weights = [t for t in tables if t.items], weights_of(tables)

    def missing(system: str, condition: str) -> str | None:
        if not all(system in t.systems for t in filled):
            return NOT_RUN.why
        return None if all(condition in t.scores for t in filled) else f"{condition} was not run"

    if not any(t.systems for t in filled):
        return dict.fromkeys((*COMPANIONS, "erosion", "recovery"), NOT_RUN)
    scores = {name: [(t.system(name), t.clusters) for t in tables] for name in COMPANIONS}
    made = {
        name: group_mean(parts, weights=weights) if all(name in t.systems for t in filled) else NOT_RUN for name, parts in scores.items()
    }
    no_erosion, no_recovery = missing("base", "text"), missing("base", "speech")
    erosion = [(t.system("base") - t.score("text"), t.clusters) for t in tables]
    recovery = [(t.score("speech"), t.system("base"), t.clusters) for t in tables]
    made["erosion"] = absent(no_erosion) if no_erosion else group_mean(erosion, weights=weights)
    made["recovery"] = absent(no_recovery, "ratio") if no_recovery else ratio_of_means(recovery, weights=weights)
    return made


def _intervention(table: TaskTable, condition: str) -> InterventionResult:
    treated, plain = table.scores[condition], table.scores["speech"]
    seen = not np.isnan(treated).all()
    counts = flips(plain, treated) if seen and _is_binary(plain) and _is_binary(treated) else None
    return InterventionResult(
        score=mean_estimate(treated, table.clusters),
        gain=difference(treated, plain, table.clusters),
        p_value=paired_p_value(treated, plain, table.clusters),
        recovered=counts.recovered if counts else None,
        broken=counts.broken if counts else None,
        replaced=_mean(table.replaced[condition]),
    )


def _group_intervention(tables: Sequence[TaskTable], condition: str) -> InterventionResult:
    filled = [t for t in tables if t.items]
    singles = [_intervention(t, condition) for t in filled]
    return InterventionResult(
        score=_group_score(tables, condition),
        gain=_group_difference(tables, condition, "speech"),
        p_value=_group_p_value(tables, condition, "speech"),
        recovered=_total([s.recovered for s in singles]),
        broken=_total([s.broken for s in singles]),
        replaced=float(np.mean(relative_weights(weights_of(filled), len(filled)) * [s.replaced for s in singles])),
    )


def _adjusted(results: Mapping[str, InterventionResult]) -> dict[str, InterventionResult]:
    """The p-values of a grid beside themselves after Holm's correction over all of it."""
    adjusted = holm([of.p_value.value for of in results.values()])
    return {name: replace(of, p_holm=float(p)) for (name, of), p in zip(results.items(), adjusted, strict=True)}


def _group_p_value(tables: Sequence[TaskTable], first: str, second: str) -> PValue:
    """One task has its own test."""
    if len(tables) == 1:
        return paired_p_value(tables[0].score(first), tables[0].score(second), tables[0].clusters)
    return group_mean_p_value(_differences(tables, first, second), weights_of(tables))


def _difference(tables: Sequence[TaskTable], first: str, second: str) -> Estimate:
    """Of one task, by its own method."""
    return paired_gap(tables[0].score(first), tables[0].score(second), tables[0].clusters)


def _group_difference(tables: Sequence[TaskTable], first: str, second: str) -> Estimate:
    return group_mean(_differences(tables, first, second), weights=weights_of(tables))


def _group_score(tables: Sequence[TaskTable], condition: str) -> Estimate:
    return group_mean([(t.score(condition), t.clusters) for t in tables], weights=weights_of(tables))


def _differences(tables: Sequence[TaskTable], first: str, second: str) -> list[tuple[Floats, Sequence[str]]]:
    return [(t.score(first) - t.score(second), t.clusters) for t in tables]


def group_mean_p_value(parts: Sequence[tuple[Floats, Sequence[str]]], weights: Weights = None) -> PValue:
    """Of a mean over tasks: sign flips of cluster sums, in which every task weighs what it weighs in the mean.

    parts: (differences (items,), clusters) per task, NaN = absent; clusters that tasks share are flipped together. weights: as for
    `group_mean`.
    """
    if any(np.isnan(differences).all() for differences, _ in parts):
        return PValue(math.nan, "a task has no item with a value")
    relative = relative_weights(weights, len(parts))
    present = [np.count_nonzero(~np.isnan(differences)) for differences, _ in parts]
    shares = [weight * differences / n for weight, n, (differences, _) in zip(relative, present, parts, strict=True)]
    p = paired_test(np.concatenate(shares), np.zeros(sum(map(len, shares))), [name for _, clusters in parts for name in clusters])
    said = "" if len(parts) == 1 else ", tasks weigh the same" if (relative == 1).all() else ", tasks weigh as in the mean"
    return PValue(p, f"sign flip of cluster sums{said}")


def paired_p_value(a: Floats, b: Floats, clusters: Sequence[str]) -> PValue:
    """Exact McNemar where every item stands alone and is right or wrong; else a sign-flip test of cluster sums. a, b: (items,)."""
    if np.isnan(a - b).all():
        return PValue(math.nan, "no item has a value")
    if len(set(clusters)) == len(clusters) and _is_binary(a) and _is_binary(b):
        return PValue(mcnemar(a, b), "exact McNemar")
    return PValue(paired_test(a, b, clusters), "sign flip of cluster sums")


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
