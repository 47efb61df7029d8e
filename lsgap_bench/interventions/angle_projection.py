"""The intervention `angle_projection`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.interventions import functional as F
from lsgap_bench.registry import intervention


@intervention("angle_projection", source="section 5.3")
def angle_projection(speech: Tensor, text: Tensor) -> Tensor:
    """Speech norm, text direction.

    s <- |s| t/|t|; a zero text state leaves s as it is. speech, text, result: (N, D).
    """
    return F.angle_projection(speech, text, mode="keep_norm")
