"""A sweep on budgets of seconds, end to end: models are trained, every checkpoint is measured, and the report is written from it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lsgap_bench.cli import main
from lsgap_bench.lab.findings import report
from lsgap_bench.lab.recipe import preset
from lsgap_bench.lab.sweep import GRID, Measuring, sweep, sweep_recipes
from lsgap_bench.lab.train import Lab
from lsgap_bench.records import read_record
from lsgap_bench.schema import Condition


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, list[Path]]:
    lab = Lab(tmp_path_factory.mktemp("sweep"), threads=1)
    measuring = Measuring(limit=4, grid_limit=2, tasks=("lsgap_mini_sizes", "lsgap_mini_days"), grid=GRID[:2])
    return lab, sweep(sweep_recipes(["nano"], ["full", "lora"], [0], "smoke"), lab, measuring, processes=2)


@pytest.mark.slow
def test_every_checkpoint_of_every_run_is_measured_and_tagged(swept: tuple[Lab, list[Path]]):
    records = [read_record(folder / "record.json") for folder in swept[1]]
    found = {(r.tags["run"], r.tags["step"], r.tags["strategy"], r.tags["size"], r.tags["seed"]) for r in records}
    runs = {(f"nano-{strategy}-0", step, strategy, "nano", 0) for strategy in ("full", "lora") for step in (2, 4)}
    assert found == runs | {("nano-matching", step, "matching", "nano", 0) for step in (1, 2, 4)}
    assert all(record.overall.representation for record in records)


@pytest.mark.slow
def test_the_report_is_written_from_what_was_measured(swept: tuple[Lab, list[Path]], tmp_path: Path):
    said = "\n".join(report(swept[0].folder, tmp_path))
    page = (tmp_path / "findings.md").read_text(encoding="utf-8")
    assert "4 checkpoints" in page
    assert "| (a) the gap shrinks with training, lora" in page
    assert "| (f) angle_projection of bottom3 helps" in page
    assert "| encoder (matching)" in page
    assert "2.5-1.5B" in page  # the paper's own table
    assert "nano-lora-0" in (tmp_path / "checkpoints" / "series.md").read_text(encoding="utf-8")
    assert "nano-matching" not in (tmp_path / "checkpoints" / "series.md").read_text(encoding="utf-8")
    assert "findings.md" in said
    for link in re.findall(r"\]\(([^)]+)\)", page):
        assert (tmp_path / link).exists(), link


def test_the_first_seed_of_everything_comes_first():
    names = [recipe.name for recipe in sweep_recipes()]
    assert names[:4] == ["nano-full-0", "nano-lora-0", "micro-full-0", "micro-lora-0"]
    assert len(names) == len(set(names)) == 12


def test_a_sweep_has_enough_runs_and_checkpoints_for_intervals():
    recipes = sweep_recipes()
    assert {(r.size, r.alignment.strategy) for r in recipes} == {(s, t) for s in ("nano", "micro") for t in ("full", "lora")}
    assert all(len(recipe.alignment.checkpoints) >= 5 for recipe in recipes)


def test_models_of_one_size_stand_on_the_same_text_model_and_speech():
    one, other = preset("sweep", strategy="full", seed=0), preset("sweep", strategy="lora", seed=2)
    assert (one.text, one.hearing, one.speech, one.matching) == (other.text, other.hearing, other.speech, other.matching)


def test_the_grid_holds_every_selection_layer_and_control():
    parsed = [Condition.parse(name) for name in GRID]
    assert {(c.intervention, c.selection) for c in parsed} == {
        (plugin, how) for plugin in ("angle_projection", "length_normalization") for how in ("bottom3", "all", "random3", "top3")
    }
    assert {c.layer for c in parsed} == {0, 1, 2, 3, "all"}
    assert {c.control for c in parsed} == {None, "wrong_transcript", "random_direction"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lab", "report", "--folder", "nowhere"], "lsgap lab sweep"),
        (["lab", "sweep", "--seeds", "a"], "--seeds"),
        (["lab", "train", "--preset", "demoo"], "did you mean 'demo'"),
        (["lab", "train", "--size", "huge"], "nano"),
    ],
)
def test_a_wrong_argument_is_said_in_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_the_words_that_the_models_know_are_printed(capsys: pytest.CaptureFixture[str]):
    assert main(["lab", "words"]) == 0
    assert {"umbrella", "minus", "wednesday"} <= set(capsys.readouterr().out.split())


def hear_interrupts() -> None:
    """A shell that runs its commands in the background lets them ignore Ctrl-C, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def is_gone(group: int) -> bool:
    """Whether nobody of a group of processes is left, after the moment that what tidies up behind them needs."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_ctrl_c_ends_every_process_of_a_sweep_at_once_and_in_one_line(tmp_path: Path):
    endless = ["--set", "alignment.schedule.steps=100000", "--set", "alignment.checkpoints=[100000]", "--limit", "1"]
    command = [sys.executable, "-m", "lsgap_bench", "lab", "sweep", "--preset", "smoke", "--sizes", "nano", "--processes", "2", *endless]
    said = tmp_path / "said.txt"
    with said.open("wb") as out:
        running = subprocess.Popen(
            command, cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=hear_interrupts
        )
    try:
        until = time.monotonic() + 600
        while "alignment: " not in said.read_text(errors="replace") and running.poll() is None and time.monotonic() < until:
            time.sleep(0.5)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        assert running.wait(60) == 130
        assert said.read_text(errors="replace").rstrip().endswith("lsgap: interrupted; the same command goes on where it stopped")
        assert "Traceback" not in said.read_text(errors="replace")
        assert is_gone(running.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)


def test_a_sweep_varies_size_strategy_and_seed_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    assert main(["lab", "sweep", "--set", "seed=3"]) == 2
    assert "a sweep varies that itself" in capsys.readouterr().err
