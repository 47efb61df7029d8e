"""Values per item -> Estimate with its 95 % interval; paired tests; regressions over checkpoints. Scores are 0..1, Estimates in points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtri

from lsgap_bench.bootstrap import (
    FEW_CLUSTERS,
    Clusters,
    Floats,
    Part,
    cluster_names,
    cluster_sums,
    independent_blocks,
    mean_interval,
    paired,
    percentile_of_ratio,
    present_items,
    resample_sums,
)
from lsgap_bench.schema import Estimate, absent

_EXACT_CLUSTERS = 14
_FLIPS = 10_000


class Flips(NamedTuple):
    """Items whose answer a treatment turned. recovered: wrong before and right after; broken: the reverse."""

    recovered: int
    broken: int


@dataclass(frozen=True)
class Regression:
    """Ordinary least squares of y on x over n points. low, high: 95 % interval of r2. NaN where a figure is not defined."""

    r: float
    r2: float
    slope: float
    partial_r: float
    loo_r2: float
    low: float
    high: float
    n: int


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
) -> Estimate:
    """The unweighted mean over tasks of each task's mean over items, with its 95 % interval; n counts the items of all tasks.

    parts: (values, clusters) per task, as for `mean_estimate`. Each task is resampled by its own clusters; tasks that share cluster names
    are resampled together (one question, several voices), the others independently. Where any task has fewer than 50 clusters, and
    with n_boot 0, a t interval with Welch-Satterthwaite degrees of freedom. Absent if a task has no value: the mean of fewer tasks is
    another quantity.
    """
    tasks = [present_items(values, clusters) for values, clusters in parts]
    n = sum(len(task.values) for task in tasks)
    if not tasks:
        return absent("no tasks", unit)
    if any(len(task.values) == 0 for task in tasks):
        return absent("no item has a value" if len(tasks) == 1 else "a task has no item with a value", unit, n)
    blocks = independent_blocks(tasks)
    value = float(np.concatenate([block.means for block in blocks]).mean())
    low, high, method, why = mean_interval(blocks, n_boot, seed)
    return Estimate(value * scale, low * scale, high * scale, n, unit, method, why)


def mean_bands(values: ArrayLike, clusters: Clusters, unit: str) -> list[Estimate]:
    """One Estimate per column of values (items, layers), NaN = absent: the mean with a pointwise 95 % t interval on cluster sums."""
    return group_bands([(values, clusters)], unit)


def group_bands(parts: Sequence[tuple[ArrayLike, Clusters]], unit: str) -> list[Estimate]:
    """`mean_bands` of the unweighted mean over tasks; parts: (values (items, layers), clusters) per task, as for `group_mean`."""
    tables = [np.asarray(values, dtype=np.float64) for values, _ in parts]
    for table in tables:
        if table.ndim != 2 or table.shape[1] != tables[0].shape[1]:
            raise ValueError(f"values have shape {table.shape}; give (items, layers), with the same layers for every task")
    names = [None if clusters is None else list(clusters) for _, clusters in parts]
    columns = range(tables[0].shape[1] if tables else 0)
    return [group_mean([(t[:, k], c) for t, c in zip(tables, names, strict=True)], unit, 1.0, n_boot=0) for k in columns]


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

    All sign patterns where at most 14 clusters have a sum other than zero, else 10,000 random ones, with 1 added to both counts.
    Items with a NaN on either side are dropped; NaN if none is left. ValueError if the lengths differ.
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
    return float((1 + np.count_nonzero(_random_flips(sums, seed) >= threshold)) / (_FLIPS + 1))


def flip_auroc(score: ArrayLike, text_correct: ArrayLike, speech_correct: ArrayLike, clusters: Clusters = None) -> Estimate:
    """Among the items right in text: the probability that one kept in speech scores higher than one lost in speech, ties half.

    Interval: DeLong et al. 1988 (Obuchowski 1997 where there are clusters), cut at 0 and 1. Items with a NaN are left out. Absent, with
    a `why`, when no item is lost or none is kept. ValueError for outcomes other than 0 and 1, or unequal lengths.
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
    half = float(ndtri(0.975) * math.sqrt(np.square(sums.errors.sum(axis=1)).sum()))
    method = f"normal interval, DeLong's variance over {len(sums.totals)} clusters"
    return Estimate(area, max(area - half, 0.0), min(area + half, 1.0), len(used), "AUROC", method)


def regress(
    x: ArrayLike,
    y: ArrayLike,
    groups: Clusters = None,
    control: ArrayLike | None = None,
    n_boot: int = 10_000,
    seed: int = 0,
) -> Regression:
    """Ordinary least squares of y on x, both (n,). Points with a NaN are dropped. ValueError if the lengths differ.

    groups: dependent points (the checkpoints of one run) share a name; None: every point stands alone. control: (n,) or (n, k).
    partial_r: correlation of the residuals of x and y on the control. loo_r2: 1 - the squared errors of each group's points, predicted
    from the other groups, over the squared deviations from the mean of y; below 0 when worse than that mean. low, high: percentile
    interval of r2 over resampled groups. Fewer than three points: all NaN; fewer than three groups: no interval; one group: no loo_r2.
    """
    columns = paired(x, y, "x", "y")
    table = np.column_stack(columns if control is None else [*columns, _covariates(control, len(columns[0]))])
    names = cluster_names(groups, len(table)) or [str(i) for i in range(len(table))]
    present = np.flatnonzero(~np.isnan(table).any(axis=1))
    table, n = table[present], len(present)
    nothing = Regression(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, n)
    if n < 3 or _constant(table[:, 0]):
        return nothing
    if _constant(table[:, 1]):
        return replace(nothing, slope=0.0)
    spread = table[:, :2].std(axis=0)
    zx, zy = ((table[:, :2] - table[:, :2].mean(axis=0)) / spread).T
    r = float(np.clip(np.mean(zx * zy), -1, 1))
    partial_r = math.nan if control is None else _partial(zx, zy, table[:, 2:])
    codes = np.unique([names[i] for i in present], return_inverse=True)[1]
    moments = _moments(zx, zy, codes)
    low, high = _r2_interval(moments, n_boot, seed)
    return Regression(r, r * r, r * float(spread[1] / spread[0]), partial_r, _loo_r2(zx, zy, codes, moments), low, high, n)


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


