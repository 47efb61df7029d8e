"""The scorer `voicebench_bbh`: yes or no, (a) or (b), as VoiceBench's own evaluator reads four tasks of BIG-Bench Hard."""

# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.bbh_kinds import gold_of, kind_of
from lsgap_bench.scorers.ladder import Ladder
from lsgap_bench.scorers.voicebench_bbh_hyperbaton import LAST_LETTERS, LETTERS
from lsgap_bench.scorers.voicebench_bbh_yes_no import ENDS, LIES, MOVES, SPORTS, VERDICTS, WORDS
from lsgap_bench.scorers.voicebench_text import judged, without_mark, without_turn

_AB = {"a": 0, "b": 1}
_VERDICTS = [(phrase.replace("X", word), value) for phrase, words in VERDICTS for value, word in enumerate(WORDS[words])]
_LADDERS: Mapping[str, Ladder[int]] = {
    "sports_understanding": Ladder([*_VERDICTS, *SPORTS, *ENDS["sports_understanding"]]),
    "navigate": Ladder([*_VERDICTS, *MOVES, *ENDS["navigate"]]),
    "web_of_lies": Ladder([*_VERDICTS, *LIES, *ENDS["web_of_lies"]]),
    "hyperbaton": Ladder([*LETTERS, *LAST_LETTERS], _AB),
}
_BLANKS = str.maketrans(dict.fromkeys('"-:,.：', " "))


@scorer("voicebench_bbh")
def voicebench_bbh(response: str, item: Mapping[str, Any]) -> Verdict:
    """As VoiceBench reads yes (1) or no (0), or sentence (A) (0) or (B) (1): the first phrase of a fixed list that the answer holds.

    Position and negation do not matter to it, "the answer is not hard: yes" is a no, and a bare "B" is sentence A; `robust_bbh` reads what
    is said. Where VoiceBench throws a coin nothing is extracted, and the score is the item's chance (1/2 where it has none). Which of the
    four tasks it is, is found as `bbh_kinds.kind_of` says; the target is yes, no, (A) or (B).
    """
    kind = kind_of(item)
    return judged(_LADDERS[kind].read(_plain(response)), gold_of(item, kind), item, guess=1 / 2)


def _plain(response: str) -> str:
    """Lower case without turn marks, and with blanks for some punctuation."""
    text = without_mark(without_turn(response.lower())).replace("<|turn_end|>", "")
    return " ".join(text.replace("**", " ").translate(_BLANKS).split())
