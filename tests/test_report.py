"""The terminal's tables: known numbers, reasons for what is absent, warnings that are loud."""

from __future__ import annotations

import dataclasses
import math

import pytest

from lsgap_bench.cells import Footnotes, estimate, number, p_value, parameters
from lsgap_bench.check_lines import check_lines
from lsgap_bench.report import run_tables, systems_table
from lsgap_bench.schema import Estimate, absent

TWO_TASKS = {
    "sizes": {"text": [1, 1, 1, 1], "speech": [1, 1, 1, 0], "speech+angle_projection:bottom3@0": [1, 1, 0, 1]},
    "days": {"text": [1, 1, 0, 0], "speech": [1, 0, 0, 0], "speech+angle_projection:bottom3@0": [1, 1, 0, 0]},
}


def line_of(text: str, start: str) -> list[str]:
    """The fields of the first line that begins with `start`."""
    return next(line for line in text.splitlines() if line.startswith(start)).split()


@pytest.mark.parametrize(
    ("value", "unit", "signed", "text"),
    [
        (96.249, "points", False, "96.2"),
        (6.0, "points", True, "+6.0"),
        (-0.04, "points", False, "0.0"),
        (-0.04, "points", True, "+0.0"),
        (-3.25, "points", True, "-3.2"),
        (0.1034, "cosine", True, "+0.103"),
        (12.345, "distance", False, "12.35"),
        (math.nan, "points", True, "-"),
    ],
)
def test_a_number_is_shown_with_the_digits_of_its_unit(value: float, unit: str, signed: bool, text: str) -> None:
    assert number(value, unit, signed) == text


def test_an_interval_stands_behind_its_value() -> None:
    assert estimate(Estimate(96.24, 93.06, 98.0, n=40)) == "96.2 [93.1, 98.0]"


def test_a_value_without_interval_stands_alone() -> None:
    assert estimate(Estimate(50.0, n=3, why="one cluster only")) == "50.0"


def test_an_absent_estimate_is_a_dash() -> None:
    assert estimate(absent("not run")) == "-"


@pytest.mark.parametrize(("p", "text"), [(0.0312, "0.031"), (0.0009, "<0.001"), (1.0, "1.000"), (math.nan, "-")])
def test_p_values_are_shown_to_three_decimals(p: float, text: str) -> None:
    assert p_value(p) == text


@pytest.mark.parametrize(
    ("count", "text"), [(2_525_440, "2.53 M"), (8_397_000_000, "8.4 B"), (12, "12"), (0, "-"), (None, "-"), ("many", "-"), (True, "-")]
)
def test_parameters_are_shown_in_millions_and_billions(count: object, text: str) -> None:
    assert parameters(count) == text


def test_scores_chance_and_gap_of_a_task_are_those_of_its_items(make_record) -> None:
    fields = line_of(run_tables(make_record(TWO_TASKS)), "sizes")
    assert fields[:4] == ["sizes", "4", "25.0", "100.0"]
    assert [fields[k] for k in (6, 9)] == ["75.0", "25.0"]


def test_overall_is_the_unweighted_mean_of_the_tasks(make_record) -> None:
    fields = line_of(run_tables(make_record(TWO_TASKS)), "Overall")
    assert fields[:4] == ["Overall", "8", "25.0", "75.0"]
    assert [fields[k] for k in (6, 9)] == ["50.0", "25.0"]


def test_a_single_task_has_no_overall_row(make_record) -> None:
    assert "Overall" not in run_tables(make_record({"sizes": TWO_TASKS["sizes"]}))


