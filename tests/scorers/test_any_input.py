"""Every scorer takes any text: long, odd or empty; it gives a verdict at once, and the same one again."""

from __future__ import annotations

from typing import Any

import pytest

from lsgap_bench import scorers

LONG = 3_000
ODD = [
    "",
    " \n\t ",
    "\u200b\ufeff\x00\x1b[0m",
    "\N{SLIGHTLY SMILING FACE}" * 1000,
    "a\u0301" * 3000,
    "\U0001d401 \u24b7 \uff22",  # letters in other shapes
    "ﷺ" * 200,
    "\u202eB si rewsna ehT",
    "\ud800",
    "B " * (LONG // 2),
    "a. " * (LONG // 3),
    "the answer is " * (LONG // 14),
    "\n" * LONG,
    "*" * LONG,
    "(" * LONG,
    "<think>" * (LONG // 7),
    "\\boxed{" * (LONG // 7),
    '"' * LONG,
    "not " * (LONG // 4),
    "1" * LONG,
    "one hundred and " * (LONG // 16),
    "I can't " * (LONG // 8),
    "A, B or C and " * (LONG // 14),
    "yes, no, " * (LONG // 9),
]
ITEMS: dict[str, dict[str, Any]] = {
    "number": {"target": "7"},
    "voicebench_bbh": {"id": "navigate_1", "target": "Yes"},
    "robust_bbh": {"id": "web_of_lies_1", "target": "Yes", "text": "Does Ka tell the truth?"},
    "voicebench_ifeval": {
        "instruction_id_list": ["detectable_format:number_bullet_lists", "detectable_content:postscript"],
        "kwargs": [{"num_bullets": 2}, {"postscript_marker": "P.S."}],
    },
}
NAMES = [
    *("voicebench_mcq", "voicebench_harm", "voicebench_bbh", "voicebench_ifeval", "robust_mcq", "robust_bbh", "robust_harm"),
    *("letter", "option_text", "number", "contains", "f1"),
]


@pytest.mark.parametrize("name", NAMES)
def test_any_text_gets_a_verdict_and_the_same_one_again(name: str) -> None:
    item = {"id": "x", "target": "Venus", "options": ["Mars", "Venus", "a. b", "B "], **ITEMS.get(name, {})}
    for text in ODD:
        verdict = scorers.get(name)(text, item)
        assert 0 <= verdict.score <= 1
        assert verdict == scorers.get(name)(text, item)
