"""The metric `speech_norm`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "speech_norm",
    needs="states",
    unit="norm",
    higher_is_better=None,
    source="section 5.3 (what length normalization changes)",
    formula="mean_i |s_i|",
    bounds="0 and up",
    null="the item's own speech again, so its difference is 0",
    pitfalls="A fact of the model, not a score; read it beside text_norm. A few tokens of huge norm can carry the whole mean.",
)
def speech_norm(layer: LayerPair) -> Tensor:
    """Mean norm of the speech states. Returns (batch,)."""
    return layer.speech_norm
