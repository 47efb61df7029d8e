"""The scorers `contains` and `f1`: words in common with one target or the best of several; F1 by hand arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from lsgap_bench import scorers


@pytest.mark.parametrize(
    ("response", "target", "right"),
    [
        ("I think it is Paris, in France.", "Paris", True),
        ("The Eiffel Tower!", "eiffel tower", True),
        ("Parisian", "Paris", False),
        ("the art of war", "The Art of War", True),
        ("start", "art", False),
        ("about 1,000 people", "1000", True),
        ("10000", "1000", False),
        ("café", "cafe", False),
        ("东京是日本的首都", "东京", True),
        ("It is C++", "+", False),
    ],
)
def test_a_target_is_found_as_whole_words(response: str, target: str, right: bool) -> None:
    verdict = scorers.get("contains")(response, {"id": "x", "target": target})
    assert (verdict.score, verdict.correct, verdict.extracted) == (float(right), right, True)


@pytest.mark.parametrize(
    "columns",
    [
        {"targets": ["the USA", "United States"]},
        {"answers": ["the USA", "United States"]},
        {"answers": {"text": ["the USA", "United States"]}},
    ],
)
def test_any_of_several_targets_will_do(columns: dict[str, Any]) -> None:
    item = {"id": "x", "target": "America", **columns}
    assert scorers.get("contains")("In the United States.", item).prediction == "United States"
    assert scorers.get("f1")("United States", item).score == 1.0
    assert not scorers.get("contains")("In America", item).correct


def test_an_empty_list_of_targets_leaves_the_target() -> None:
    assert scorers.get("contains")("In America", {"id": "x", "target": "America", "answers": {"text": []}, "targets": [" "]}).correct


@pytest.mark.parametrize(
    ("response", "target", "score"),
    [
        ("the big cat", "a big cat", 1.0),  # articles do not count
        ("big dog", "big cat", 0.5),  # precision 1/2, recall 1/2
        ("a very big cat indeed", "cat", 0.4),  # precision 1/4, recall 1
        ("cat cat", "cat", 2 / 3),  # a word counts as often as it is in both: precision 1/2, recall 1
        ("dog", "cat", 0.0),
    ],
)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(response: str, target: str, score: float) -> None:
    verdict = scorers.get("f1")(response, {"id": "x", "target": target})
    assert verdict.score == pytest.approx(score)
    assert (verdict.correct, verdict.extracted) == (None, True)


@pytest.mark.parametrize("name", ["contains", "f1"])
def test_an_answer_without_a_word_is_not_extracted(name: str) -> None:
    verdict = scorers.get(name)("...", {"id": "x", "target": "cat"})
    assert (verdict.prediction, verdict.score, verdict.extracted) == (None, 0.0, False)
