"""Two conditions of the same items: their difference over one task or several, and its test."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lsgap_bench.bootstrap import Floats
from lsgap_bench.schema import Estimate, PValue
from lsgap_bench.stats import group_mean, mcnemar, paired_test
from lsgap_bench.task_tables import TaskTable


def mean_p_value(tables: Sequence[TaskTable], first: str, second: str) -> PValue:
    """Of first - second, unweighted over tasks; one task has its own test."""
    if len(tables) == 1:
        return paired_p_value(tables[0].score(first), tables[0].score(second), tables[0].clusters)
    return group_mean_p_value([(t.score(first) - t.score(second), t.clusters) for t in tables])


def mean_difference(tables: Sequence[TaskTable], first: str, second: str) -> Estimate:
    """first - second in points, unweighted over tasks, paired by item."""
    return group_mean([(t.score(first) - t.score(second), t.clusters) for t in tables])


def group_mean_p_value(parts: Sequence[tuple[Floats, Sequence[str]]]) -> PValue:
    """Of an unweighted mean over tasks: sign flips of cluster sums, in which every task weighs the same.

    parts: (differences (items,), clusters) per task, NaN = absent; clusters that tasks share are flipped together.
    """
    if any(np.isnan(differences).all() for differences, _ in parts):
        return PValue(math.nan, "a task has no item with a value")
    weighted = np.concatenate([differences / np.count_nonzero(~np.isnan(differences)) for differences, _ in parts])
    p = paired_test(weighted, np.zeros(len(weighted)), [name for _, clusters in parts for name in clusters])
    return PValue(p, "sign flip of cluster sums, tasks weigh the same" if len(parts) > 1 else "sign flip of cluster sums")


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
