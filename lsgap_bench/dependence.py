"""How a value of an item goes with another number of it, such as the length of its clip, within tasks: Spearman's rho, pooled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from lsgap_bench.bootstrap import (
    DEFINED,
    FEW_CLUSTERS,
    Clusters,
    ClusterSet,
    Floats,
    Interval,
    Part,
    cluster_names,
    cluster_sets,
    cluster_weights,
    clusters_in_words,
    combined_error,
    is_constant,
    paired,
    without_each,
)
from lsgap_bench.schema import Estimate, absent


class _Side(NamedTuple):
    """A number of each item of a task. codes: (items,), its place among the distinct ones; order: items by it; starts: of each, there."""

    codes: NDArray[np.int64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]


class _Task(NamedTuple):
    value: _Side
    length: _Side


def rank_dependence(parts: Sequence[tuple[ArrayLike, ArrayLike, Clusters]], n_boot: int = 2_000, seed: int = 0) -> Estimate:
    """Spearman's rho of a value and a length, from ranks within each task, pooled over tasks, with its 95 % interval; unit "rho".

    parts: (values (items,), lengths (items,), clusters) per task; an item with a NaN on either side is dropped. Ranks (ties averaged) are
    divided by the task's number of items and centred, so differences between tasks cannot make a rho, and a task weighs by its items. A
    task in which a side does not vary says nothing and is left out; n counts the items of the others.
    Clusters of one name are the same cluster in all tasks and are drawn together. From 50 clusters on a percentile interval over
    `n_boot` resamples of the clusters, in which ranks are taken anew; where a set of tasks that share clusters has fewer, and with
    n_boot 0, a t interval with the jackknife's error over clusters, cut at -1 and 1. Absent, with a `why`, where in no task both sides
    vary, or with fewer than three items. ValueError if the columns of a task differ in length.
    """
    found = [_present(*part) for part in parts]
    used = [(x, y, names) for x, y, names in found if len(x) and not is_constant(x) and not is_constant(y)]
    n = sum(len(x) for x, _, _ in used)
    if not any(len(x) for x, _, _ in found):
        return absent("no item has both values", "rho")
    if n < 3:
        why = f"{n} items are too few" if n else f"a side does not vary{' within any task' * (len(found) > 1)}"
        return absent(why, "rho", sum(len(x) for x, _, _ in found))
    tasks = [_Task(_side(x), _side(y)) for x, y, _ in used]
    sets = cluster_sets([Part(x, names) for x, _, names in used])
    whole = [_products(tasks, of, [np.ones((1, of.clusters))])[0] for of in sets]
    value = float(_rho(np.sum(whole, axis=0)))
    few = not n_boot or min(of.clusters for of in sets) < FEW_CLUSTERS
    low, high, method, why_none = _jackknife(tasks, sets, whole, value) if few else _bootstrap(tasks, sets, n_boot, seed)
    return Estimate(value, low, high, n, "rho", method, why_none)


def _present(values: ArrayLike, lengths: ArrayLike, clusters: Clusters) -> tuple[Floats, Floats, list[str] | None]:
    x, y = paired(values, lengths, "values", "lengths")
    names = cluster_names(clusters, len(x))
    kept = np.flatnonzero(~(np.isnan(x) | np.isnan(y)))
    return x[kept], y[kept], None if names is None else [names[k] for k in kept]


def _side(numbers: Floats) -> _Side:
    codes = np.unique(numbers, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    return _Side(codes, order, np.flatnonzero(np.diff(codes[order], prepend=-1)))


def _ranks(side: _Side, weights: Floats) -> Floats:
    """Mid-ranks over the total weight, centred, (draws, items), where an item counts as often as its weight (draws, items) says."""
    each = np.add.reduceat(weights[:, side.order], side.starts, axis=1)
    upto = each.cumsum(axis=1)
    return np.asarray(((upto - each / 2) / upto[:, -1:] - 0.5)[:, side.codes])


def _items(of: ClusterSet) -> int:
    """Of the largest task."""
    return max(len(codes) for codes in of.codes)


def _products(tasks: Sequence[_Task], of: ClusterSet, batches: Iterable[Floats]) -> Floats:
    """(draws, 3): sums of products of ranks over a set of tasks, value by length and each by itself.

    batches: weights (draws, clusters). A task in which a side does not vary, or which was not drawn, adds nothing.
    """
    return np.vstack([_batch_products(tasks, of, weights) for weights in batches])


def _batch_products(tasks: Sequence[_Task], of: ClusterSet, weights: Floats) -> Floats:
    sums = np.zeros((len(weights), 3))
    for task, codes in zip(of.tasks, of.codes, strict=True):
        own = weights[:, codes]
        with np.errstate(invalid="ignore"):
            u, v = _ranks(tasks[task].value, own), _ranks(tasks[task].length, own)
        products = np.column_stack([np.einsum("di,di,di->d", own, a, b) for a, b in ((u, v), (u, u), (v, v))])
        varies = (products[:, 1:] > 1e-9).all(axis=1)
        sums[varies] += products[varies]
    return sums


def _rho(products: Floats) -> Floats:
    """From sums (..., 3) of `_products`; NaN where a side does not vary."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.clip(products[..., 0] / np.sqrt(products[..., 1] * products[..., 2]), -1, 1))


def _bootstrap(tasks: Sequence[_Task], sets: Sequence[ClusterSet], n_boot: int, seed: int) -> Interval:
    rng = np.random.default_rng(seed)
    drawn = [_products(tasks, of, cluster_weights(of.clusters, n_boot, rng, _items(of))) for of in sets]
    rho = _rho(np.sum(drawn, axis=0))
    if np.isfinite(rho).mean() < DEFINED:
        return Interval(math.nan, math.nan, "Spearman's rho", "undefined in too many resamples of the clusters, so there is no interval")
    low, high = np.nanpercentile(rho, [2.5, 97.5])
    number = clusters_in_words([of.clusters for of in sets])
    return Interval(float(low), float(high), f"percentile bootstrap over {number}, {n_boot} resamples, seed {seed}")


def _jackknife(tasks: Sequence[_Task], sets: Sequence[ClusterSet], whole: Sequence[Floats], value: float) -> Interval:
    """Each set's clusters are left out in turn. whole: the products of each set with all of its clusters."""
    if min(of.clusters for of in sets) < 2:
        return Interval(math.nan, math.nan, "Spearman's rho", "one cluster only, so there is no interval")
    variances, total = [], np.sum(whole, axis=0)
    for of, own in zip(sets, whole, strict=True):
        without = _rho(total - own + _products(tasks, of, without_each(of.clusters, _items(of))))
        variances.append((of.clusters - 1) * without.var())
    if not np.isfinite(variances).all():
        return Interval(math.nan, math.nan, "Spearman's rho", "undefined without one of the clusters, so there is no interval")
    error, freedom = combined_error(np.array(variances), np.array([of.clusters - 1 for of in sets]))
    half = float(stdtrit(freedom, 0.975)) * error
    number = clusters_in_words([of.clusters for of in sets])
    return Interval(max(value - half, -1.0), min(value + half, 1.0), f"t interval, jackknife over {number}, df {freedom:.4g}")
