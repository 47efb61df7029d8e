"""The scorers `letter` and `option_text`: each reads one half of what `choice` reads."""

from __future__ import annotations

import pytest

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError

ANIMALS = ["cat", "dog", "cow", "cat food"]


@pytest.mark.parametrize(
    ("response", "by_letter", "by_text"),
    [
        ("B", "dog", None),
        ("(b)", "dog", None),
        ("The answer is B", "dog", None),
        ("dog", None, "dog"),
        ("It is the dog.", None, "dog"),
        ("B. cow", "dog", "cow"),  # they may disagree
        ("A dog", None, "dog"),
        ("cat food", None, "cat food"),
        ("the cat or the dog", None, None),
        ("B or C", None, None),
        ("", None, None),
    ],
)
def test_a_letter_says_nothing_to_one_and_a_text_nothing_to_the_other(response: str, by_letter: str | None, by_text: str | None) -> None:
    for name, expected in (("letter", by_letter), ("option_text", by_text)):
        verdict = scorers.get(name)(response, {"id": "x", "target": "dog", "options": ANIMALS})
        assert (verdict.prediction, verdict.extracted) == (expected, expected is not None)
        assert verdict.score == (0.25 if expected is None else float(expected == "dog"))


def test_without_options_letter_reads_the_letter() -> None:
    assert scorers.get("letter")("Option C", {"id": "x", "target": "C"}).correct


def test_option_text_needs_options() -> None:
    with pytest.raises(UsageError, match="item 3: scorer 'option_text' compares with the options, and there are none; give doc_to_choice"):
        scorers.get("option_text")("dog", {"id": "item 3", "target": "dog"})
