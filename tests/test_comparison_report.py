"""What a person or a program reads of a comparison: terminal, Markdown, LaTeX, JSON, each against the numbers it was made from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from latex_checks import check_latex
from made_comparison import OTHER, REFERENCE, provenance, system, with_words

from lsgap_bench.comparison import Comparison, compare
from lsgap_bench.comparison_report import comparison_json, comparison_latex, comparison_markdown, comparison_text, write_comparison
from lsgap_bench.comparison_tables import differences_table, scores_table
from lsgap_bench.schema import Estimate, PValue

ODD = "Qwen_2 100% {x} & $y$ #1|b"
MakeRun = Callable[..., Path]


def made(folder: Path, make_run: MakeRun, *names: str) -> Comparison:
    """The first model answers as REFERENCE, the others as OTHER; each has its chat template."""
    folders = []
    for k, name in enumerate(names):
        run = make_run(folder / f"run{k}", OTHER if k else REFERENCE, system=system(name), provenance=provenance())
        folders.append(with_words(run, f"<|user{k}|>\n", "<|end|>"))
    return compare(folders)


@pytest.fixture
def two(tmp_path: Path, make_run: MakeRun) -> Comparison:
    return made(tmp_path, make_run, "alpha_model", ODD)


@pytest.fixture
def three(tmp_path: Path, make_run: MakeRun) -> Comparison:
    return made(tmp_path, make_run, "alpha_model", "beta", "gamma")


def rows_of(shown: str, name: str) -> list[list[str]]:
    """Cells of the rows that begin with a name."""
    return [line.split() for line in shown.splitlines() if line.startswith(name)]


def test_the_terminal_shows_scores_differences_and_adjusted_p_values(two: Comparison) -> None:
    shown = comparison_text(two)
    assert shown.startswith("2 models on 6 items of 2 tasks; reference: alpha_model\n")
    assert f"Differences in points: {ODD} - alpha_model" in shown
    scores, differences = rows_of(shown, "numbers")
    assert scores == ["numbers"]  # a heading over one row per model
    assert differences[:3] == ["numbers", "4", "-25.0"]  # one row, for there is one difference
    (row,) = [row for row in differences_table(two).rows if row[0] == "days"]
    assert row == [
        "days",
        "2",
        "+0.0 [0.0, 0.0]",
        "1.000",
        "1.000",
        "-50.0 [-100.0, 100.0]",
        "1.000",
        "1.000",
        "+50.0 [-585.3, 685.3]",
        "1.000",
        "1.000",
    ]
    assert "adjusted over all differences of the table (9)" in shown
    assert max(map(len, shown.splitlines())) < 200


def test_three_models_are_rows_under_the_heading_of_their_place(three: Comparison) -> None:
    rows = scores_table(three).rows
    assert rows[0] == ["Overall (2 tasks)", "", "", "", ""]
    assert [row[0] for row in rows[1:4]] == ["- alpha_model", "- beta", "- gamma"]
    assert [row[0] for row in differences_table(three).rows[:3]] == ["Overall (2 tasks)", "- beta", "- gamma"]
    shown = comparison_text(three)
    assert "Differences in points: each model - alpha_model" in shown
    assert "adjusted over all differences of the table (18)" in shown


def test_the_page_shows_notes_tables_figures_models_and_prompts(two: Comparison) -> None:
    page = comparison_markdown(two, {"differences": "differences.png", "gap_by_metric": "gap.png"})
    assert page.startswith("# 2 models on 6 items of 2 tasks; reference: alpha_model\n\n- ")
    assert "have different prompts around the same words" in page
    assert page.index("**Differences in points") < page.index("![differences](differences.png)") < page.index("**Representation")
    assert "![gap_by_metric](gap.png)" in page  # though there is no table of correlations to stand behind
    prompts = next(line for line in page.splitlines() if line.startswith("| alpha_model") and "words" in line)
    assert r"`<\|user0\|>\n{words}<\|end\|>`" in prompts
    assert r"`<\|user0\|>\n<audio><\|end\|>`" in prompts
    assert "| 1.3 M" in page
    assert "nan" not in page


def test_two_models_have_no_correlations_and_three_have_them_with_a_warning(two: Comparison, tmp_path: Path, make_run: MakeRun) -> None:
    assert "Pearson" not in comparison_text(two)
    shown = comparison_text(made(tmp_path / "more", make_run, "a", "b", "c"))
    assert "Pearson r" not in shown  # the made-up curves are alike, so that nothing varies


def test_latex_is_balanced_and_escaped_with_a_table_per_part(two: Comparison, three: Comparison) -> None:
    for found in (two, three):
        text = comparison_latex(found)
        check_latex(text)
        assert text.count(r"\begin{table}") == text.count(r"\label{tab:") == 4
        assert r"\label{tab:differences}" in text
    assert r"Qwen\_2 100\% \{x\} \& \$y\$ \#1\textbar{}b" in comparison_latex(two)


def estimates(plain: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plain, dict):
        if {"value", "low", "high", "n", "unit", "method"} <= plain.keys():
            yield plain
        for value in plain.values():
            yield from estimates(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from estimates(value)


def test_json_keeps_every_number_and_has_null_for_nan(two: Comparison) -> None:
    plain = json.loads(json.dumps(comparison_json(two), allow_nan=False))
    assert set(plain) == {"schema", "reference", "models", "tasks", "places", "conditions", "agreement", "metrics", "warning", "notes"}
    assert (plain["schema"], plain["reference"], plain["conditions"], plain["warning"]) == (1, "alpha_model", None, None)
    assert [model["name"] for model in plain["models"]] == ["alpha_model", ODD]
    assert plain["models"][0]["source"] == "run0"
    assert plain["models"][0]["prompts"]["text"] == ["<|user0|>\n{words}<|end|>"]
    assert plain["models"][0]["provenance"]["data_sha256"] == "b" * 64
    assert plain["tasks"]["days"] == {"version": "1.0", "questions_sha256": two.questions["days"]}
    paired = plain["places"][0]["differences"][ODD]["gap"]
    kept = two.overall.differences[ODD]["gap"]
    assert Estimate.from_dict(paired["difference"]) == kept.difference
    assert PValue(**paired["p_value"]) == kept.p_value
    assert paired["p_holm"] == kept.p_holm
    correlation = plain["metrics"][0]["pearson"]
    assert (correlation["value"], correlation["low"], correlation["n"]) == (None, None, 2)
    assert "too few" in correlation["why"]


def test_every_estimate_in_the_json_can_be_read_back(three: Comparison) -> None:
    found = list(estimates(json.loads(json.dumps(comparison_json(three)))))
    assert len(found) > 50
    for one in found:
        assert Estimate.from_dict(one).to_dict() == one
    assert any(math.isnan(Estimate.from_dict(one).value) for one in found)


def test_files_are_written_whole(two: Comparison, tmp_path: Path) -> None:
    paths = write_comparison(two, tmp_path / "new" / "out")
    assert sorted(p.name for p in (tmp_path / "new" / "out").iterdir()) == ["comparison.json", "comparison.md", "comparison.tex"]
    assert json.loads(paths[0].read_text(encoding="utf-8")) == comparison_json(two)
    assert paths[2].read_text(encoding="utf-8") == comparison_latex(two)
