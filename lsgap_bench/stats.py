"""Values per item -> Estimate with its 95 % interval; paired tests; AUROC of flips. Scores are 0..1, Estimates in points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, stdtrit

from lsgap_bench.bootstrap import (
    FEW_CLUSTERS,
    Clusters,
    Floats,
    Part,
    Weights,
    cluster_names,
    cluster_sums,
    fewest_clusters,
    independent_blocks,
    mean_interval,
    paired,
    percentile_of_ratio,
    present_items,
    weighted,
    why_no_mean,
)
from lsgap_bench.least_squares import Regression as Regression  # outside checks call both here
from lsgap_bench.least_squares import regress as regress
from lsgap_bench.schema import Estimate, absent

_EXACT_CLUSTERS = 14
_FLIPS = 10_000


class Flips(NamedTuple):
    """Items whose answer a treatment turned. recovered: wrong before and right after; broken: the reverse."""

    recovered: int
    broken: int


def mean_estimate(
    values: ArrayLike,
    clusters: Clusters = None,
    unit: str = "points",
    scale: float = 100.0,
    n_boot: int = 10_000,
    seed: int = 0,
) -> Estimate:
    """The mean over items, times `scale`, with its 95 % interval.

    values: (items,), NaN = absent, dropped (n tells). clusters: a name per item; items of one cluster are drawn together.
    From 50 clusters on a percentile interval over `n_boot` resamples of the clusters, under 50 a t interval on cluster sums; `method` says
    which. One cluster gives a value without interval and a `why`. ValueError if the lengths differ.
    """
    return group_mean([(values, clusters)], unit, scale, n_boot, seed)


def difference(
    a: ArrayLike,
    b: ArrayLike,
    clusters: Clusters = None,
    unit: str = "points",
    scale: float = 100.0,
    n_boot: int = 10_000,
    seed: int = 0,
) -> Estimate:
    """The mean of a - b over items, times `scale`: `mean_estimate` of the paired differences.

    An item with a NaN on either side is dropped.
    """
    first, second = paired(a, b, "a", "b")
    made = mean_estimate(first - second, clusters, unit, scale, n_boot, seed)
    return replace(made, method=f"paired {made.method}") if made.method else made


def paired_gap(text: ArrayLike, speech: ArrayLike, clusters: Clusters = None, n_boot: int = 10_000, seed: int = 0) -> Estimate:
    """The modality gap in points: mean of text - speech over items, both scored 0..1, with the interval of `mean_estimate`."""
    return difference(*paired(text, speech, "text", "speech"), clusters, n_boot=n_boot, seed=seed)


def group_mean(
    parts: Sequence[tuple[ArrayLike, Clusters]],
    unit: str = "points",
    scale: float = 100.0,
    n_boot: int = 10_000,
    seed: int = 0,
    weights: Weights = None,
) -> Estimate:
    """The mean over tasks of each task's mean over items, with its 95 % interval; n counts the items of all tasks.

    parts: (values, clusters) per task, as for `mean_estimate`. weights: of the tasks, None: all weigh the same. Each task is resampled by
    its own clusters; tasks that share cluster names are resampled together (one question, several voices), the others independently. Where
    any task has fewer than 50 clusters, and with n_boot 0, a t interval with Welch-Satterthwaite degrees of freedom. Absent if a task has
    no value: the mean of fewer tasks is another quantity.
    """
    tasks = [present_items(values, clusters) for values, clusters in parts]
    n = sum(len(task.values) for task in tasks)
    if why := why_no_mean(tasks):
        return absent(why, unit, n)
    blocks = independent_blocks(weighted(tasks, weights))
    value = float(np.concatenate([block.means for block in blocks]).mean())
    interval = mean_interval(blocks, n_boot, seed)
    return Estimate(value * scale, interval.low * scale, interval.high * scale, n, unit, interval.method, interval.why)


def mean_bands(values: ArrayLike, clusters: Clusters, unit: str) -> list[Estimate]:
    """One Estimate per column of values (items, layers), NaN = absent: the mean with a pointwise 95 % t interval on cluster sums."""
    return group_bands([(values, clusters)], unit)


def group_bands(parts: Sequence[tuple[ArrayLike, Clusters]], unit: str, weights: Weights = None) -> list[Estimate]:
    """`mean_bands` of the mean over tasks; parts: (values (items, layers), clusters) per task; weights: as for `group_mean`."""
    tables = [np.asarray(values, dtype=np.float64) for values, _ in parts]
    for table in tables:
        if table.ndim != 2 or table.shape[1] != tables[0].shape[1]:
            raise ValueError(f"values have shape {table.shape}; give (items, layers), with the same layers for every task")
    names = [None if clusters is None else list(clusters) for _, clusters in parts]
    columns = range(tables[0].shape[1] if tables else 0)
    return [group_mean([(t[:, k], c) for t, c in zip(tables, names, strict=True)], unit, 1.0, 0, weights=weights) for k in columns]


def ratio_of_means(
    parts: Sequence[tuple[ArrayLike, ArrayLike, Clusters]], n_boot: int = 10_000, seed: int = 0, weights: Weights = None
) -> Estimate:
    """The mean over tasks of `above` over that of `below`, with its 95 % interval; unit "ratio".

    parts: (above (items,), below (items,), clusters) per task; an item with a NaN on either side is dropped. weights: as for `group_mean`.
    Both means of a resample come from the same draw of clusters, as in `group_mean`; where any task has fewer than 50 clusters, a t
    interval on the cluster sums of above - ratio * below (the linearised ratio). Absent if a task has no value, and where the mean of
    `below` is 0; no interval, with a `why`, where it is 0 in some resample.
    """
    both = [(*paired(above, below, "above", "below"), clusters) for above, below, clusters in parts]
    tops = [present_items(np.where(np.isnan(below), np.nan, above), clusters) for above, below, clusters in both]
    bottoms = [present_items(np.where(np.isnan(above), np.nan, below), clusters) for above, below, clusters in both]
    n = sum(len(part.values) for part in tops)
    if why := why_no_mean(tops):
        return absent(why, "ratio", n)
    tops, bottoms = weighted(tops, weights), weighted(bottoms, weights)
    blocks = independent_blocks(tops), independent_blocks(bottoms)
    over, under = (float(np.concatenate([block.means for block in side]).mean()) for side in blocks)
    if under == 0:
        return absent("what it is divided by is 0", "ratio", n)
    value = over / under
    if not n_boot or fewest_clusters(blocks[0]) < FEW_CLUSTERS:
        linear = [Part((a.values - value * b.values) / under, a.clusters) for a, b in zip(tops, bottoms, strict=True)]
        low, high, method, why = mean_interval(independent_blocks(linear), 0, seed)
        return Estimate(value, value + low, value + high, n, "ratio", f"{method} of the linearised ratio", why)
    low, high, method, why = percentile_of_ratio(*blocks, n_boot, seed)
    return Estimate(value, low, high, n, "ratio", method, why)


def holm(p_values: ArrayLike) -> Floats:
    """Holm's adjusted p-values, in the order given. A NaN stays NaN and is not counted. ValueError for a value outside 0..1."""
    p = np.asarray(p_values, dtype=np.float64)
    for bad in p[(p < 0) | (p > 1)]:
        raise ValueError(f"{bad:g} is no p-value; give values from 0 to 1")
    adjusted = p.copy()
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted


