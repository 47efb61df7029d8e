"""From the terms of blocks to curves that are averaged like those of items: one row per group of blocks, its pull on the task's value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsgap_bench.bootstrap import Floats
from lsgap_bench.registry import Metric, metrics
from lsgap_bench.schema import SIDES, BlockTerms

_STEP = 1e-4  # of a group's weight; the central difference of a smooth function is then exact to some eight digits


@dataclass(frozen=True)
class BlockCurves:
    """A metric of many items on one task. groups: a name per row. items: how many there are in the blocks.

    sides: side -> pseudo-values (groups, L + 1), whose mean is the metric's value and whose spread is that of an infinitesimal jackknife
    (Efron 1982, section 6.3), so that means and intervals over clusters are made of them as of any values.
    """

    groups: Sequence[str]
    items: int
    sides: Mapping[str, Floats]


def block_rows(blocks: Iterable[BlockTerms]) -> list[dict[str, Any]]:
    """What blocks.parquet says: one row per block and metric, with the terms of each layer 0..L for each side."""
    return [
        {
            "task": block.task,
            "block": block.block,
            "group": block.group,
            "item": list(block.items),
            "metric": metric,
            "unit": metrics[metric].unit,
            **{side: [list(layer) for layer in sides[side]] for side in SIDES},
        }
        for block in blocks
        for metric, sides in block.terms.items()
    ]


def block_curves(task: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, BlockCurves]:
    """Metric -> its curves on one task, from rows of `block_rows`, made in memory or read back from disk."""
    by_metric: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["task"] == task:
            by_metric.setdefault(str(row["metric"]), []).append(row)
    return {name: _curves(metrics[name], of_metric) for name, of_metric in by_metric.items()}


def _curves(metric: Metric, rows: Sequence[Mapping[str, Any]]) -> BlockCurves:
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    place = np.array([groups.index(str(row["group"])) for row in rows])
    sizes = np.array([len(row["item"]) for row in rows], dtype=np.float64)
    sides: dict[str, Floats] = {
        side: _pseudo_values(metric, np.array([row[side] for row in rows], dtype=np.float64), sizes, place) for side in SIDES
    }
    return BlockCurves(groups, int(sizes.sum()), sides)


def _pseudo_values(metric: Metric, terms: Floats, sizes: Floats, place: Floats) -> Floats:
    """terms: (blocks, L + 1, terms), weighted by sizes (blocks,); place: the group of each block -> (groups, L + 1), NaN where absent."""
    groups = int(place.max()) + 1
    weights = np.bincount(place, sizes, groups)
    weighted = terms * sizes[:, None, None]
    sums = np.stack([weighted[place == g].sum(axis=0) for g in range(groups)])
    mean = sums.sum(axis=0) / weights.sum()
    combine = metric.combine
    assert combine is not None  # `metric` refuses one without
    # the pull of one group: how the value changes as its weight grows
    towards = sums - weights[:, None, None] * mean
    change = (combine(mean + _STEP * towards / weights.sum()) - combine(mean - _STEP * towards / weights.sum())) / (2 * _STEP)
    return np.asarray(combine(mean) + groups * change)
