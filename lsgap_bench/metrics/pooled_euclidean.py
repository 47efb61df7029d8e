"""The metric `pooled_euclidean`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "pooled_euclidean",
    needs="states",
    unit="distance",
    higher_is_better=False,
    source="section 4",
    formula="|mean_i s_i - mean_j t_j|",
    bounds="0 and up",
    null="the same speech against a partner's text",
    pitfalls="Grows with the norms of the states, hence with depth and width; use the relative form between models.",
)
def pooled_euclidean(layer: LayerPair) -> Tensor:
    """Euclidean distance of the mean speech state and the mean text state. Returns (batch,)."""
    return F.distance(layer.pooled_speech, layer.pooled_text)
