"""From scores and curves, item by item, to the estimates of a task, a group and a whole run; also when a record is re-derived."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from lsgap_bench.bootstrap import relative_weights
from lsgap_bench.condition_results import condition_results, gap_split
from lsgap_bench.corpus_scores import corpus_scores
from lsgap_bench.differences import differences, is_binary, mean_difference, mean_p_value, mean_score, paired_p_value, total_of
from lsgap_bench.measures import agreements, answer_measures, representation
from lsgap_bench.power import group_detectable, minimum_detectable_gap
from lsgap_bench.recognition import recognition_of
from lsgap_bench.registry import REPRESENTATION, metrics
from lsgap_bench.schema import COMPANIONS, NOT_RUN, Estimate, GroupResult, InterventionResult, OtherScores, PValue, TaskResult, absent
from lsgap_bench.stats import difference, flips, group_mean, holm, mean_estimate, paired_gap, ratio_of_means
from lsgap_bench.task_tables import TaskTable, weights_of
from lsgap_bench.unjudged import explained

NO_ITEMS = "no items are left"
OF_EACH_TASK = "first of each task"


def task_result(table: TaskTable) -> TaskResult:
    """Scores, gap, representation and interventions of one task; one without items has no scores."""
    text, speech = table.scores.get("text"), table.scores.get("speech")
    missing = "only one form was run" if table.items else NO_ITEMS
    chance = float(np.mean(table.chance)) if len(table.chance) else math.nan
    result = TaskResult(
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
        conditions=condition_results([table]),
        split=gap_split([table]),
        interventions=_adjusted({c: _intervention(table, c) for c in table.scores if c.startswith("speech+") and speech is not None}),
        other_scorers={**{rule: _other_scores([table.judged_by(rule)]) for rule in table.others}, **corpus_scores(table)},
    )
    return explained(result, [table])


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
    result = GroupResult(
        tasks=[t.task for t in tables],
        weights=shares,
        scores={c: mean_score(tables, c) for c in conditions},
        gap=mean_difference(tables, "text", "speech") if both else absent(missing),
        p_value=mean_p_value(tables, "text", "speech") if both else PValue(math.nan, missing),
        **_companions(tables),
        recognition=recognition_of(tables),
        detectable=group_detectable(differences(tables, "text", "speech"), weights=weights_of(tables)) if both else absent(missing),
        answers=answer_measures(tables),
        agreement=agreements(tables),
        representation={name: representation(tables, name, by_length=True) for name in names},
        conditions=condition_results(tables),
        split=gap_split(tables),
        interventions=_adjusted(
            {c: _group_intervention(tables, c) for c in conditions if c.startswith("speech+") and "speech" in conditions}
        ),
        other_scorers=_group_other_scores(tables),
    )
    return explained(result, tables)


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
    shares = relative_weights(weights_of(filled), len(filled))
    return OtherScores(
        scores={side: mean_score(tables, side) for side in sides},
        gap=mean_difference(tables, "text", "speech") if len(sides) == 2 else absent(missing),
        p_value=mean_p_value(tables, "text", "speech") if len(sides) == 2 else PValue(math.nan, missing),
        fail_rate={side: 1 - float(np.mean(shares * [_mean(t.extracted[side]) for t in filled])) for side in sides},
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
    counts = flips(plain, treated) if seen and is_binary(plain) and is_binary(treated) else None
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
        score=mean_score(tables, condition),
        gain=mean_difference(tables, condition, "speech"),
        p_value=mean_p_value(tables, condition, "speech"),
        recovered=total_of([s.recovered for s in singles]),
        broken=total_of([s.broken for s in singles]),
        replaced=float(np.mean(relative_weights(weights_of(filled), len(filled)) * [s.replaced for s in singles])),
    )


def _adjusted(results: Mapping[str, InterventionResult]) -> dict[str, InterventionResult]:
    """The p-values of a grid beside themselves after Holm's correction over all of it."""
    adjusted = holm([of.p_value.value for of in results.values()])
    return {name: replace(of, p_holm=float(p)) for (name, of), p in zip(results.items(), adjusted, strict=True)}


def _mean(values: ArrayLike) -> float:
    """Of the values that are there; NaN where none is."""
    present = np.asarray(values, dtype=np.float64)
    present = present[~np.isnan(present)]
    return float(np.mean(present)) if len(present) else math.nan
