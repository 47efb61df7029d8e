"""What VoiceBench's rules cut off an answer before they read it, and how a verdict is made of what they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.normalize import unread

_MARKS = ("<1>", "<2>", "<3>")
_USER = "<|user|>"


def without_mark(text: str) -> str:
    """The text without one leading `<1>`, `<2>` or `<3>`, and then without the blanks at both ends; any other text as it is."""
    return text[3:].strip() if text.startswith(_MARKS) else text


def without_turn(text: str) -> str:
    """The text without `<|user|>` at its very end, and then without the blanks at both ends; any other text as it is."""
    return text.removesuffix(_USER).strip() if text.endswith(_USER) else text


def judged(prediction: Any, gold: Any, item: Mapping[str, Any], guess: float) -> Verdict:
    """The verdict on what was read; where nothing was (None), the item's chance is the score, or `guess` where it has none."""
    if prediction is None:
        chance = item.get("chance")
        return Verdict(None, unread(guess if chance is None else chance), False, extracted=False)
    return Verdict(prediction, float(prediction == gold), prediction == gold, extracted=True)