def _covariates(control: ArrayLike, n: int) -> Floats:
    table = np.asarray(control, dtype=np.float64)
    if len(table) != n:
        raise ValueError(f"x has {n} values and control has {len(table)}; give one of each per point")
    return table


def _constant(values: Floats) -> bool:
    return bool(values.std() <= 1e-12 * np.abs(values).max())


def _moments(x: Floats, y: Floats, codes: NDArray[np.int64]) -> Floats:
    """Per group, (groups, 6): number of points, and the sums of x, y, xx, xy, yy."""
    return np.column_stack([np.bincount(codes, weight) for weight in (np.ones_like(x), x, y, x * x, x * y, y * y)])


def _spreads(moments: Floats) -> tuple[Floats, Floats, Floats]:
    """Variance of x, covariance, variance of y, from sums of moments (..., 6); a variance that rounding alone could make is NaN."""
    n, x, y, xx, xy, yy = np.moveaxis(moments, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance_x, variance_y = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
        covariance = xy / n - x * y / n**2
    return np.where(variance_x > 1e-12, variance_x, np.nan), covariance, np.where(variance_y > 1e-12, variance_y, np.nan)


def _r2_interval(moments: Floats, n_boot: int, seed: int) -> tuple[float, float]:
    if len(moments) < 3:
        return math.nan, math.nan
    variance_x, covariance, variance_y = _spreads(resample_sums(moments, n_boot, np.random.default_rng(seed)))
    r2 = covariance**2 / (variance_x * variance_y)
    low, high = np.nanpercentile(r2, [2.5, 97.5])
    return float(low), float(min(high, 1.0))


def _loo_r2(x: Floats, y: Floats, codes: NDArray[np.int64], moments: Floats) -> float:
    """x and y standardised, so that the squared deviations of y from its mean add up to n."""
    others = moments.sum(axis=0) - moments
    variance, covariance, _ = _spreads(others)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = covariance / variance
        intercept = (others[:, 2] - slope * others[:, 1]) / others[:, 0]
    return float(1 - np.square(y - intercept[codes] - slope[codes] * x).sum() / len(y))


def _partial(x: Floats, y: Floats, control: Floats) -> float:
    """NaN where the control leaves nothing of x or y, or fewer than two degrees of freedom."""
    design = np.column_stack([np.ones(len(x)), control])
    if len(x) - np.linalg.matrix_rank(design) < 2:
        return math.nan
    both = np.column_stack([x, y])
    rest_x, rest_y = (both - design @ np.linalg.lstsq(design, both, rcond=None)[0]).T
    scale = math.sqrt(rest_x @ rest_x) * math.sqrt(rest_y @ rest_y)
    return float(np.clip(rest_x @ rest_y / scale, -1, 1)) if scale > 1e-9 * len(x) else math.nan


def ratio_of_means(parts: Sequence[tuple[ArrayLike, ArrayLike, Clusters]], n_boot: int = 10_000, seed: int = 0) -> Estimate:
    """The unweighted mean over tasks of `above` over that of `below`, with its 95 % interval; unit "ratio".

    parts: (above (items,), below (items,), clusters) per task; an item with a NaN on either side is dropped. Both means of a resample come
    from the same draw of clusters, as in `group_mean`; where any task has fewer than 50 clusters, a t interval on the cluster sums of
    above - ratio * below (the linearised ratio). Absent if a task has no value, and where the mean of `below` is 0; no interval, with a
    `why`, where it is 0 in some resample.
    """
    both = [(*paired(above, below, "above", "below"), clusters) for above, below, clusters in parts]
    tops = [present_items(np.where(np.isnan(below), np.nan, above), clusters) for above, below, clusters in both]
    bottoms = [present_items(np.where(np.isnan(above), np.nan, below), clusters) for above, below, clusters in both]
    n = sum(len(part.values) for part in tops)
    if not tops:
        return absent("no tasks", "ratio")
    if any(len(part.values) == 0 for part in tops):
        return absent("no item has a value" if len(tops) == 1 else "a task has no item with a value", "ratio", n)
    blocks = independent_blocks(tops), independent_blocks(bottoms)
    over, under = (float(np.concatenate([block.means for block in side]).mean()) for side in blocks)
    if under == 0:
        return absent("what it is divided by is 0", "ratio", n)
    value = over / under
    if not n_boot or min(int(block.clusters.min()) for block in blocks[0]) < FEW_CLUSTERS:
        linear = [Part((a.values - value * b.values) / under, a.clusters) for a, b in zip(tops, bottoms, strict=True)]
        low, high, method, why = mean_interval(independent_blocks(linear), 0, seed)
        return Estimate(value, value + low, value + high, n, "ratio", f"{method} of the linearised ratio", why)
    low, high, method, why = percentile_of_ratio(*blocks, n_boot, seed)
    return Estimate(value, low, high, n, "ratio", method, why)
