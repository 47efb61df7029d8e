"""What a metric over items receives: the pooled states of a block of items, at every layer, for the own and the partners' texts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

MIN_ITEMS = 4
"""Of a block: below it no unbiased estimate exists."""


@dataclass(frozen=True)
class LayerBlock:
    """speech: mean speech states (1, L + 1, m, D) of m items. text: mean text states (sides, L + 1, m, D), in the order of SIDES."""

    speech: Tensor
    text: Tensor
