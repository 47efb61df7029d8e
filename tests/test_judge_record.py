"""What a record says of its judge: in one line, as a warning, and as the ground on which runs can be compared."""

from __future__ import annotations

from typing import Any

import pytest

from lsgap_bench.judge_record import entry_without, ground, judge_lines, judge_warnings

COST = {"value": 0.5, "unit": "USD", "prices": {"input": 1.0, "output": 1.0}}
ENTRY: dict[str, Any] = {
    "judge": "chat",
    "model": "gpt-x",
    "where": "https://example.org/v1",
    "sampling": {"temperature": 0.5},
    "votes": 3,
    "prompts": 10,
    "kept": 20,
    "asked_again": 4,
    "unread": 0,
    "served_by": {"gpt-x-2026": 30},
    "asked": {"votes": 10, "prompt_tokens": 100, "completion_tokens": 10, "cost": COST},
    "all": {"votes": 30, "prompt_tokens": 300, "completion_tokens": 30, "cost": COST},
    "tasks": {"a": "voicebench_open", "b": "voicebench_qa"},
    "rubrics": {
        "voicebench_open": {"version": "1", "sha256": "a" * 64},
        "voicebench_qa": {"version": "1", "sha256": "b" * 64, "beside": "PEDANT"},
    },
    "answers": 12,
    "without_score": 0,
}


def test_one_line_says_who_judged_what_and_what_it_took() -> None:
    (line,) = judge_lines({"judge": ENTRY})
    for said in (
        "gpt-x at https://example.org/v1 (served by gpt-x-2026)",
        "3 votes an answer",
        "voicebench_qa prompt 1 by PEDANT",
        "0.5000 USD",
    ):
        assert said in line
    assert "12 answers, 10 votes asked for and 20 kept" in line
    assert judge_lines({}) == []


def test_votes_that_could_not_be_read_are_a_warning() -> None:
    assert judge_warnings(ENTRY) == judge_warnings({}) == []
    (line,) = judge_warnings({**ENTRY, "unread": 4, "without_score": 1})
    assert line == "4 of 30 votes of the judge could not be read, twice each; 1 answers have no score"


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "gpt-y"},
        {"votes": 5},
        {"judge": "other"},
        {"sampling": {"temperature": 0}},
        {"rubrics": {**ENTRY["rubrics"], "voicebench_qa": {"version": "2", "sha256": "b" * 64, "beside": "PEDANT"}}},
        {"rubrics": {**ENTRY["rubrics"], "voicebench_qa": {"version": "1", "sha256": "c" * 64, "beside": "PEDANT"}}},
        {"rubrics": {**ENTRY["rubrics"], "voicebench_qa": {"version": "1", "sha256": "b" * 64, "beside": "the judge alone"}}},
    ],
)
def test_whatever_changes_a_verdict_changes_the_ground(changed: dict[str, Any]) -> None:
    assert ground({"judge": {**ENTRY, **changed}}, "b") != ground({"judge": ENTRY}, "b")


@pytest.mark.parametrize("changed", [{"where": "http://127.0.0.1:1"}, {"kept": 0}, {"asked": {}}, {"served_by": {}}])
def test_what_changes_none_does_not(changed: dict[str, Any]) -> None:
    assert ground({"judge": {**ENTRY, **changed}}, "b") == ground({"judge": ENTRY}, "b")


def test_a_task_that_no_judge_judged_has_no_ground() -> None:
    assert ground({"judge": ENTRY}, "c") is None
    assert ground({}, "a") is None


def test_a_task_that_gets_another_scorer_is_no_longer_the_judges() -> None:
    assert entry_without(ENTRY, {"a": "exact"})["tasks"] == {"b": "voicebench_qa"}
    assert entry_without(ENTRY, {"a": "exact", "b": "exact"}) == {}
    assert entry_without(ENTRY, {"c": "exact"}) == ENTRY
    assert entry_without(None, {}) == {}
