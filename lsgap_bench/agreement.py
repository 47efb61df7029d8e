"""Whether two give the same answers, beyond what chance would have them share: Cohen's kappa of a task and of several."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lsgap_bench.bootstrap import (
    DEFINED,
    FEW_CLUSTERS,
    Clusters,
    Floats,
    Interval,
    Part,
    Weights,
    cluster_names,
    cluster_sets,
    cluster_weights,
    clusters_in_words,
    fewest_clusters,
    independent_blocks,
    mean_interval,
    relative_weights,
    weighted,
    why_no_mean,
)
from lsgap_bench.schema import Estimate, absent

Answers = Iterable[Hashable]
"""A label per item; None or NaN = absent."""


class _Task(NamedTuple):
    """The items that both answered. first, second: int64, (items,), a label's number, `labels` for every label that one side alone gives.

    Only labels that both give can coincide by chance, so the others need no number of their own.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    labels: int
    clusters: Sequence[str] | None


def cohen_kappa(first: Answers, second: Answers, clusters: Clusters = None, n_boot: int = 10_000, seed: int = 0) -> Estimate:
    """Cohen's kappa (1960) of two sequences of answers, with its 95 % interval; unit "kappa": 1 always the same, 0 as often as by chance.

    kappa = (po - pe) / (1 - pe); po: share of items with the same answer; pe: what po would be if the two answered independently, each
    with its own shares of labels. first, second: (items,), compared by ==; an item that either left unanswered is dropped (n tells).
    clusters: a name per item. From 50 clusters on a percentile interval over `n_boot` resamples of the clusters; under 50, and with n_boot
    0, a t interval on the cluster sums of the linearised kappa (Fleiss, Cohen and Everitt 1969, here over clusters), cut at -1 and 1.
    Absent, with a `why`, where all answers of both are one and the same (pe = 1). ValueError if the lengths differ.
    """
    return group_kappa([(first, second, clusters)], n_boot, seed)


def group_kappa(
    parts: Sequence[tuple[Answers, Answers, Clusters]], n_boot: int = 10_000, seed: int = 0, weights: Weights = None
) -> Estimate:
    """The mean over tasks of each task's `cohen_kappa`; parts: (first, second, clusters) per task; weights: as for `group_mean`.

    Tasks that share cluster names are resampled together, as in `group_mean`. Absent if a task has no kappa.
    """
    tasks = [_task(*part) for part in parts]
    items = [Part(np.ones(len(task.first)), task.clusters) for task in tasks]
    n = sum(len(part.values) for part in items)
    if why := why_no_mean(items, "both answers"):
        return absent(why, "kappa", n)
    kappas = [float(_kappa(_counts(task, np.zeros(len(task.first), np.int64), 1)[0])) for task in tasks]
    if any(math.isnan(kappa) for kappa in kappas):
        where = "" if len(tasks) == 1 else "in a task "
        return absent(f"{where}all answers are one and the same, so chance explains them", "kappa", n)
    relative = relative_weights(weights, len(tasks))
    value = float(np.mean(relative * kappas))
    if not n_boot or fewest_clusters(independent_blocks(items)) < FEW_CLUSTERS:
        errors = [Part(_influence(task, kappa), task.clusters) for task, kappa in zip(tasks, kappas, strict=True)]
        low, high, method, why = mean_interval(independent_blocks(weighted(errors, weights)), 0, seed)
        return Estimate(value, max(value + low, -1.0), min(value + high, 1.0), n, "kappa", f"{method}, of the linearised kappa", why)
    low, high, method, why = _resampled(tasks, items, relative, n_boot, seed)
    return Estimate(value, low, high, n, "kappa", method, why)


def _task(first: Answers, second: Answers, clusters: Clusters) -> _Task:
    one, other = list(first), list(second)
    if len(one) != len(other):
        raise ValueError(f"first has {len(one)} answers and second has {len(other)}; give one of each per item")
    names = cluster_names(clusters, len(one))
    used = [k for k, pair in enumerate(zip(one, other, strict=True)) if not any(a is None or a != a for a in pair)]
    shared = sorted({one[k] for k in used} & {other[k] for k in used}, key=repr)
    number = {label: place for place, label in enumerate(shared)}
    firsts, seconds = (np.array([number.get(answers[k], len(shared)) for k in used], dtype=np.int64) for answers in (one, other))
    return _Task(firsts, seconds, len(shared), None if names is None else [names[k] for k in used])


def _counts(task: _Task, codes: NDArray[np.int64], clusters: int) -> Floats:
    """Per cluster, (clusters, 2 + 2 labels): items, items with the same answer, first's answers by label, second's by label."""
    width = 2 + 2 * task.labels
    start, same, one, other = codes * width, _same(task), task.first < task.labels, task.second < task.labels
    places = [start, start[same] + 1, start[one] + 2 + task.first[one], start[other] + 2 + task.labels + task.second[other]]
    return np.bincount(np.concatenate(places), minlength=clusters * width).reshape(clusters, width).astype(np.float64)


def _same(task: _Task) -> NDArray[np.bool_]:
    return np.asarray((task.first == task.second) & (task.first < task.labels))


def _kappa(counts: Floats) -> Floats:
    """From sums (..., 2 + 2 labels) of `_counts`; NaN where chance explains everything, or there is no item."""
    items, same = counts[..., 0], counts[..., 1]
    first, second = np.split(counts[..., 2:], 2, axis=-1)
    by_chance = (first * second).sum(axis=-1)  # pe * items**2, in whole numbers as all the others
    with np.errstate(invalid="ignore"):
        return np.asarray((same * items - by_chance) / (items * items - by_chance))


def _influence(task: _Task, kappa: float) -> Floats:
    """Each item's pull on kappa, (items,), with mean 0: the derivative of kappa by the item's weight, times the number of items."""
    first, second = (np.bincount(side, minlength=task.labels + 1) / len(side) for side in (task.first, task.second))
    first[-1] = second[-1] = 0.0  # a label that the other side never gives
    chance = float(first @ second)
    expected = second[task.first] + first[task.second]
    same = _same(task)
    return np.asarray((same - same.mean() - (1 - kappa) * (expected - 2 * chance)) / (1 - chance))


def _resampled(tasks: Sequence[_Task], items: Sequence[Part], relative: Floats, n_boot: int, seed: int) -> Interval:
    rng = np.random.default_rng(seed)
    kappas: list[Floats] = []  # (tasks, n_boot) per set
    sets = cluster_sets(items)
    for of in sets:
        tables = [_counts(tasks[task], codes, of.clusters) for task, codes in zip(of.tasks, of.codes, strict=True)]
        order = np.lexsort(np.hstack(tables).T)  # so that neither the order of the clusters nor their names matter
        weights = cluster_weights(of.clusters, n_boot, rng, width=max(table.shape[1] for table in tables))
        drawn = np.hstack([[_kappa(batch @ table[order]) for table in tables] for batch in weights])
        kappas.append(drawn * relative[of.tasks, None])
    means = np.vstack(kappas).mean(axis=0)
    if np.isfinite(means).mean() < DEFINED:
        return Interval(math.nan, math.nan, "kappa", "chance explains all answers in too many resamples, so there is no interval")
    low, high = np.nanpercentile(means, [2.5, 97.5])
    number = clusters_in_words([of.clusters for of in sets])
    return Interval(float(low), float(high), f"percentile bootstrap over {number}, {n_boot} resamples, seed {seed}")
