"""The metric `path_monotonicity_pooled`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.paths import Paths
from lsgap_bench.registry import metric


@metric(
    "path_monotonicity_pooled",
    needs="paths",
    unit="Spearman rho",
    higher_is_better=True,
    source="section 5.1, which does not say how layers are pooled",
    formula="rho over (l, j) of (j, argmax_i cos(s_i, t_j) in layer l), l = 1..L together",
    bounds="-1..1",
    null="the same speech against a partner's text",
    pitfalls=(
        "The other reading of the paper's rho, beside the mean of path_monotonicity over layers: constant paths count, and paths that run "
        "forward at another height in each layer correlate less. The choice `layers` does not touch it."
    ),
)
def path_monotonicity_pooled(paths: Paths) -> Tensor:
    """Spearman correlation of text order and aligned speech position over all layers together (cosine paths). Returns (batch,)."""
    return F.pooled_path_monotonicity(paths.cosine)