def flips(plain: ArrayLike, treated: ArrayLike) -> Flips:
    """How many items a treatment turned, from 0/1 outcomes; an item with a NaN on either side is left out. ValueError for other values."""
    before, after = _outcomes(plain, treated, "plain", "treated")
    return Flips(int(np.count_nonzero(after > before)), int(np.count_nonzero(after < before)))


def mcnemar(text: ArrayLike, speech: ArrayLike) -> float:
    """McNemar's exact two-sided p-value, binomial on the discordant pairs; for independent items scored 0/1 only (else `paired_test`).

    Items with a NaN on either side are dropped; NaN if none is left. ValueError for a score other than 0 and 1, or unequal lengths.
    """
    written, spoken = _outcomes(text, speech, "text", "speech")
    if len(written) == 0:
        return math.nan
    discordant = flips(written, spoken)
    return min(1.0, 2 * float(bdtr(min(discordant), sum(discordant), 0.5)))


def paired_test(text: ArrayLike, speech: ArrayLike, clusters: Clusters = None, seed: int = 0) -> float:
    """Two-sided p-value of the sign-flip test on the cluster sums of text - speech: for graded scores and dependent items.

    All sign patterns where at most 14 clusters have a sum other than zero, else 10,000 random ones, with 1 added to both counts. What would
    be too rare to be met among these has Hoeffding's bound (1963, theorem 2) on the test's p-value, so that a correction for many tests
    does not meet a floor. Items with a NaN on either side are dropped; NaN if none is left. ValueError if the lengths differ.
    """
    written, spoken = paired(text, speech, "text", "speech")
    part = present_items(written - spoken, clusters)
    if len(part.values) == 0:
        return math.nan
    sums = cluster_sums(part.values[:, None], part.clusters).totals[:, 0]
    tolerance = 1e-9 * np.abs(part.values).sum()
    sums = np.sort(sums[np.abs(sums) > tolerance])
    threshold = abs(sums.sum()) - tolerance
    if len(sums) <= _EXACT_CLUSTERS:
        patterns = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        return float(np.mean(np.abs(sums.sum() - 2 * patterns @ sums) >= threshold))
    bound = 2 * math.exp(-(threshold**2) / (2 * float(sums @ sums)))
    if bound < 1 / (_FLIPS + 1):
        return bound
    return float((1 + np.count_nonzero(_random_flips(sums, seed) >= threshold)) / (_FLIPS + 1))


