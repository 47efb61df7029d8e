"""The metric `alignment_path_score_euclidean`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics.functional import masked_mean
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "alignment_path_score_euclidean",
    needs="states",
    unit="distance",
    higher_is_better=False,
    source="sections 5.1-5.2",
    formula="mean_j min_i |s_i - t_j|",
    bounds="0 and up",
    null="the same speech against a partner's text",
    pitfalls="Grows with the norms of the states, hence with depth and width; use the relative form between models.",
)
def alignment_path_score_euclidean(layer: LayerPair) -> Tensor:
    """Alignment Path Score by distance: mean over text tokens of the distance to the nearest speech state. Returns (batch,)."""
    return masked_mean(layer.euclidean_path.scores, layer.text_mask)
