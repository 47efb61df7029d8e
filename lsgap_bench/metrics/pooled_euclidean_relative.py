"""The metric `pooled_euclidean_relative`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "pooled_euclidean_relative",
    needs="states",
    unit="text norms",
    higher_is_better=False,
    source="section 4, divided by the layer's text norm",
    formula="|mean_i s_i - mean_j t_j| / mean_j |t_j|",
    bounds="0 and up",
    null="the same speech against a partner's text, divided by that text's norm",
    pitfalls="Comparable between layers and models, as the plain distance is not; one token of huge norm (an attention sink) shrinks it.",
)
def pooled_euclidean_relative(layer: LayerPair) -> Tensor:
    """Euclidean distance of the mean states, as a multiple of the layer's mean text norm. Returns (batch,)."""
    return F.distance(layer.pooled_speech, layer.pooled_text) / layer.text_norm
