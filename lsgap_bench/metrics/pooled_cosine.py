"""The metric `pooled_cosine`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric("pooled_cosine", needs="states", unit="cosine", higher_is_better=True, source="section 4")
def pooled_cosine(layer: LayerPair) -> Tensor:
    """Cosine of the mean speech state and the mean text state.

    cos(mean_i s_i, mean_j t_j), -1..1, higher is more alike. Returns (batch,).
    """
    return F.cosine(layer.pooled_speech, layer.pooled_text)
