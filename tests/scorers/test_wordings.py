"""Tables of wordings: what each sign of a phrase means."""

from __future__ import annotations

import re

import pytest

from lsgap_bench.scorers.wordings import one_of, wordings

WORDS = {"i": "i|we", "maybe": "| {really}", "really": "really|just"}


@pytest.mark.parametrize(
    ("phrase", "text", "there"),
    [
        ("{i} can't", "Well, WE can't", True),
        ("{i} can't", "they can't", False),
        ("{i}{maybe} can't", "I just can't", True),
        ("{i}{maybe} can't", "I can't", True),
        ("<no|never> way", "never way", True),
        ("as an", "it was an hour", False),  # whole words
        ("so no", "so, no", True),
        ("i ... not", "I will of course not", True),
        ("i ... not", "I not", True),
        ("i ... not", "I go. It is not", False),  # in one sentence
        ("i ... not", "I " + "very " * 20 + "not", False),
        ("^no", "- No", True),
        ("^no", "oh no", False),
        ("no$", "oh no!", True),
        ("no$", "no one", False),
        ("^a.b$", "acb", False),  # other signs are plain text
        ("抱歉", "很抱歉a", True),
    ],
)
def test_signs_say_what_a_phrase_matches(phrase: str, text: str, there: bool) -> None:
    assert (wordings([phrase], WORDS).search(text) is not None) is there


def test_of_several_phrases_the_longest_is_taken() -> None:
    assert re.match(one_of("to, to be, a"), "to  be")[0] == "to  be"  # type: ignore[index]
