"""The intervention `identity`."""

from __future__ import annotations

from torch import Tensor

from lsgap_bench.registry import intervention


@intervention("identity", source="control")
def identity(speech: Tensor, text: Tensor) -> Tensor:
    """Control: the speech state itself, so that nothing may change.

    s <- s. speech, text, result: (N, D).
    """
    return speech
