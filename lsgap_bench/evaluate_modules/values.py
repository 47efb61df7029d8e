"""What the evaluate modules share: the paper they follow, checks of what they are given, Estimates as plain floats.

`evaluate` keeps the inputs in Arrow between `add_batch` and `compute`, so they are checked when they are added, not when the epoch is over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsgap_bench.schema import Estimate

States = NDArray[np.float32]
CITATION = """\
@inproceedings{xiang2025modality,
  title = {Understanding the Modality Gap: An Empirical Study on the Speech-Text Alignment Mechanism of Large Speech Language Models},
  author = {Xiang and Zhao and Guo and Zou},
  booktitle = {EMNLP},
  year = {2025},
  note = {arXiv 2510.12116}
}
"""
"""Of the paper that both modules follow."""


def fractions(scores: Any, name: str) -> list[float]:
    """One score per item, from a list, array or tensor; NaN = absent. ValueError for anything else than a number from 0 to 1."""
    try:
        values = [float(score) for score in scores]
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{name}: {str(scores)[:60]!r} is no list of numbers; give one score per item, NaN where it is absent") from None
    for value in values:
        if not (math.isnan(value) or 0 <= value <= 1):
            raise ValueError(f"{name} holds {value:g}; scores are fractions from 0 to 1, so divide points by 100")
    return values


def states(batch: Any, name: str) -> list[States]:
    """The states of each item of a batch as float32 (tokens, width), from nested lists, arrays or tensors on any device.

    An item without tokens is an empty list. ValueError for another shape.
    """
    if batch is None:
        raise ValueError(f"{name} are missing; give (tokens, width) states for each item")
    return [_table(item, f"{name} of item {k} of the batch") for k, item in enumerate(batch)]


def cluster_column(clusters: Iterable[object] | None, n: int) -> list[str]:
    """What stands in the column `clusters` of n items: a name each, empty where an item stands alone."""
    return [""] * n if clusters is None else ["" if name is None else str(name) for name in clusters]


def cluster_names(column: Sequence[str]) -> list[str]:
    """The clusters as the statistics take them, from their column: a name for each item, its own where it stands alone."""
    return [f"cluster {name}" if name else f"item {k}" for k, name in enumerate(column)]


def plain(estimate: Estimate, name: str, prefix: str = "") -> dict[str, Any]:
    """An Estimate as `name`, `low`, `high`, `n` and `method`, the last four behind `prefix`; `why` only where something is absent (NaN)."""
    found = {name: estimate.value}
    found |= {f"{prefix}{key}": getattr(estimate, key) for key in ("low", "high", "n", "method")}
    return found | ({f"{prefix}why": estimate.why} if estimate.why else {})


def _table(item: Any, where: str) -> States:
    try:
        if hasattr(item, "detach"):  # a tensor: numpy knows neither bfloat16 nor other devices
            item = item.detach().float().cpu()
        table = np.asarray(item, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: they are no table of numbers; give (tokens, width), every row equally wide") from None
    if table.ndim != 2 and table.shape != (0,):
        raise ValueError(f"{where} have shape {table.shape}; give (tokens, width), without padding and without the batch axis")
    return table
