"""The metric `pooled_cosine`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "pooled_cosine",
    needs="states",
    unit="cosine",
    higher_is_better=True,
    source="section 4",
    formula="cos(mean_i s_i, mean_j t_j)",
    bounds="-1..1",
    null="the same speech against a partner's text",
    pitfalls="Dominated by the component that all states of a layer share; raw values are not comparable between models.",
)
def pooled_cosine(layer: LayerPair) -> Tensor:
    """Cosine of the mean speech state and the mean text state. Returns (batch,)."""
    return F.cosine(layer.pooled_speech, layer.pooled_text)