@pytest.mark.parametrize(
    ("overall", "tasks", "line"),
    [
        (
            12.0,
            (20.0, 55.5),
            "With so many items a true gap of 12.0 points shows (p < 0.05) four times in five, of 20.0 to 55.5 in one task",
        ),
        (
            52.5,
            (54.9, 109.7),
            "With so many items a true gap of 52.5 points shows (p < 0.05) four times in five, of 54.9 or more in one task",
        ),
        (90.0, (140.0, 150.0), "With so many items a true gap of 90.0 points shows (p < 0.05) four times in five"),
        (217.7, (204.2, 816.7), "With so few items no gap that there can be shows (p < 0.05) four times in five"),
    ],
)
def test_no_gap_beyond_a_hundred_points_is_named(make_record, overall: float, tasks: tuple[float, float], line: str) -> None:
    record = make_record(TWO_TASKS)
    each = zip(record.tasks.items(), tasks, strict=True)
    changed = {name: dataclasses.replace(task, detectable=Estimate(value)) for (name, task), value in each}
    whole = dataclasses.replace(record.overall, detectable=Estimate(overall))
    assert line in run_tables(dataclasses.replace(record, tasks=changed, overall=whole)).splitlines()


def test_representation_shows_value_nulls_and_what_lies_above_them(make_record) -> None:
    # levels .8, .6 and .3 plus .00, .01, .02, .00 over the four items of each task: + .0075
    fields = line_of(run_tables(make_record(TWO_TASKS)), "alignment_path_score")
    assert fields[1] == "cosine"
    assert [float(fields[k]) for k in (2, 3, 7)] == pytest.approx([0.8075, 0.3075, 0.6075], abs=0.00051)
    assert [fields[k] for k in (4, 8)] == ["+0.500", "+0.200"]


def test_an_intervention_shows_gain_recovered_broken_and_replaced_positions(make_record) -> None:
    # sizes: item 3 recovered, item 2 broken, gain 0; days: item 1 recovered, gain 25
    fields = line_of(run_tables(make_record(TWO_TASKS)), "speech+angle_projection:bottom3@0")
    assert fields[1:3] == ["62.5", "+12.5"]
    assert fields[-3:] == ["2", "1", "3.0"]


def test_what_was_not_run_is_a_dash_with_its_reason(make_record) -> None:
    shown = run_tables(make_record({"sizes": {"text": [1, 0, 1]}}))
    assert line_of(shown, "sizes")[-6:] == ["-", "(1)", "-", "(2)", "-", "(2)"]
    assert "(1) speech was not run" in shown.splitlines()
    assert "(2) only one form was run" in shown.splitlines()


def test_unknown_chance_is_a_dash_and_not_zero(make_record) -> None:
    record = make_record({"sizes": TWO_TASKS["sizes"]})
    unknown = dataclasses.replace(record, tasks={"sizes": dataclasses.replace(record.tasks["sizes"], chance=None)})
    shown = run_tables(unknown)
    assert line_of(shown, "sizes")[2:4] == ["-", "(1)"]
    assert "(1) chance is not known" in shown


def test_tables_of_a_usual_run_stay_within_112_columns(make_record) -> None:
    name = "speech+length_normalization:bottom3@0"
    one = {"text": [1, 1] * 20, "speech": [1, 0] * 20, name: [1, 1, 0, 1] * 10}
    shown = run_tables(make_record({"voicebench_openbookqa": one, "b" * 60: one})).splitlines()
    assert max(map(len, shown)) <= 112


def test_the_longest_condition_is_not_broken(make_record) -> None:
    name = "speech+angle_projection_orthogonal:bottom3@all"
    shown = run_tables(make_record({"sizes": {"text": [1, 1], "speech": [1, 0], name: [1, 1]}}))
    assert line_of(shown, "speech+")[0] == name


def test_a_failed_check_and_every_warning_are_loud_and_come_first() -> None:
    deaf = {"n": 8, "bit_equal": 8, "passed": False, "note": "the model is deaf"}
    lines = [line.shown for line in check_lines({"silence": deaf, "truncated_clips": 2, "skipped_items": 0, "warnings": ["look here"]})]
    assert [line.startswith("WARNING") for line in lines] == [True, True, True, False, False, False, False]
    assert "the model is deaf" in lines[0]
    assert "2 clips cut" in lines[1]
    assert lines[2].endswith("look here")


