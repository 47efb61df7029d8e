"""The intervention `length_normalization`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.interventions import functional as F
from lsgap_bench.registry import intervention


@intervention("length_normalization", source="section 5.3")
def length_normalization(speech: Tensor, text: Tensor) -> Tensor:
    """Speech direction, text norm.

    s <- |t| s/|s|; a zero speech state stays zero. speech, text, result: (N, D).
    """
    return F.length_normalization(speech, text)
