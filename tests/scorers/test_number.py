"""The scorer `number`: numbers as people write and say them; words are checked against num2words."""

# ruff: noqa: RUF001 - digits of every width
from __future__ import annotations

from fractions import Fraction

import pytest
from num2words import num2words

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError
from lsgap_bench.scorers.numbers import last_number, numbers

SAID: list[tuple[str, float | Fraction | None]] = [
    ("42", 42),
    ("The answer is 42.", 42),
    ("#### 42", 42),
    ("so 6*7 = 42\n#### 42", 42),
    ("1,234", 1234),
    ("1,234.5 dollars", 1234.5),
    ("-3", -3),
    ("minus three", -3),
    ("negative 5", -5),
    ("twenty-one", 21),
    ("three hundred and five", 305),
    ("two thousand and twenty four", 2024),
    ("one hundred twenty three thousand four hundred fifty six", 123456),
    ("two point five", 2.5),
    ("zero point zero five", Fraction(1, 20)),
    ("a hundred", 100),
    ("half", 0.5),
    ("a half", 0.5),
    ("one half", 0.5),
    ("three quarters", 0.75),
    ("two thirds", Fraction(2, 3)),
    ("two and a half", 2.5),
    ("3/4", 0.75),
    ("1 1/2", 1.5),
    ("½", 0.5),
    ("2½", 2.5),
    ("\\frac{3}{4}", 0.75),
    ("3 million", 3000000),
    ("2.5 million", 2500000),
    ("a dozen", 12),
    ("two dozen", 24),
    ("It costs $18", 18),
    ("$18.00", 18),
    ("18 dollars", 18),
    ("five, six", 6),
    ("There are five apples and three pears, so eight.", 8),
    ("The answer is 5, and that's the right one.", 5),
    ("\\boxed{42}", 42),
    ("**42**", 42),
    ("42%", 42),
    ("forty two percent", 42),
    ("x = 7", 7),
    ("7.", 7),
    ("It's 7, I think", 7),
    ("seventeen", 17),
    ("ninety nine", 99),
    ("one thousand", 1000),
    ("one million two hundred thousand", 1200000),
    ("5-3=2", 2),
    ("10:30", 30),
    ("３", 3),
    ("twelve hundred", 1200),
    ("nineteen hundred", 1900),
    ("a million", 1000000),
    (".5", 0.5),
    ("I have a dog", None),
    ("no number", None),
    ("", None),
    ("the third", None),
    ("first", None),
    ("3rd", None),
    ("B2", None),
    ("one", 1),
    ("one of them", None),
    ("ten to twenty", 20),
    ("an hour and a half", 0.5),
    ("1/0", 1),
    ("thirty-five and forty", 40),
    ("one hundred and one", 101),
    ("five and six", 6),
    ("3 and 4", 4),
    ("3 4", 4),
]


@pytest.mark.parametrize(("text", "value"), SAID)
def test_the_last_number_is_read(text: str, value: float | Fraction | None) -> None:
    found = last_number(text)
    assert (None if found is None else found.value) == value


@pytest.mark.parametrize("start", [0, 990, 10_900, 999_990, 123_456_700, 2_000_000_000])
def test_whole_numbers_in_words_are_read(start: int) -> None:
    for number in range(start, start + 120):
        assert [found.value for found in numbers(f"It is {num2words(number)}.")] == [number]


@pytest.mark.parametrize(
    ("response", "target", "right"),
    [
        ("It is 18.", "18", True),
        ("eighteen dollars", "#### 18", True),
        ("#### 18", "6 * 3 = 18\n#### 18", True),
        ("18 or 19", "18", False),
        ("#### 18\nThat took 3 steps.", "18", True),
        ("1,000", "1000", True),
        ("0.5", "1/2", True),
        ("one half", "0.5", True),
        ("-3", "3", False),
        ("25%", "25", True),
        ("25%", "0.25", True),
        ("a quarter", "25%", True),
        ("25", "25%", True),
        ("25%", "2500%", False),
        ("18.00", "18", True),
        ("18.01", "18", False),
    ],
)
def test_numbers_are_compared_by_value(response: str, target: str, right: bool) -> None:
    verdict = scorers.get("number")(response, {"id": "x", "target": target})
    assert (verdict.score, verdict.correct, verdict.extracted) == (float(right), right, True)


@pytest.mark.parametrize(("response", "prediction"), [("one and a half", 1.5), ("twelve", 12), ("no idea", None)])
def test_the_prediction_is_a_plain_number(response: str, prediction: float | None) -> None:
    assert scorers.get("number")(response, {"id": "x", "target": "1"}).prediction == prediction


def test_an_answer_without_a_number_is_not_extracted() -> None:
    assert scorers.get("number")("no idea", {"id": "x", "target": "1"}).score == 0.0
    assert not scorers.get("number")("no idea", {"id": "x", "target": "1", "chance": 0.1}).extracted
    assert scorers.get("number")("no idea", {"id": "x", "target": "1", "chance": 0.1}).score == 0.1


def test_a_target_without_a_number_is_refused_before_anything_is_run() -> None:
    with pytest.raises(UsageError, match="item 3: the target 'many' holds no number"):
        scorers.get("number")("", {"id": "item 3", "target": "many"})
