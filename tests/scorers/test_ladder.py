"""Ladders of phrases: what each sign means, and that only the order of the rows decides."""

from __future__ import annotations

import pytest

from lsgap_bench.scorers.ladder import Ladder, written_out


def test_choices_are_written_out_with_the_last_one_turning_fastest() -> None:
    assert written_out("<a|b> is <|not >x") == ["a is x", "a is not x", "b is x", "b is not x"]


def test_an_angle_bracket_without_a_choice_is_plain_text() -> None:
    assert written_out("it is not</s>") == ["it is not</s>"]


@pytest.mark.parametrize(
    ("phrase", "text", "there"),
    [
        ("no", "casino", True),
        ("^no", "casino", False),
        ("^no", "nobody", True),
        ("no¶", "casino", True),
        ("no¶", "no.", False),
        ("^no¶", "no", True),
        ("^no¶", "no no", False),
        ("the … lies", "the man lies", True),
        ("the … lies", "the lies", False),  # a gap is at least one character between its blanks
        ("the … lies", "lies the man", False),
        ("the … lies", "the lies the man lies", True),
    ],
)
def test_signs_say_where_a_phrase_stands(phrase: str, text: str, there: bool) -> None:
    assert Ladder([(phrase, 1)]).read(text) == (1 if there else None)


def test_the_first_row_wins_wherever_it_stands_in_the_text() -> None:
    ladder = Ladder([("is X", None), ("X.", None)], {"a": 0, "b": 1})
    assert ladder.read("a. is b") == 1
    assert ladder.read("is b, is a") == 0  # in one row the slot's words in their order
    assert ladder.read("b.") == 1
    assert ladder.read("c") is None
