"""The metric `monotonic_path_score`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import metric


@metric(
    "monotonic_path_score",
    needs="states",
    unit="cosine",
    higher_is_better=True,
    source="beyond the paper: its section 5.1 lets each token choose alone",
    formula="max over i_1 <= ... <= i_Tt of mean_j cos(s_{i_j}, t_j)",
    bounds="-1..1, never above alignment_path_score",
    null="the same speech against a partner's text",
    pitfalls="Grows with the number of speech states, less than APS does; a text that is said in another order than written is punished.",
)
def monotonic_path_score(layer: LayerPair) -> Tensor:
    """Best mean cosine along a path that never steps back in time. Returns (batch,)."""
    return layer.monotonic_score
