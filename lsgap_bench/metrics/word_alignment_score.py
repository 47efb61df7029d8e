"""The metric `word_alignment_score`."""

from __future__ import annotations

import torch
from torch import Tensor

from lsgap_bench.metrics import words as W
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "word_alignment_score",
    needs="states",
    unit="cosine",
    higher_is_better=True,
    source="beyond the paper",
    formula="mean over words w of cos(mean_{i in w} s_i, mean_{j in w} t_j), by the times at which w is said",
    bounds="-1..1",
    null="a partner's text, its words in turn against the words of the own clip",
    pitfalls="Times come from the task; speech positions are taken to share the clip evenly, so a word of one position may be off by one.",
    absent="the task gives no word times (key word_times)",
)
def word_alignment_score(layer: LayerPair) -> Tensor:
    """Cosine of each word's mean speech state, over the time in which it is said, and its mean text state.

    Returns (batch,); NaN where the task gives no word times.
    """
    if layer.words is None:
        return torch.full(layer.text_mask.shape[:1], torch.nan, device=layer.text_mask.device)
    return W.word_alignment_score(layer.speech, layer.text, *layer.words)
