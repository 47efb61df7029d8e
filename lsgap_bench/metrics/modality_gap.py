"""The metric `modality_gap`."""

from __future__ import annotations

from lsgap_bench.registry import metric
from lsgap_bench.schema import Pair


@metric("modality_gap", needs="answers", unit="points", higher_is_better=False, source="sections 3-4")
def modality_gap(pair: Pair) -> float:
    """Score of the written question minus score of the spoken one, same model, same item.

    score(text) - score(speech), a fraction -1..1 per item (points once estimated), lower is better; NaN where one of the two was not run.
    """
    return pair.score("text") - pair.score("speech")
