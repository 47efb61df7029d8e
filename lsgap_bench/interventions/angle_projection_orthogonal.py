"""The intervention `angle_projection_orthogonal`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.interventions import functional as F
from lsgap_bench.registry import intervention


@intervention("angle_projection_orthogonal", source="section 5.3, read as an orthogonal projection")
def angle_projection_orthogonal(speech: Tensor, text: Tensor) -> Tensor:
    """Only the component of the speech state along the text direction.

    s <- <s, u> u with u = t/|t|; a zero text state leaves s as it is. speech, text, result: (N, D).
    """
    return F.angle_projection(speech, text, mode="orthogonal")
