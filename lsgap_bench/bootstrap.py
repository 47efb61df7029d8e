"""Values with their clusters of dependent items: checked, added up, resampled; error and 95 % interval of a mean over clusters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Clusters = Iterable[object] | None
Weights = Sequence[float] | None
"""What each task weighs in a mean over tasks, up to a factor; None: all the same."""

FEW_CLUSTERS = 50
DEFINED = 0.95
"""Share of the resamples in which a figure must exist, or its percentiles are those of other, easier samples."""
_NUMBERS_AT_ONCE = 1 << 18


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


class StandardError(NamedTuple):
    """Of a mean over clusters, with its degrees of freedom."""

    value: float
    freedom: float


class ClusterSet(NamedTuple):
    """Tasks that share clusters. tasks: their places among all tasks; codes: per task the cluster of each item, 0..clusters - 1."""

    tasks: list[int]
    codes: list[NDArray[np.int64]]
    clusters: int


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


def relative_weights(weights: Weights, tasks: int) -> Floats:
    """(tasks,), their mean 1; exactly 1 each where all weigh the same, so that nothing is rounded otherwise.

    The plain mean over tasks of values times these is the weighted mean. ValueError for another number of weights than tasks, and for
    weights that are negative or add up to nothing.
    """
    if weights is None:
        return np.ones(tasks)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (tasks,):
        raise ValueError(f"there are {tasks} tasks and {given.size} weights; give one weight per task")
    if tasks and not (np.isfinite(given).all() and (given >= 0).all() and given.sum() > 0):
        raise ValueError(f"weights {list(weights)} are no weights; give numbers from 0 on, not all of them 0")
    return np.ones(tasks) if tasks and is_constant(given) else given / given.mean() if tasks else given


def weighted(parts: Sequence[Part], weights: Weights) -> list[Part]:
    """The parts with their values times their task's relative weight."""
    return [Part(part.values * weight, part.clusters) for part, weight in zip(parts, relative_weights(weights, len(parts)), strict=True)]


def is_constant(values: Floats) -> bool:
    """Whether values (n,), at least one, differ by no more than rounding could make of equal ones."""
    return bool(values.std() <= 1e-12 * np.abs(values).max())


def why_no_mean(parts: Sequence[Part], what: str = "a value") -> str | None:
    """Why there is no unweighted mean over these tasks, or None. The mean of fewer tasks is another quantity, so each needs an item."""
    if not parts:
        return "no tasks"
    if all(len(part.values) for part in parts):
        return None
    return f"no item has {what}" if len(parts) == 1 else f"a task has no item with {what}"


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
    return [_stack([parts[task] for task in tasks]) for tasks in _touching(parts)]


def cluster_sets(parts: Sequence[Part]) -> list[ClusterSet]:
    """The sets of `independent_blocks` as places and codes, for what is no mean."""
    made = []
    for tasks in _touching(parts):
        names = [name for task in tasks for name in parts[task].clusters or ()]
        codes = np.unique(names, return_inverse=True)[1] if names else np.arange(len(parts[tasks[0]].values))
        ends = np.cumsum([len(parts[task].values) for task in tasks])[:-1]
        made.append(ClusterSet(tasks, np.split(codes, ends), int(codes.max()) + 1))
    return made


def clusters_in_words(numbers: Sequence[int]) -> str:
    """`60 clusters in 2 independent sets`. numbers: the clusters of each set."""
    return f"{sum(numbers)} clusters" + (f" in {len(numbers)} independent sets" if len(numbers) > 1 else "")


def standard_error(blocks: Sequence[ClusterSums]) -> StandardError:
    """Of the unweighted mean of all columns of all blocks, which are independent of each other; NaN where a column has one cluster only.

    Degrees of freedom of Welch and Satterthwaite; with a single block they are that block's own clusters less one.
    """
    variances = np.array([np.square(block.errors.sum(axis=1)).sum() for block in blocks])
    freedoms = np.array([block.clusters.min() - 1 for block in blocks])
    return combined_error(variances, freedoms, sum(block.totals.shape[1] for block in blocks))


