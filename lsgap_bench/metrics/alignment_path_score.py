"""The metric `alignment_path_score`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics.functional import masked_mean
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric("alignment_path_score", needs="states", unit="cosine", higher_is_better=True, source="sections 5.1-5.2")
def alignment_path_score(layer: LayerPair) -> Tensor:
    """Alignment Path Score (APS): mean over text tokens of the cosine with the most similar speech state.

    mean_j max_i cos(s_i, t_j), -1..1, higher is better aligned; grows with the number of speech states, so read it beside its null.
    Returns (batch,).
    """
    return masked_mean(layer.cosine_path.scores, layer.text_mask)
