"""The scorer `big_bench_audio`: each category's answers are read as that category asks."""

from __future__ import annotations

from typing import Any

import pytest

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError

TRUTH = "Fidel says Jerry lies. Does Jerry tell the truth?"
STEPS = "If you follow these instructions, do you return to the starting point?"
CASES: list[tuple[str, str, str, Any]] = [
    ("valid", "", "The argument is deductively valid.", "valid"),
    ("valid", "", "The argument is not deductively valid.", "invalid"),
    ("invalid", "", "It isn't valid, since the premises allow another case.", "invalid"),
    ("invalid", "", "It isn\u2019t a valid argument.", "invalid"),
    ("invalid", "", "At first it looks valid, but it is invalid.", "invalid"),
    ("invalid", "", "Invalid.", "invalid"),
    ("valid", "", "I would have to think about it.", None),
    ("no", STEPS, "Do you return to the starting point? No.", "no"),
    ("yes", STEPS, "After all the steps you are back at the starting point, so yes.", "yes"),
    ("yes", TRUTH, "Yes, Jerry tells the truth.", "yes"),
    ("no", TRUTH, "So Jerry must be lying.", "no"),
    ("7", "", "There are three apples and four pears, which makes seven.", 7),
    ("12", "", "12 objects", 12),
    ("12", "", "I cannot count them.", None),
]


@pytest.mark.parametrize(("target", "question", "answer", "read"), CASES)
def test_an_answer_is_read_as_its_category_asks(target: str, question: str, answer: str, read: Any) -> None:
    chance = 0.0 if target.isdigit() else 0.5
    verdict = scorers.get("big_bench_audio")(answer, {"id": "t/0", "target": target, "text": question, "chance": chance})
    assert verdict.prediction == read
    assert verdict.extracted is (read is not None)
    assert verdict.score == (chance if read is None else float(str(read) == target))


def test_the_category_of_the_data_tells_what_a_yes_is_about() -> None:
    item = {"id": "t/0", "target": "no", "category": "web_of_lies"}
    assert scorers.get("big_bench_audio")("He lies.", item).prediction == "no"


def test_a_target_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="t/0: the target 'maybe' is not valid, invalid, yes, no or a number; correct doc_to_target"):
        scorers.get("big_bench_audio")("", {"id": "t/0", "target": "maybe"})
