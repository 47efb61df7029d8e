"""Before the next run: the smallest gap that a task's items can show, and the clusters that it takes to show a given gap."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from numpy.typing import ArrayLike
from scipy.special import ncfdtr, stdtrit

from lsgap_bench.bootstrap import (
    Clusters,
    StandardError,
    Weights,
    clusters_in_words,
    fewest_clusters,
    independent_blocks,
    paired,
    present_items,
    standard_error,
    weighted,
    why_no_mean,
)
from lsgap_bench.schema import Estimate, absent

_DESIGN = "a property of the items, so it has no interval"


def minimum_detectable_gap(
    text: ArrayLike, speech: ArrayLike, clusters: Clusters = None, power: float = 0.8, alpha: float = 0.05
) -> Estimate:
    """The smallest true gap, in points, that a two-sided test at level `alpha` on these items shows with probability `power`.

    text, speech: (items,), 0..1, NaN = absent; clusters: a name per item. Taken from the spread of the paired differences around their mean
    and the number of clusters, not from the gap that was found. The test is Student's on cluster sums with clusters - 1 degrees of freedom
    (noncentral t; Cohen 1988, section 2), whatever their number. Absent where the differences do not vary, and with one cluster. It has no
    interval, and `why` says so. ValueError unless 0 < alpha < power < 1, or if the lengths differ.
    """
    written, spoken = paired(text, speech, "text", "speech")
    return group_detectable([(written - spoken, clusters)], power, alpha)


def group_detectable(
    parts: Sequence[tuple[ArrayLike, Clusters]], power: float = 0.8, alpha: float = 0.05, weights: Weights = None
) -> Estimate:
    """`minimum_detectable_gap` of the mean over tasks. parts: (text - speech (items,), clusters) per task; weights: as for `group_mean`.

    Tasks that share clusters count as dependent; degrees of freedom of Welch and Satterthwaite. Absent if a task has no value.
    """
    _check(power, alpha)
    tasks = [present_items(values, clusters) for values, clusters in parts]
    n = sum(len(task.values) for task in tasks)
    if why := why_no_mean(tasks):
        return absent(why, n=n)
    blocks = independent_blocks(weighted(tasks, weights))
    error = standard_error(blocks)
    if why := _why_no_spread(fewest_clusters(blocks), error):
        return absent(why, n=n)
    number = clusters_in_words([len(block.totals) for block in blocks])
    away = _least_noncentrality(error.freedom, power, alpha)
    if math.isnan(away):
        return absent(f"{number} are too few for a test at level {alpha:g}", n=n)
    return Estimate(
        100 * error.value * away,
        n=n,
        method=f"t test on cluster sums, {number}, df {error.freedom:.4g}, {_said(power, alpha)}",
        why=_DESIGN,
    )


def clusters_needed(
    text: ArrayLike, speech: ArrayLike, gap: float, clusters: Clusters = None, power: float = 0.8, alpha: float = 0.05
) -> Estimate:
    """How many clusters like those of this task show a true gap of `gap` points with probability `power`; unit "clusters".

    text, speech, clusters, power, alpha, absence: as for `minimum_detectable_gap`. The clusters keep their sizes on average. Where every
    item stands alone, clusters are items. At least 2. ValueError unless gap > 0.
    """
    _check(power, alpha)
    if not gap > 0:
        raise ValueError(f"gap is {gap:g}; give the points to be shown, above 0")
    written, spoken = paired(text, speech, "text", "speech")
    task = present_items(written - spoken, clusters)
    if why := why_no_mean([task]):
        return absent(why, "clusters")
    blocks = independent_blocks([task])
    error, number = standard_error(blocks), fewest_clusters(blocks)
    if why := _why_no_spread(number, error):
        return absent(why, "clusters", len(task.values))
    effect = gap / 100 / (error.value * math.sqrt(number))  # in standard deviations of one cluster

    def enough(trial: int) -> bool:
        return _power(effect * math.sqrt(trial), trial - 1, alpha) >= power

    most = 2
    while not enough(most):
        most *= 2
    needed = 2 + bisect_left(range(2, most), True, key=enough)
    method = f"t test on cluster sums, spread of {number} clusters, a gap of {gap:g} points, {_said(power, alpha)}"
    return Estimate(float(needed), n=len(task.values), unit="clusters", method=method, why=_DESIGN)


def _check(power: float, alpha: float) -> None:
    if not 0 < alpha < power < 1:
        raise ValueError(f"alpha is {alpha:g} and power is {power:g}; give 0 < alpha < power < 1")


def _why_no_spread(clusters: int, error: StandardError) -> str | None:
    if clusters < 2:
        return "one cluster only, so nothing is known of the spread"
    return "the paired differences do not vary, so nothing is known of their spread" if error.value <= 1e-12 else None


def _said(power: float, alpha: float) -> str:
    return f"power {power:g}, two-sided alpha {alpha:g}"


def _power(noncentrality: float, freedom: float, alpha: float) -> float:
    """Of Student's two-sided test where the true mean is `noncentrality` standard errors away from 0."""
    threshold = stdtrit(freedom, 1 - alpha / 2)
    # The square of a noncentral t; scipy's own noncentral t is undefined far out.
    return float(1 - ncfdtr(1, freedom, noncentrality**2, threshold**2))


def _least_noncentrality(freedom: float, power: float, alpha: float) -> float:
    """The true mean in standard errors that gives the test this power; NaN where it is too far out to be computed."""
    from scipy.optimize import brentq  # half a second, and not every run asks

    highest = 1.0
    while (reached := _power(highest, freedom, alpha)) < power:
        highest *= 2
    if math.isnan(reached):
        return math.nan
    return float(brentq(lambda trial: _power(trial, freedom, alpha) - power, 0, highest, xtol=1e-10))
