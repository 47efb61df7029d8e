"""The metric `text_norm`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "text_norm",
    needs="states",
    unit="norm",
    higher_is_better=None,
    source="section 5.3 (what length normalization changes)",
    formula="mean_j |t_j|",
    bounds="0 and up",
    null="the partner's text: how much two texts differ",
    pitfalls="A fact of the model, not a score; read it beside speech_norm. A few tokens of huge norm can carry the whole mean.",
)
def text_norm(layer: LayerPair) -> Tensor:
    """Mean norm of the text states. Returns (batch,)."""
    return layer.text_norm
