"""Prompts that a processor was given one by one, as one batch: an extractor that sees a clip alone cannot mix its padding into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

TOKENS = {"input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"}
"""Features along the prompt, (1, T); they are padded on the left, all others on the right."""


def stacked(alone: Sequence[Mapping[str, Any]], pad: int) -> dict[str, Tensor]:
    """The features of several prompts, each (1, ...), in one batch, every axis padded to the longest; what is no tensor is dropped.

    pad: the token that pads; everything else is padded with 0.
    """
    names = [name for name, value in alone[0].items() if torch.is_tensor(value)]
    return {name: _joined([features[name] for features in alone], name, pad) for name in names}


def _joined(parts: Sequence[Tensor], name: str, pad: int) -> Tensor:
    shape = [max(part.shape[axis] for part in parts) for axis in range(1, parts[0].dim())]
    filler = pad if name == "input_ids" else 0
    whole = parts[0].new_full((sum(len(part) for part in parts), *shape), filler)
    start = 0
    for part in parts:
        inside = [slice(-size, None) if name in TOKENS else slice(size) for size in part.shape[1:]]
        whole[(slice(start, start + len(part)), *inside)] = part
        start += len(part)
    return whole