def test_a_warning_that_a_failed_check_says_already_is_not_repeated() -> None:
    deaf = {"n": 8, "bit_equal": 8, "passed": False, "note": "the model is deaf"}
    assert sum(line.passed is False for line in check_lines({"silence": deaf, "warnings": ["the model is deaf"]})) == 1


def test_the_other_clip_s_fractions_are_shown_in_points() -> None:
    other = {"n": 8, "score": 0.375, "chance": 0.25, "passed": True, "note": None}
    found = {line.name: line for line in check_lines({"other_clip": other})}["other clip"]
    assert found.text == "items 8, score 37.5, chance 25.0"
    assert found.passed is True


def test_a_check_that_was_not_made_says_so_and_does_not_pass() -> None:
    lines = check_lines({})
    assert {(line.name, line.text, line.passed) for line in lines} == {
        (name, "not checked", None) for name in ("prompts", "silence", "other clip", "batch invariance")
    }


def test_a_run_of_text_tasks_alone_says_where_their_results_are(make_record) -> None:
    shown = run_tables(dataclasses.replace(make_record(TWO_TASKS), tasks={}))
    assert "No paired task was run; the text tasks are in results.json" in shown
    assert "Scores" not in shown


def test_the_interval_of_a_score_is_shown_only_as_far_as_a_score_can_go(make_record) -> None:
    # 2 of 4 right: a t interval of 50 -+ 3.182 * 28.9 points is shown as the whole scale, and the gap's is shown as it is
    record = make_record({"days": {"text": [1, 1, 0, 0], "speech": [1, 0, 0, 0]}})
    assert record.tasks["days"].scores["text"].high > 100
    assert "50.0 [0.0, 100.0]" in run_tables(record)


def test_the_four_systems_stand_in_one_table_with_what_lies_between_them(make_record) -> None:
    four = {"sizes": {"base": [1, 1, 1, 1], "cascade": [1, 1, 1, 0]}, "days": {"base": [1, 1, 1, 0], "cascade": [0, 0, 0, 0]}}
    shown = systems_table(make_record({task: {**scores, **four[task]} for task, scores in TWO_TASKS.items()}))
    assert line_of(shown, "task")[1:3] == ["base", "cascade"]
    days = line_of(shown, "days")
    assert days[:6] == ["days", "75.0", "0.0", "50.0", "25.0", "25.0"]
    assert days[-3] == "0.333"
    overall = line_of(shown, "Overall")
    assert overall[:6] == ["Overall", "87.5", "37.5", "75.0", "50.0", "12.5"]
    assert overall[-3] == "0.571"  # 50 / 87.5
    assert "[-" not in shown.splitlines()[-1].rpartition("0.571")[2]  # no ratio is below 0


def test_a_cascade_alone_leaves_dashes_with_the_reason_and_none_of_it_no_table(make_record) -> None:
    shown = run_tables(make_record({"sizes": {**TWO_TASKS["sizes"], "cascade": [1, 1, 0, 0]}}))
    table = shown[shown.index("Systems in points") :]
    assert line_of(table, "sizes")[1:5] == ["-", "(1)", "50.0", "100.0"]
    assert "(1) this system was not run" in table
    assert "Systems in points" not in run_tables(make_record(TWO_TASKS))


def test_a_footnote_is_no_wider_than_a_table_and_splits_no_option() -> None:
    notes = Footnotes()
    why = "it needs a judge; add --judge chat --judge_args base_url=...,model=..., or judge the stored answers: lsgap rescore --judge"
    shown = notes.under("title", [["made", notes.cell(absent(why))]], ["task", "score"]).splitlines()
    assert max(map(len, shown)) <= 110
    assert " ".join(" ".join(shown[4:]).split()) == f"(1) {why}"
