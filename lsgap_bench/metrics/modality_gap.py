"""The metric `modality_gap`."""

from __future__ import annotations

from lsgap_bench.registry import metric
from lsgap_bench.schema import Pair


@metric(
    "modality_gap",
    needs="answers",
    unit="points",
    higher_is_better=False,
    source="sections 3-4",
    formula="score(text) - score(speech)",
    bounds="-100..100 points",
    null="the gap with another item's clip (the canary `speech=other`): that of a deaf model",
    pitfalls="A small gap can mean a bad written side: read both scores. A brittle scorer makes format drift look like a gap.",
    reads_scores=True,
)
def modality_gap(pair: Pair) -> float:
    """Score of the written question minus score of the spoken one, same model, same item.

    score(text) - score(speech), a fraction -1..1 per item (points once estimated), lower is better; NaN where one of the two was not run.
    """
    return pair.score("text") - pair.score("speech")