def combined_error(variances: Floats, freedoms: NDArray[np.int64], over: int = 1) -> StandardError:
    """Of a sum of independent terms, divided by `over`; variances, freedoms: (terms,)."""
    total = variances.sum()
    freedom = total**2 / (variances**2 / freedoms).sum() if total > 0 else freedoms.sum()
    return StandardError(math.sqrt(total) / over, float(freedom))


def fewest_clusters(blocks: Sequence[ClusterSums]) -> int:
    """In any column of any block."""
    return min(int(block.clusters.min()) for block in blocks)


def mean_interval(blocks: Sequence[ClusterSums], n_boot: int, seed: int) -> Interval:
    """The interval of the unweighted mean of all columns of all blocks; blocks are independent of each other.

    Percentile interval of a cluster bootstrap; a t interval on cluster sums where any column has fewer than 50 clusters, and with n_boot 0.
    """
    fewest = fewest_clusters(blocks)
    if fewest < 2:
        return Interval(math.nan, math.nan, "mean", "one cluster only, so there is no interval")
    number = clusters_in_words([len(block.totals) for block in blocks])
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
    number = clusters_in_words([len(block.totals) for block in above])
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
    for batch in _batches(n_boot, number):
        draws = rng.integers(number, size=(len(batch), number))
        for k in varying:
            sums[batch.start : batch.stop, k] = columns[k].take(draws).sum(axis=1)
    return sums


def cluster_weights(clusters: int, n_boot: int, rng: np.random.Generator, width: int) -> Iterator[Floats]:
    """How often each cluster is drawn, in whole numbers, (draws, clusters), in batches whose draws add up to n_boot.

    For what needs the resampled items themselves, or has so many columns that a matrix product adds them up faster than `resample_sums`.
    width: the items or columns that each draw becomes; it keeps the memory of a batch to a few MB.
    """
    for draws in _batches(n_boot, max(clusters, width)):
        drawn = rng.integers(clusters, size=(len(draws), clusters)) + clusters * np.arange(len(draws))[:, None]
        yield np.bincount(drawn.ravel(), minlength=len(draws) * clusters).reshape(len(draws), clusters).astype(np.float64)


def without_each(clusters: int, width: int) -> Iterator[Floats]:
    """The weights of the jackknife, (draws, clusters): each cluster is left out in turn; width and batches as in `cluster_weights`."""
    for draws in _batches(clusters, max(clusters, width)):
        yield (np.array(draws)[:, None] != np.arange(clusters)).astype(np.float64)


def _vector(values: ArrayLike, name: str) -> Floats:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"{name} has shape {vector.shape}; give one value per item")
    if np.isinf(vector).any():
        raise ValueError(f"{name} holds an infinite value; give NaN where a value is absent")
    return vector


def _batches(draws: int, width: int) -> list[range]:
    at_once = max(1, _NUMBERS_AT_ONCE // width)
    return [range(start, min(start + at_once, draws)) for start in range(0, draws, at_once)]


def _touching(parts: Sequence[Part]) -> list[list[int]]:
    """The places of the tasks, in sets that share no cluster with each other."""
    found: list[tuple[list[int], set[str]]] = []
    for place, part in enumerate(parts):
        members, names = [place], set(part.clusters or ())
        touching = [of for of in found if of[1] & names]
        found = [of for of in found if not of[1] & names]
        for others, other_names in touching:
            members, names = [*others, *members], names | other_names
        found.append((members, names))
    return [members for members, _ in found]


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
    error, freedom = standard_error(blocks)
    middle = float(np.concatenate([block.means for block in blocks]).mean())
    half = float(stdtrit(freedom, 0.975)) * error
    return Interval(middle - half, middle + half, f"t interval on cluster sums, {number}, df {freedom:.4g}")
