"""The metric `path_consistency`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "path_consistency",
    needs="states",
    unit="fraction",
    higher_is_better=True,
    source="section 5.1",
    formula="mean_j [argmax_i cos(s_i, t_j) = argmin_i |s_i - t_j|]",
    bounds="0..1",
    null="the same speech against a partner's text",
    pitfalls="High where all states have like norms, aligned or not.",
)
def path_consistency(layer: LayerPair) -> Tensor:
    """Share of text tokens that cosine and Euclidean distance align to the same speech state. Returns (batch,)."""
    return F.path_consistency(layer.cosine_path.positions, layer.euclidean_path.positions)
