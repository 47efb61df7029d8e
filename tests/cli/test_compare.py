"""`lsgap compare` as a person meets it; and once with the embedded model, against itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from made_comparison import OTHER, REFERENCE, provenance, system, with_words

from lsgap_bench.cli import main

Out = pytest.CaptureFixture[str]
FILES = {"comparison.json", "comparison.md", "comparison.tex"} | {
    f"{f}.{k}" for f in ("differences", "gap_by_metric") for k in ("png", "svg")
}


@pytest.fixture
def runs(tmp_path: Path, make_run: Callable[..., Path]) -> list[str]:
    made = [
        make_run(tmp_path / name, scores, system=system(name), provenance=provenance())
        for name, scores in (("alpha", REFERENCE), ("beta", OTHER))
    ]
    return [str(with_words(folder)) for folder in made]


def test_tables_are_printed_and_every_file_is_written(runs: list[str], tmp_path: Path, capsys: Out) -> None:
    assert main(["compare", *runs, "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("2 models on 6 items of 2 tasks; reference: alpha")
    assert f"in {tmp_path / 'out'}" in shown.splitlines()[-1]
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert "![differences](differences.png)" in (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")


def test_json_on_standard_output_is_json_alone(runs: list[str], tmp_path: Path, capsys: Out) -> None:
    assert main(["compare", *runs, "--out", str(tmp_path / "out"), "--json", "--tasks", "days"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain == json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert [place["name"] for place in plain["places"]] == ["days"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tasks", "dayz"], "did you mean 'days'"),
        (["--tasks", ","], "--tasks names nothing"),
        (["nowhere"], "nowhere"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
    ],
)
def test_bad_input_ends_with_one_line_and_writes_nothing(
    runs: list[str], tmp_path: Path, capsys: Out, arguments: list[str], said: str
) -> None:
    assert main(["compare", *runs, "--out", str(tmp_path / "out"), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lsgap: ")
    assert said in line
    assert not (tmp_path / "out").exists()


def test_what_is_not_comparable_ends_with_status_2(runs: list[str], tmp_path: Path, make_run: Callable[..., Path], capsys: Out) -> None:
    part = make_run(tmp_path / "part", {"days": OTHER["days"]}, system=system("part"), provenance=provenance())
    assert main(["compare", runs[0], str(part), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("are on different tasks (numbers); compare what all share with --tasks days")
    assert not (tmp_path / "out").exists()


def test_the_embedded_model_under_two_tags_differs_from_itself_by_nothing(tmp_path: Path, capsys: Out) -> None:
    asked = ["--tasks", "lsgap_mini_days", "--limit", "4", "--conditions", "text,speech", "--metrics", "pooled_cosine", "--device", "cpu"]
    folders = [str(tmp_path / name) for name in ("a", "b")]
    for folder, tag in zip(folders, ("run=a", "run=b"), strict=True):
        assert main(["run", *asked, "--tag", tag, "--output_path", folder]) == 0
    capsys.readouterr()
    assert main(["compare", *folders, "--out", str(tmp_path / "out"), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [model["name"] for model in plain["models"]] == ["demo_model (run=a)", "demo_model (run=b)"]
    assert plain["models"][0]["prompts"]["text"][0].count("{words}") == 1
    (place,) = plain["places"]
    (itself,) = place["differences"].values()
    assert [(p["difference"]["value"], p["p_value"]["value"], p["p_holm"]) for p in itself.values()] == [(0, 1, 1)] * 3
