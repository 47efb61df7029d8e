"""The metric `alignment_path_distance_relative`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics.functional import masked_mean
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "alignment_path_distance_relative",
    needs="states",
    unit="text norms",
    higher_is_better=False,
    source="sections 5.1-5.2, divided by the layer's text norm",
    formula="mean_j min_i |s_i - t_j| / mean_j |t_j|",
    bounds="0 and up",
    null="the same speech against a partner's text, divided by that text's norm",
    pitfalls="Falls with the number of speech states; one token of huge norm (an attention sink) makes it small.",
)
def alignment_path_distance_relative(layer: LayerPair) -> Tensor:
    """Alignment Path Score by distance, as a multiple of the layer's mean text norm. Returns (batch,)."""
    return masked_mean(layer.euclidean_path.scores, layer.text_mask) / layer.text_norm
