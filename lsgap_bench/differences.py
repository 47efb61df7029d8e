"""Two conditions of the same items: their difference over one task or several, and its test."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lsgap_bench.bootstrap import Floats, Weights, relative_weights
from lsgap_bench.schema import Estimate, PValue
from lsgap_bench.stats import group_mean, mcnemar, paired_test
from lsgap_bench.task_tables import TaskTable, weights_of


def mean_p_value(tables: Sequence[TaskTable], first: str, second: str) -> PValue:
    """Of first - second, over tasks by their weights; one task has its own test."""
    if len(tables) == 1:
        return paired_p_value(tables[0].score(first), tables[0].score(second), tables[0].clusters)
    return group_mean_p_value(differences(tables, first, second), weights_of(tables))


def mean_difference(tables: Sequence[TaskTable], first: str, second: str) -> Estimate:
    """first - second in points, over tasks by their weights, paired by item."""
    return group_mean(differences(tables, first, second), weights=weights_of(tables))


def mean_score(tables: Sequence[TaskTable], condition: str) -> Estimate:
    """The score under a condition in points, over tasks by their weights."""
    return group_mean([(t.score(condition), t.clusters) for t in tables], weights=weights_of(tables))


def differences(tables: Sequence[TaskTable], first: str, second: str) -> list[tuple[Floats, Sequence[str]]]:
    """Task by task: first - second of each item, and the items' clusters."""
    return [(t.score(first) - t.score(second), t.clusters) for t in tables]


def group_mean_p_value(parts: Sequence[tuple[Floats, Sequence[str]]], weights: Weights = None) -> PValue:
    """Of a mean over tasks: sign flips of cluster sums, in which every task weighs what it weighs in the mean.

    parts: (differences (items,), clusters) per task, NaN = absent; clusters that tasks share are flipped together. weights: as for
    `group_mean`.
    """
    if any(np.isnan(of_items).all() for of_items, _ in parts):
        return PValue(math.nan, "a task has no item with a value")
    relative = relative_weights(weights, len(parts))
    present = [np.count_nonzero(~np.isnan(of_items)) for of_items, _ in parts]
    shares = [weight * of_items / n for weight, n, (of_items, _) in zip(relative, present, parts, strict=True)]
    p = paired_test(np.concatenate(shares), np.zeros(sum(map(len, shares))), [name for _, clusters in parts for name in clusters])
    said = "" if len(parts) == 1 else ", tasks weigh the same" if (relative == 1).all() else ", tasks weigh as in the mean"
    return PValue(p, f"sign flip of cluster sums{said}")


def paired_p_value(a: Floats, b: Floats, clusters: Sequence[str]) -> PValue:
    """Exact McNemar where every item stands alone and is right or wrong; else a sign-flip test of cluster sums. a, b: (items,)."""
    if np.isnan(a - b).all():
        return PValue(math.nan, "no item has a value")
    if len(set(clusters)) == len(clusters) and is_binary(a) and is_binary(b):
        return PValue(mcnemar(a, b), "exact McNemar")
    return PValue(paired_test(a, b, clusters), "sign flip of cluster sums")


def is_binary(scores: Floats) -> bool:
    """Whether every score there is, is right or wrong."""
    return bool(np.isin(scores[~np.isnan(scores)], (0.0, 1.0)).all())


def total_of(counts: Sequence[int | None]) -> int | None:
    """The sum; None where a count is not there."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
