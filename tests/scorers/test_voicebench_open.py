"""The scorer `voicebench_open`: what a judge is asked, which replies are ratings, and what ratings come to."""

from __future__ import annotations

import math

import pytest

from lsgap_bench import scorers
from lsgap_bench.scorers.voicebench_open import ask, rating

ITEM = {"id": "secret-task/7", "text": "Name {a} river.", "target": "hidden", "chance": None, "accent": "hidden-accent", "options": ()}
score = scorers.get("voicebench_open")


@pytest.mark.parametrize("reply", ["4", " 4\n", "**4**", "[[4]]", "4/5", "4 out of 5", "Rating: 4", "score: **4**", "'4'.", "Rating is 4."])
def test_a_reply_that_says_one_rating_and_nothing_else_is_read(reply: str) -> None:
    assert rating(reply) == 4


@pytest.mark.parametrize(
    "reply", ["", "0", "6", "45", "4.5", "-4x", "3 or 4", "between 3 and 4", "4/10", "four", "I cannot rate this.", "4\n5"]
)
def test_any_other_reply_is_no_rating(reply: str) -> None:
    assert rating(reply) is None


def test_the_points_are_the_mean_rating_times_twenty() -> None:
    verdict = score("the Rhine", {**ITEM, "judge_votes": (5, 4, 4)})
    assert 100 * verdict.score == pytest.approx(20 * 13 / 3)
    assert (verdict.correct, verdict.extracted, verdict.details) == (None, True, {"ratings": [5, 4, 4]})


def test_a_vote_that_cannot_be_read_is_left_out_of_the_mean_and_shown() -> None:
    verdict = score("the Rhine", {**ITEM, "judge_votes": (None, 2, 3)})
    assert verdict.score == pytest.approx(0.5)
    assert verdict.details == {"ratings": [None, 2, 3]}


def test_without_a_readable_vote_there_is_no_score_rather_than_a_made_up_one() -> None:
    verdict = score("the Rhine", {**ITEM, "judge_votes": (None, None, None)})
    assert math.isnan(verdict.score)
    assert (verdict.prediction, verdict.correct, verdict.extracted) == (None, None, False)


def test_a_judge_is_shown_the_question_and_the_answer_and_nothing_else_of_the_item() -> None:
    prompt = ask("the {Rhine}", ITEM).prompt
    assert "<question>\nName {a} river.\n</question>" in prompt
    assert "<answer>\nthe {Rhine}\n</answer>" in prompt
    assert not [word for word in ("secret", "hidden", "speech", "spoken", "audio", "voice", "transcri") if word in prompt.lower()]
