"""`lsgap rescore` as a person meets it: the tables, one line of what changed, one line for what cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lsgap_bench.cli import main

Out = pytest.CaptureFixture[str]
SCORES = {"numbers": {"text": [1, 1, 0, 0], "speech": [1, 0, 0, 0]}, "days": {"text": [1, 1], "speech": [0, 1]}}


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Path]) -> Path:
    return make_run(tmp_path / "run", SCORES)


def test_the_tables_are_printed_and_one_line_of_what_changed(run: Path, capsys: Out) -> None:
    assert main(["rescore", str(run), "--scorer", "exact", "--choice", "layers=0..L", "--tag", "by=exact"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[-2:] == [
        "Changed: scorer not recorded -> exact; 6 of 12 answers score otherwise; gap 37.5 -> 0.0 points; layers 1..L -> 0..L",
        f"Run folder: {run}-rescored",
    ]
    assert shown[1] == "Protocol lsgap; layers=0..L"
    assert any(line.startswith("Overall") and "100.0 [100.0, 100.0]" in line for line in shown)
    record = json.loads(Path(f"{run}-rescored", "record.json").read_text())
    assert record["tags"] == {"by": "exact"}


def test_tasks_can_have_scorers_of_their_own(run: Path, tmp_path: Path) -> None:
    assert main(["rescore", str(run), "--scorer", "numbers=exact,days=choice", "--output_path", str(tmp_path / "out")]) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert record["provenance"]["scorers"] == {"numbers": "exact", "days": "choice"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scorer", "exact,choice"], "--scorer 'exact,choice' is neither one name nor TASK=NAME,..."),
        (["--scorer", "days="], "--scorer 'days=' is neither one name"),
        (["--scorer", ","], "--scorer ',' is neither one name"),
        (["--scorer", "exakt"], "did you mean 'exact'"),
        (["--choice", "layers"], "--choice 'layers' is no key=value"),
        (["--choice", "path=euclidean"], "needs the model"),
        (["--metrics", "none"], "unrecognized arguments: --metrics none"),
    ],
)
def test_bad_input_ends_with_one_line_and_writes_nothing(run: Path, capsys: Out, arguments: list[str], said: str) -> None:
    assert main(["rescore", str(run), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lsgap: ")
    assert said in line
    assert not run.with_name("run-rescored").exists()


def test_a_scorer_of_ones_own_is_found_in_a_folder(run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine" / "plugins").mkdir(parents=True)
    (tmp_path / "mine" / "plugins" / "half.py").write_text(
        "from lsgap_bench.registry import scorer\n"
        "from lsgap_bench.schema import Verdict\n\n\n"
        "@scorer('half_right')\n"
        "def half_right(response, item):\n"
        "    return Verdict(response, 0.5, None, True)\n"
    )
    try:
        assert main(["rescore", str(run), "--scorer", "half_right", "--include_path", str(tmp_path / "mine")]) == 0
        record = json.loads(Path(f"{run}-rescored", "record.json").read_text())
        assert record["overall"]["scores"]["speech"]["value"] == 50.0
    finally:
        from lsgap_bench.registry import scorers

        scorers._found.pop("half_right", None)
