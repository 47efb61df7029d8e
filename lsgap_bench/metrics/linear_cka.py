"""The metric `linear_cka`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_block import LayerBlock
from lsgap_bench.registry import metric


def cka(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean terms of `block_hsic` (..., 3) -> CKA (...); NaN where a side's own term is not positive."""
    cross, speech, text = np.moveaxis(terms, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where((speech > 0) & (text > 0), cross / np.sqrt(speech * text), np.nan))


@metric(
    "linear_cka",
    needs="blocks",
    unit="CKA",
    higher_is_better=True,
    source="Kornblith et al. 2019; by minibatches, Nguyen et al. 2021",
    formula="mean_b HSIC(S_b, T_b) / sqrt(mean_b HSIC(S_b, S_b) mean_b HSIC(T_b, T_b)); S_b, T_b: mean states of the items of block b",
    bounds="at most about 1; an unbiased estimate, so near 0 it can fall below",
    null="the block's speech against its items' partners' texts",
    pitfalls=(
        "Asks whether items that are near each other in text are near in speech, not whether the two sides coincide: blind to rotation, "
        "scale and shift. Blocks hold questions of one task and of like length; few blocks make a wide interval."
    ),
    absent="every block needs 4 questions of one task",
    combine=cka,
)
def linear_cka(block: LayerBlock) -> Tensor:
    """Linear centred kernel alignment of the pooled states over items. Returns (sides, L + 1, 3)."""
    return F.block_hsic(block.speech.expand(len(block.text), -1, -1, -1), block.text)
