"""Absent for want of a judge: every estimate that is made of scores says so, those of a group too, and nothing else does."""

from __future__ import annotations

import math
from typing import Any

import pytest
from conftest import made_pair

from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.records import to_plain
from lsgap_bench.run_rows import curve_rows, sample_rows
from lsgap_bench.schema import Pair
from lsgap_bench.task_tables import TaskTable, task_table

WHY = "some_rule needs a judge; add --judge"
CONDITIONS = ("text", "speech", "base", "cascade", "speech+identity:all@0")


def table(task: str, judged: bool, conditions: tuple[str, ...] = CONDITIONS) -> TaskTable:
    pairs = [made_pair(task, k, dict.fromkeys(conditions, float(k % 2))) for k in range(3)]
    if not judged:
        pairs = [Pair(pair.item, pair.observations, {}, dict.fromkeys(conditions, WHY)) for pair in pairs]
    return task_table(task, "1", sample_rows(pairs, ["modality_gap", "option_margin"]), curve_rows(pairs))


def reasons(result: Any) -> dict[str, str | None]:
    return {name: getattr(result, name).why for name in ("gap", "base", "cascade", "erosion", "recovery", "detectable")}


def test_of_a_task_every_number_made_of_scores_is_absent_with_the_reason() -> None:
    result = task_result(table("a", judged=False))
    assert set(reasons(result).values()) == {WHY}
    assert {c: (math.isnan(of.value), of.why) for c, of in result.scores.items()} == dict.fromkeys(
        ("text", "speech", CONDITIONS[-1]), (True, WHY)
    )
    assert result.p_value.test == WHY
    assert result.answers["modality_gap"].value.why == WHY
    assert {of.why for of in (result.recognition.loss, result.recognition.rest)} == {WHY}
    edited = result.interventions[CONDITIONS[-1]]
    assert (edited.score.why, edited.gain.why, edited.p_value.test) == (WHY, WHY, WHY)
    assert all(math.isnan(rate) for rate in result.fail_rate.values())


def test_what_is_not_made_of_scores_stays() -> None:
    judged, unjudged = (task_result(table("a", judged=of)) for of in (True, False))
    assert to_plain(unjudged.representation) == to_plain(judged.representation)
    assert unjudged.answers["option_margin"].value.value == pytest.approx(judged.answers["option_margin"].value.value)


def test_a_group_with_one_unjudged_task_has_no_mean_and_names_the_task() -> None:
    result = group_result([table("a", judged=True), table("b", judged=False), table("c", judged=False)])
    assert set(reasons(result).values()) == {f"b: {WHY}"}
    assert result.scores["speech"].why == f"b: {WHY}"
    assert math.isnan(result.scores["speech"].value)
    assert result.answers["modality_gap"].value.why == f"b: {WHY}"
    assert math.isfinite(result.answers["option_margin"].value.value)


def test_a_system_that_was_not_run_says_that_rather() -> None:
    result = task_result(table("a", judged=False, conditions=("text", "speech")))
    assert result.base.why == "this system was not run"
    assert result.gap.why == WHY


def test_a_judged_task_has_no_such_reason() -> None:
    result = task_result(table("a", judged=True))
    assert result.gap.value == 0.0
    assert WHY not in str(to_plain(result))
