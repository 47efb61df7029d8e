"""What a person reads of a series: answers, tables, Markdown, JSON and CSV, each against the numbers of the records."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_series import falling, write_series

from lsgap_bench.schema import Estimate, absent
from lsgap_bench.series import Series, load_series
from lsgap_bench.series_analysis import Analysis, analyse
from lsgap_bench.series_report import READING, checkpoints_csv, series_json, series_markdown, series_tables
from lsgap_bench.series_report import write_series as write_files
from lsgap_bench.series_tables import MOST_ROWS, Table, checkpoints_table, number, verdict

BOTTOM3 = "speech+angle_projection:bottom3@0"
WRONG = f"{BOTTOM3}=wrong_transcript"


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    made = falling(gains={BOTTOM3: 6, WRONG: 2}, tags={"strategy": "full"}, items=20, layers=3)
    return analyse(load_series(write_series(tmp_path_factory.mktemp("series"), made)), n_boot=200)


def test_every_question_is_answered_with_a_number(analysis: Analysis) -> None:
    shown = series_tables(analysis)
    assert shown.startswith("12 checkpoints of 3 training runs, 40 items of 2 tasks\n")
    for letter in "abcdef":
        assert re.search(rf"- \({letter}\) .*\d", shown), letter
    assert "it rises in 0 of 3 runs" in shown
    assert "it rises at 12 of 12 checkpoints" in shown
    assert "The largest gain is speech+angle_projection:bottom3@0: +30.0 [+30.0, +30.0] points; beyond wrong_transcript: +20.0" in shown
    assert "Beyond wrong_transcript, 1 of 1 interventions gain" in shown


def test_few_runs_are_said_to_be_few(analysis: Analysis, tmp_path: Path) -> None:
    assert "stand on 3 training runs; with fewer than 10 they are wide" in series_tables(analysis)
    single = analyse(load_series(write_series(tmp_path, falling(("a",), items=6))), n_boot=50)
    assert "1 training run is too few for intervals over runs" in series_tables(single)


def test_the_page_explains_why_one_r2_is_not_enough_and_shows_every_table(analysis: Analysis) -> None:
    page = series_markdown(analysis, {"gap_by_metric": "figures/gap.png"})
    assert "Simpson" in page
    assert READING.split("\n")[0] in page
    for title in ("(a) Along training", "(b) Along depth", "(c, d) What goes with the gap", "(e) Item by item", "(f) Interventions"):
        assert f"\n## {title}\n" in page
    assert "![gap_by_metric](figures/gap.png)" in page
    rows = [line for line in page.splitlines() if line.startswith(("| predictor", "| log(step)", "| pooled_euclidean above same_task"))]
    header = next(row for row in rows if row.startswith("| predictor"))
    assert "R2 with run dummies" in header
    assert "nan" not in page


def test_json_holds_the_records_numbers_and_no_nan(analysis: Analysis) -> None:
    plain = json.loads(json.dumps(series_json(analysis), allow_nan=False))
    first = analysis.series.checkpoints[0]
    assert plain["checkpoints"][0]["gap"]["value"] == first.estimate("gap").value
    assert plain["checkpoints"][0]["tags"] == {"strategy": "full"}
    assert plain["associations"][0]["fit"]["r2"]["value"] == pytest.approx(analysis.associations[0].fit.r2.value)
    assert plain["checkpoints"][0]["erosion"]["value"] is None
    assert plain["checkpoints"][0]["erosion"]["why"]


def test_the_other_systems_are_columns_where_any_checkpoint_has_them(analysis: Analysis) -> None:
    assert checkpoints_table(analysis).headers == ["run", "step", "text", "speech", "gap"]
    first, *others = analysis.series.checkpoints
    overall = replace(first.record.overall, erosion=Estimate(8.79, 8.0, 9.5, 40))
    series = Series((replace(first, record=replace(first.record, overall=overall)), *others))
    table = checkpoints_table(replace(analysis, series=series))
    assert table.headers[-1] == "erosion"
    assert [row[-1] for row in table.rows[:2]] == ["8.8 [8.0, 9.5]", "- (1)"]


def test_the_csv_has_one_line_per_checkpoint_with_the_exact_numbers(analysis: Analysis) -> None:
    rows = list(csv.DictReader(checkpoints_csv(analysis).splitlines()))
    assert len(rows) == 12
    for row, checkpoint in zip(rows, analysis.series.checkpoints, strict=True):
        assert (row["run"], float(row["step"]), row["strategy"]) == (checkpoint.run, checkpoint.step, "full")
        assert float(row["gap_low"]) == checkpoint.estimate("gap").low
        assert float(row["pooled_cosine"]) == checkpoint.measured("pooled_cosine", "value").value
        assert float(row["pooled_cosine_null_same_task"]) == checkpoint.representation["pooled_cosine"].null["same_task"].value
        assert row["recovery"] == ""


def test_the_files_are_written_whole(analysis: Analysis, tmp_path: Path) -> None:
    paths = write_files(analysis, tmp_path / "new" / "out")
    assert sorted(p.name for p in (tmp_path / "new" / "out").iterdir()) == ["checkpoints.csv", "series.json", "series.md"]
    assert json.loads(paths[0].read_text(encoding="utf-8"))["schema"] == 1


def test_a_cell_shows_value_interval_and_the_number_of_the_reason() -> None:
    table = Table("t", ["a", "b"])
    assert table.cell(Estimate(0.488, 0.3856, 0.8788, 20, "R2")) == "0.49 [0.39, 0.88]"
    assert table.cell(absent("too few")) == "- (1)"
    assert table.cell(Estimate(1.04, n=3, why="one run")) == "1.0 (2)"
    assert table.cell(Estimate(1.04, n=3, why="one run"), interval=False) == "1.0"
    assert table.cell(Estimate(0.9, 0.7, 1.2, 3, "share")) == "0.90 [0.70, 1.00]"
    assert table.cell(Estimate(-0.1, -0.2, 0.1, 3, "fraction")) == "-0.100 [-0.200, 0.100]"
    table.rows = [["x", "y"]]
    assert table.text().endswith("(1) too few\n(2) one run")
    assert table.markdown().endswith("(1) too few\n\n(2) one run")


def test_a_long_table_is_cut_in_the_terminal_and_whole_on_the_page() -> None:
    table = Table("t", ["a", "b"], [[f"row{k}", "1"] for k in range(MOST_ROWS + 5)])
    assert "... and 5 more rows" in table.text()
    assert f"row{MOST_ROWS + 4}" not in table.text()
    assert f"row{MOST_ROWS + 4}" in table.markdown()


def test_a_column_for_the_page_alone_is_not_in_the_terminal() -> None:
    table = Table("t", ["a", "wide", "b"], [["1", "2", "3"]], page_only=frozenset({"wide"}))
    assert table.text().splitlines()[-1].split() == ["1", "3"]
    assert "wide" in table.markdown()


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.1, 0.3, "A stronger"),
        (-0.3, -0.1, "B stronger"),
        (-0.1, 0.3, "not told apart"),
        (1e-17, 0.1, "not told apart"),
        (math.nan, math.nan, "no interval"),
    ],
)
def test_a_difference_is_a_verdict_only_when_its_interval_leaves_0_out(low: float, high: float, says: str) -> None:
    assert verdict(Estimate(0.1, low, high, 9, "R2")) == says


def test_numbers_have_the_digits_of_their_unit() -> None:
    assert [number(-0.04), number(0.123456, "R2"), number(0.000123456, "cosine"), number(math.nan)] == ["0.0", "0.12", "0.000123", "-"]