def flip_auroc(score: ArrayLike, text_correct: ArrayLike, speech_correct: ArrayLike, clusters: Clusters = None) -> Estimate:
    """Among the items right in text: the probability that one kept in speech scores higher than one lost in speech, ties half.

    Interval: DeLong et al. 1988 (Obuchowski 1997 where there are clusters), cut at 0 and 1, with Student's quantile of as many degrees of
    freedom as the class in fewer clusters has clusters, less one: a normal one covers too little at 20 clusters. Items with a NaN are left
    out. Absent, with a `why`, when no item is lost or none is kept. ValueError for outcomes other than 0 and 1, or unequal lengths.
    """
    values, right = paired(score, text_correct, "score", "text_correct")
    _, spoken = paired(score, speech_correct, "score", "speech_correct")
    _check_outcomes(text_correct=right, speech_correct=spoken)
    names = cluster_names(clusters, len(values))
    used = np.flatnonzero((right == 1) & ~np.isnan(values) & ~np.isnan(spoken))
    values, kept = values[used], spoken[used] == 1
    if len(used) == 0:
        return absent("no item is right in text", "AUROC")
    if kept.all() or not kept.any():
        return absent(f"every item right in text is {'kept' if kept.all() else 'lost'} in speech", "AUROC", len(used))
    placements = np.where(kept, _share_below(values, values[~kept]), 1 - _share_below(values, values[kept]))
    # A column per class, so that each is corrected by its own number of clusters, as in DeLong and Obuchowski.
    by_class = np.where(np.column_stack([kept, ~kept]), placements[:, None], np.nan)
    sums = cluster_sums(by_class, None if names is None else [names[i] for i in used])
    area = float(placements[kept].mean())
    if sums.clusters.min() < 2:
        return Estimate(area, n=len(used), unit="AUROC", method="mean", why="one cluster only is kept or lost, so there is no interval")
    freedom = int(sums.clusters.min()) - 1
    half = float(stdtrit(freedom, 0.975) * math.sqrt(np.square(sums.errors.sum(axis=1)).sum()))
    method = f"t interval, DeLong's variance over {len(sums.totals)} clusters, df {freedom}"
    return Estimate(area, max(area - half, 0.0), min(area + half, 1.0), len(used), "AUROC", method)


def _check_outcomes(**outcomes: Floats) -> None:
    for name, vector in outcomes.items():
        for bad in vector[~np.isin(vector, (0, 1)) & ~np.isnan(vector)]:
            raise ValueError(f"{name} holds {bad:g}, which is neither 0 nor 1; graded scores go to paired_test")


def _outcomes(a: ArrayLike, b: ArrayLike, name_a: str, name_b: str) -> tuple[Floats, Floats]:
    first, second = paired(a, b, name_a, name_b)
    _check_outcomes(**{name_a: first, name_b: second})
    both = ~(np.isnan(first) | np.isnan(second))
    return first[both], second[both]


def _random_flips(sums: Floats, seed: int) -> Floats:
    """|sum| under each of 10,000 random sign patterns, (10000,)."""
    rng = np.random.default_rng(seed)
    at_once = max(1, 2**20 // len(sums))
    sizes = [min(at_once, _FLIPS - start) for start in range(0, _FLIPS, at_once)]
    flipped = [rng.integers(2, size=(size, len(sums)), dtype=np.int8) @ sums for size in sizes]
    return np.asarray(np.abs(sums.sum() - 2 * np.concatenate(flipped)))


def _share_below(values: Floats, others: Floats) -> Floats:
    """For each value the share of `others` below it, ties half."""
    ordered = np.sort(others)
    return np.asarray((np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (2 * len(others)))
