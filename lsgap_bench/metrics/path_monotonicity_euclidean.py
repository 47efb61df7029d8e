"""The metric `path_monotonicity_euclidean`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "path_monotonicity_euclidean",
    needs="states",
    unit="Spearman rho",
    higher_is_better=True,
    source="section 5.1",
    formula="rho over j of (j, argmin_i |s_i - t_j|)",
    bounds="-1..1",
    null="the same speech against a partner's text",
    pitfalls="As path_monotonicity; one speech state of small norm can draw the whole path to itself.",
)
def path_monotonicity_euclidean(layer: LayerPair) -> Tensor:
    """Spearman correlation of text order and aligned speech position (Euclidean path). Returns (batch,)."""
    return F.path_monotonicity(layer.euclidean_path.positions)
