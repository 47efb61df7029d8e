"""The metric `alignment_path_score`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics.functional import masked_mean
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "alignment_path_score",
    needs="states",
    unit="cosine",
    higher_is_better=True,
    source="sections 5.1-5.2",
    formula="mean_j max_i cos(s_i, t_j)",
    bounds="-1..1",
    null="the same speech against a partner's text",
    pitfalls="A maximum over speech states: grows with the clip and with anisotropy, so raw values are not comparable between models.",
)
def alignment_path_score(layer: LayerPair) -> Tensor:
    """Alignment Path Score (APS): mean over text tokens of the cosine with the most similar speech state. Returns (batch,)."""
    return masked_mean(layer.cosine_path.scores, layer.text_mask)
