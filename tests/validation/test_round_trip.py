from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from made_items import made_item

from lsgap_bench.validation.round_trip import RoundTrip


class Hears:
    """Says what it was told to hear, the longest clip first, as `transcribe` asks for them."""

    sampling_rate, max_seconds, fingerprint, info = 16_000, None, "x", {"name": "x", "kind": "asr"}

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def transcribe(self, waves: Sequence[Any]) -> list[str]:
        return [self.texts.pop() for _ in waves]


def test_the_rate_is_all_errors_over_all_words_and_a_clip_above_the_limit_is_told_with_what_was_heard() -> None:
    items = [made_item(0, "one dog barks at a cat"), made_item(1, "two hens"), made_item(2, "a cow")]
    wer, told = RoundTrip(Hears("one dog barks at a hat", "ten pens", "a cow"), 0.5).hear(items, "t.yaml")
    assert wer == pytest.approx(3 / 10)  # of 6 + 2 + 2 words
    (line,) = [finding.line for finding in told]
    assert line == "t.yaml: t/1: WER 1.00: 'two hens' was heard as 'ten pens'"
    assert not told[0].problem


def test_a_synthesized_clip_is_compared_with_the_words_the_voice_was_given() -> None:
    item = made_item(0, "Which is heavier: a (cow)", spoken="Which is heavier. A: cow")
    assert RoundTrip(Hears("which is heavier a cow"), 0.5).hear([item], "t.yaml") == (0.0, [])


def test_silence_is_a_clip_all_of_whose_words_are_missing() -> None:
    wer, told = RoundTrip(Hears(""), 0.5).hear([made_item(0, "say cat")], "t.yaml")
    assert wer == 1.0
    assert "was heard as ''" in told[0].line
