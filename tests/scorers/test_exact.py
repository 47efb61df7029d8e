"""The scorer `exact`: what counts as the same answer."""

from __future__ import annotations

import pytest

from lsgap_bench import scorers


@pytest.mark.parametrize(
    ("response", "target", "right"),
    [
        ("Paris", "paris", True),
        ("  The Paris. ", "Paris", True),
        ("“Paris”!", "Paris", True),
        ("Paris, France", "Paris", False),
        ("an apple", "the apple", True),
        ("STRASSE", "straße", True),
        ("ﬁve", "five", True),  # a ligature is the same letters
        ("café", "cafe\u0301", True),
        ("cafe", "café", False),
        ("की", "का", False),  # vowel signs belong to the word
        ("की।", "की", True),
        ("5", "-5", False),
        ("\N{MINUS SIGN}5", "-5", True),
        ("3.5", "35", False),
        ("3.5", "3 5", False),
        ("5.", "5", True),
        ("1,000", "1000", True),
        ("1, 2", "1 2", True),
        ("well-known", "well known", True),
        ("A", "a", True),
        ("B", "a", False),
    ],
)
def test_an_answer_is_right_when_nothing_but_form_differs_from_the_target(response: str, target: str, right: bool) -> None:
    verdict = scorers.get("exact")(response, {"id": "x", "target": target})
    assert (verdict.score, verdict.correct, verdict.extracted) == (float(right), right, True)


@pytest.mark.parametrize("response", ["", "  ", "...", "\n"])
def test_an_answer_without_a_word_is_not_extracted_and_wrong(response: str) -> None:
    verdict = scorers.get("exact")(response, {"id": "x", "target": "paris", "chance": 0.5})
    assert (verdict.prediction, verdict.score, verdict.correct, verdict.extracted) == (None, 0.0, False, False)
