"""The metric `alignment_path_score_euclidean`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics.functional import masked_mean
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric("alignment_path_score_euclidean", needs="states", unit="distance", higher_is_better=False, source="sections 5.1-5.2")
def alignment_path_score_euclidean(layer: LayerPair) -> Tensor:
    """Alignment Path Score by distance: mean over text tokens of the distance to the nearest speech state.

    mean_j min_i |s_i - t_j|, 0 and up, lower is better aligned; grows with the norms of the states. Returns (batch,).
    """
    return masked_mean(layer.euclidean_path.scores, layer.text_mask)
