"""What a metric of the alignment paths of all layers receives."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Paths:
    """One batch. cosine: int64 (L, B * K, Tt), the speech position of each text token by cosine in layers 1..L, -1 at padding."""

    cosine: Tensor
