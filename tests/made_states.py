"""Random states for the tests of what is computed from them."""

from __future__ import annotations

import torch
from torch import Tensor


def states(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def ragged(seed: int, n_items: int = 6, width: int = 16) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Random items of unequal length; the masks are scattered, not prefixes, and leave every item at least two tokens."""
    generator = torch.Generator().manual_seed(seed)
    speech, text = states(n_items, 13, width, seed=seed), states(n_items, 7, width, seed=seed + 1000)
    speech_mask, text_mask = (torch.rand(n_items, n, generator=generator) < 0.6 for n in (13, 7))
    speech_mask[:, [2, 9]] = True
    text_mask[:, [1, 5]] = True
    return speech, text, speech_mask, text_mask
