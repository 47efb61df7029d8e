"""The metric `word_agreement`."""

from __future__ import annotations

import torch
from torch import Tensor

from lsgap_bench.metrics import words as W
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "word_agreement",
    needs="states",
    unit="fraction",
    higher_is_better=True,
    source="beyond the paper",
    formula="share of text tokens j whose argmax_i cos(s_i, t_j) lies in the time of the word of j",
    bounds="0..1",
    null="a partner's text, its words in turn against the words of the own clip",
    pitfalls="A decoder that looks back at whole clauses may align a word to its end or after it; read it beside its null.",
    absent="the task gives no word times (key word_times)",
)
def word_agreement(layer: LayerPair) -> Tensor:
    """Share of text tokens whose most similar speech state lies in the time of their own word.

    Returns (batch,); NaN where the task gives no word times.
    """
    if layer.words is None:
        return torch.full(layer.text_mask.shape[:1], torch.nan, device=layer.text_mask.device)
    return W.word_agreement(layer.cosine_path.positions, *layer.words)
