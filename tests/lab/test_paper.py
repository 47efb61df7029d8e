"""The paper's table: what it says of itself, and the figures that notes on it quote, recomputed from the shipped numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.stats

from lsgap_bench.cli import main
from lsgap_bench.lab.paper import agreements, gap_on_step, headline, paper_json, paper_markdown, paper_rows

ROWS = paper_rows()
MISPRINT = "Qwen2.5-1.5B LoRA 4000"


def test_there_are_40_checkpoints_of_eight_runs_at_five_steps() -> None:
    assert len(ROWS) == len({row.name for row in ROWS}) == 40
    assert {row.step for row in ROWS} == {2000, 4000, 6000, 8000, 10_000}
    assert len({(row.backbone, row.training) for row in ROWS}) == 8
    assert all(0 <= score <= 100 for row in ROWS for score in (*row.text, *row.speech))


@pytest.mark.parametrize(("training", "pooled", "with_dummies"), [("LoRA", 0.49, 0.93), ("Full", 0.52, 0.90)])
def test_the_gap_on_log_step_has_the_r2_that_is_known(training: str, pooled: float, with_dummies: float) -> None:
    found = gap_on_step(ROWS, training)
    assert round(found.r2.value, 2) == pooled
    assert round(found.full_r2.value, 2) == with_dummies
    assert (found.n, found.runs) == (20, 4)
    assert found.r2.low < found.r2.value < found.r2.high


@pytest.mark.parametrize("training", ["LoRA", "Full"])
def test_the_pooled_regression_is_scipys(training: str) -> None:
    own = [row for row in ROWS if row.training == training]
    expected = scipy.stats.linregress([math.log(row.step) for row in own], [row.gap for row in own])
    found = gap_on_step(ROWS, training)
    assert (found.slope, found.r2.value) == pytest.approx((expected.slope, expected.rvalue**2))


def test_the_r2_with_dummies_is_larger_than_within_runs_because_runs_differ() -> None:
    for training in ("LoRA", "Full"):
        found = gap_on_step(ROWS, training)
        assert found.r2.value < found.within_r2.value < found.full_r2.value


def test_every_printed_mean_but_one_follows_from_its_tasks_and_every_gap_from_its_overalls() -> None:
    text, speech, gap = agreements(ROWS)
    assert (text.agreeing, speech.agreeing, gap.agreeing) == (39, 40, 40)
    assert set(text.differing) == {MISPRINT}
    printed, recomputed = text.differing[MISPRINT]
    assert printed == 54.93
    assert recomputed == pytest.approx((84.42 + 24.27 + 74.51 + 74.51 + 39.42) / 5)


def test_52_points_in_place_of_the_misprint_give_the_printed_mean() -> None:
    (row,) = (row for row in ROWS if row.name == MISPRINT)
    mended = [*row.text[:3], 52.0, row.text[4]]
    assert np.mean(mended) == pytest.approx(row.text_overall, abs=0.01)


def test_the_headline_is_8_79_points_of_erosion_and_16_46_of_gap() -> None:
    found = headline(ROWS)
    assert (round(found.base, 2), round(found.erosion, 2)) == (69.31, 8.79)
    assert found.gap == pytest.approx(16.46, abs=0.005)
    assert np.mean([row.gap for row in ROWS if row.step == 10_000]) == pytest.approx(16.46, abs=0.005)


def test_the_command_prints_the_figures_the_misprint_and_the_headline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "paper"]) == 0
    shown = capsys.readouterr().out
    for words in ("0.49 [", "0.93 [", "0.52 [", "0.90 [", "8.79", "16.46", "repeats the openbookqa", "2510.12116"):
        assert words in shown
    assert main(["report", "paper", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(paper_json()))


def test_the_page_holds_the_same_tables_as_markdown() -> None:
    page = paper_markdown()
    assert "| LoRA " in page
    assert page.count("|---") + page.count("|:--") >= 4
