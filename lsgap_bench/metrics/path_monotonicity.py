"""The metric `path_monotonicity`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "path_monotonicity",
    needs="states",
    unit="Spearman rho",
    higher_is_better=True,
    source="section 5.1",
    formula="rho over j of (j, argmax_i cos(s_i, t_j))",
    bounds="-1..1",
    null="the same speech against a partner's text",
    pitfalls="Undefined for a constant path; a shared template makes mismatched pairs run forward too.",
)
def path_monotonicity(layer: LayerPair) -> Tensor:
    """Spearman correlation of text order and aligned speech position (cosine path). Returns (batch,)."""
    return F.path_monotonicity(layer.cosine_path.positions)
