"""The controls of an intervention: whose text it uses, and what its edit is handed in place of that text's states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lsgap_bench.metrics.functional import unit
from lsgap_bench.schema import Side

Handed = Callable[[Tensor, Sequence[int], Sequence[int]], Tensor]
"""(text states (N, D), rows of each item, seed of each item) -> what the edit is handed (N, D)."""


@dataclass(frozen=True)
class Control:
    """text: whose text gives the path, the selection and the states. handed: in place of these states, None for the states themselves."""

    text: Side = "matched"
    handed: Handed | None = None


def random_directions(text: Tensor, rows: Sequence[int], seeds: Sequence[int]) -> Tensor:
    """Vectors of random direction, uniform on the sphere, with the norms of the text states (N, D); a zero state stays zero.

    rows: how many of the N rows belong to each item, in order. seeds: one per item, so that its vectors do not depend on its batch.
    An edit that uses the norm alone (length_normalization) is not changed by it, but for rounding.
    """
    drawn = [
        torch.randn((count, text.shape[1]), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        for count, seed in zip(rows, seeds, strict=True)
    ]
    directions = unit(torch.cat(drawn)).to(text.device, text.dtype)
    lengths: Tensor = torch.linalg.vector_norm(text, dim=-1, keepdim=True)
    return lengths * directions


BY_NAME: Mapping[str | None, Control] = {
    None: Control(),
    "wrong_transcript": Control(text="same_task"),
    "random_direction": Control(handed=random_directions),
}
"""By the name after `=` in a condition; None is the intervention itself."""
