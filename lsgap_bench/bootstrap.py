"""Values with their clusters of dependent items: checked, added up, resampled; the 95 % interval of a mean over clusters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Clusters = Iterable[object] | None

FEW_CLUSTERS = 50
_DRAWS_AT_ONCE = 1 << 18


class Part(NamedTuple):
    """The items of one task. values: float64, (items,), no NaN; clusters: a name per item, None when every item stands alone."""

    values: Floats
    clusters: Sequence[str] | None


class Interval(NamedTuple):
    """A 95 % interval of a mean and how it was made; NaN limits come with a `why`."""

    low: float
    high: float
    method: str
    why: str | None = None


@dataclass(frozen=True)
class ClusterSums:
    """What a mean needs to know of its clusters. totals, counts: float64, (clusters, columns), over the values that are there.

    The mean of a column is items-weighted, a ratio of sums, so clusters may differ in size.
    """

    totals: Floats
    counts: Floats

    @property
    def means(self) -> Floats:
        """(columns,), NaN for a column without values."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.totals.sum(axis=0) / self.counts.sum(axis=0))

    @property
    def clusters(self) -> NDArray[np.int64]:
        """(columns,): the clusters with at least one value."""
        return np.asarray(np.count_nonzero(self.counts, axis=0))

    @property
    def errors(self) -> Floats:
        """(clusters, columns): each cluster's share in the error of the mean; its squares add up to the squared standard error.

        The linearised ratio estimator with the correction G / (G - 1) for G clusters. NaN where a column has fewer than two clusters.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            correction = np.sqrt(self.clusters / (self.clusters - 1))
            return np.asarray(correction * (self.totals - self.means * self.counts) / self.counts.sum(axis=0))


def paired(a: ArrayLike, b: ArrayLike, name_a: str, name_b: str) -> tuple[Floats, Floats]:
    """Both as float64 (items,); ValueError that names both lengths if they differ."""
    first, second = _vector(a, name_a), _vector(b, name_b)
    if len(first) != len(second):
        raise ValueError(f"{name_a} has {len(first)} values and {name_b} has {len(second)}; give one of each per item")
    return first, second


def cluster_names(clusters: Clusters, n: int) -> list[str] | None:
    """One name for each of n items; None stays None: every item stands alone."""
    if clusters is None:
        return None
    names = [str(name) for name in clusters]
    if len(names) != n:
        raise ValueError(f"there are {n} values and {len(names)} cluster names; give one name per item")
    return names


def present_items(values: ArrayLike, clusters: Clusters) -> Part:
    """The items whose value is not NaN."""
    vector = _vector(values, "values")
    names = cluster_names(clusters, len(vector))
    used = np.flatnonzero(~np.isnan(vector))
    return Part(vector[used], None if names is None else [names[i] for i in used])


def cluster_sums(values: Floats, clusters: Sequence[str] | None) -> ClusterSums:
    """Add up values (items, columns), at least one item, NaN = absent, by cluster. The order of the items changes no bit of a sum."""
    codes = np.arange(len(values)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    order = np.lexsort((*values.T, codes))
    values, codes = values[order], codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    totals = np.add.reduceat(np.nan_to_num(values), starts, axis=0)
    counts = np.add.reduceat((~np.isnan(values)).astype(np.float64), starts, axis=0)
    return ClusterSums(totals, counts)


def independent_blocks(parts: Sequence[Part]) -> list[ClusterSums]:
    """One block, with a column per task, for each set of tasks that share clusters, directly or through another task.

    The same question spoken by another voice in another task is no independent evidence: such tasks are resampled together.
    """
    blocks: list[tuple[list[Part], set[str]]] = []
    for part in parts:
        members, names = [part], set(part.clusters or ())
        touching = [block for block in blocks if block[1] & names]
        blocks = [block for block in blocks if not block[1] & names]
        for others, other_names in touching:
            members, names = [*others, *members], names | other_names
        blocks.append((members, names))
    return [_stack(members) for members, _ in blocks]


def mean_interval(blocks: Sequence[ClusterSums], n_boot: int, seed: int) -> Interval:
    """The interval of the unweighted mean of all columns of all blocks; blocks are independent of each other.

    Percentile interval of a cluster bootstrap; a t interval on cluster sums where any column has fewer than 50 clusters, and with n_boot 0.
    """
    fewest = min(int(block.clusters.min()) for block in blocks)
    if fewest < 2:
        return Interval(math.nan, math.nan, "mean", "one cluster only, so there is no interval")
    number = f"{sum(len(block.totals) for block in blocks)} clusters" + (f" in {len(blocks)} independent sets" if len(blocks) > 1 else "")
    if fewest < FEW_CLUSTERS or not n_boot:
        return _t_interval(blocks, number)
    rng = np.random.default_rng(seed)
    means = np.hstack([_resampled_means(block, n_boot, rng) for block in blocks]).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(low), float(high), f"percentile bootstrap over {number}, {n_boot} resamples, seed {seed}")


def percentile_of_ratio(above: Sequence[ClusterSums], below: Sequence[ClusterSums], n_boot: int, seed: int) -> Interval:
    """The percentile interval of the mean of all columns of `above` over that of `below`; both have the same clusters, drawn together."""
    rng = np.random.default_rng(seed)
    means: list[tuple[Floats, Floats]] = []
    for top, bottom in zip(above, below, strict=True):
        tops, bottoms, counts = np.hsplit(resample_sums(np.hstack([top.totals, bottom.totals, top.counts]), n_boot, rng), 3)
        with np.errstate(invalid="ignore"):
            means.append((tops / counts, bottoms / counts))
    over, under = (np.hstack(sides).mean(axis=1) for sides in zip(*means, strict=True))
    if not (under != 0).all():
        return Interval(math.nan, math.nan, "ratio of means", "what it is divided by is 0 in some resamples, so there is no interval")
    low, high = np.percentile(over / under, [2.5, 97.5])
    number = f"{sum(len(block.totals) for block in above)} clusters" + (f" in {len(above)} independent sets" if len(above) > 1 else "")
    return Interval(
        float(low), float(high), f"percentile bootstrap over {number}, {n_boot} resamples, seed {seed}, both means from one draw"
    )


def resample_sums(rows: Floats, n_boot: int, rng: np.random.Generator) -> Floats:
    """Draw all rows (clusters, columns) anew, with replacement, n_boot times; returns the sums of each draw, (n_boot, columns).

    Rows are sorted first, so that neither their order nor their names matter. Memory: a few MB, whatever n_boot.
    """
    columns = np.ascontiguousarray(rows[np.lexsort(rows.T)].T)
    number = len(rows)
    sums = np.repeat(columns[:, :1].T * number, n_boot, axis=0)
    varying = np.flatnonzero(np.ptp(columns, axis=1))
    at_once = max(1, _DRAWS_AT_ONCE // number)
    for start in range(0, n_boot, at_once):
        draws = rng.integers(number, size=(min(at_once, n_boot - start), number))
        for k in varying:
            sums[start : start + len(draws), k] = columns[k].take(draws).sum(axis=1)
    return sums


def _vector(values: ArrayLike, name: str) -> Floats:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"{name} has shape {vector.shape}; give one value per item")
    if np.isinf(vector).any():
        raise ValueError(f"{name} holds an infinite value; give NaN where a value is absent")
    return vector


def _stack(parts: Sequence[Part]) -> ClusterSums:
    if len(parts) == 1:
        return cluster_sums(parts[0].values[:, None], parts[0].clusters)
    values = np.full((sum(len(part.values) for part in parts), len(parts)), np.nan)
    start = 0
    for column, part in enumerate(parts):
        values[start : start + len(part.values), column] = part.values
        start += len(part.values)
    return cluster_sums(values, [name for part in parts for name in part.clusters or ()])


def _resampled_means(block: ClusterSums, n_boot: int, rng: np.random.Generator) -> Floats:
    totals, counts = np.hsplit(resample_sums(np.hstack([block.totals, block.counts]), n_boot, rng), 2)
    return np.asarray(totals / counts)


def _t_interval(blocks: Sequence[ClusterSums], number: str) -> Interval:
    variances = np.array([np.square(block.errors.sum(axis=1)).sum() for block in blocks])
    freedoms = np.array([block.clusters.min() - 1 for block in blocks])
    total = variances.sum()
    # Welch-Satterthwaite; with a single block it is that block's own G - 1.
    freedom = total**2 / (variances**2 / freedoms).sum() if total > 0 else freedoms.sum()
    means = np.concatenate([block.means for block in blocks])
    middle = float(means.mean())
    half = float(stdtrit(freedom, 0.975) * math.sqrt(total) / len(means))
    return Interval(middle - half, middle + half, f"t interval on cluster sums, {number}, df {freedom:.4g}")
