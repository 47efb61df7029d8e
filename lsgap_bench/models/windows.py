"""A fixed encoder window cut down to the clips of a batch: the same result, at the price of the clips and not of the window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

MARGIN = 4  # mel frames kept after the longest clip: the two convolutions look 3 frames ahead
STEP = 4  # mel frames per speech token: one convolution and one pooling, of stride 2 each


def crop(features: dict[str, Any]) -> dict[str, Any]:
    """The features with mel frames (B, bins, F) and their mask (B, F) cut after the longest clip and a margin, to a multiple of STEP."""
    mask = features["feature_attention_mask"]
    longest = int(mask.sum(-1).max())
    frames = min(-(-(longest + MARGIN) // STEP) * STEP, mask.shape[1])
    return {**features, "input_features": features["input_features"][..., :frames], "feature_attention_mask": mask[:, :frames]}


@contextmanager
def window(tower: Any, frames: int) -> Iterator[None]:
    """Inside the `with`, a Whisper-type tower takes `frames` mel frames: its position table is sliced, which is exact."""
    table, full = tower.embed_positions, tower.config.max_source_positions
    positions = frames // tower.conv2.stride[0]
    try:
        tower.config.max_source_positions = positions
        tower.embed_positions = nn.Embedding(positions, table.embedding_dim, _weight=table.weight[:positions], _freeze=True)
        yield
    finally:
        tower.embed_positions, tower.config.max_source_positions = table, full
