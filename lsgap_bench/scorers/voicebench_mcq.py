"""The scorer `voicebench_mcq`: the option letter, as VoiceBench's own evaluator reads it (tables in `voicebench_mcq_table`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.choices import target_letter
from lsgap_bench.scorers.ladder import Ladder
from lsgap_bench.scorers.voicebench_mcq_table import ROWS
from lsgap_bench.scorers.voicebench_text import judged, without_mark

_LADDER = Ladder(((row, None) for row in ROWS), {letter.lower(): letter for letter in "ABCD"})


@scorer("voicebench_mcq")
def voicebench_mcq(response: str, item: Mapping[str, Any]) -> Verdict:
    """As VoiceBench reads an option letter: the first template of a fixed list that the answer holds. Prediction: "A".."D".

    Position and negation do not matter to it, and it takes the article in "the answer is a dog" for option A; `robust_mcq` reads what is
    said. Where VoiceBench draws a random letter nothing is extracted, and the score is the item's chance (1/4 where it has none). The
    target is a letter, or an option's text if the item has `options`.
    """
    return judged(_LADDER.read(without_mark(response.lower())), target_letter(item), item, guess=1 / 4)
