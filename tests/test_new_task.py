"""A new task validates as it is written, says what comes next, and takes nothing's place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lsgap_bench import new_task as room
from lsgap_bench.cli import main
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import load_tasks
from lsgap_bench.new_task import FORMS, new_task
from lsgap_bench.task_config import OWN_KEYS
from lsgap_bench.validation import validate

VOICES = "speech" in OWN_KEYS  # what `--from text` writes needs the key `speech:`
WRITTEN = ["csv", "hub", pytest.param("text", marks=pytest.mark.skipif(not VOICES, reason="no key `speech:` yet"))]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.parametrize("form", WRITTEN)
def test_a_new_task_has_two_items_and_nothing_to_complain_about(form: str, tmp_path: Path) -> None:
    first, *_ = new_task("begun", tmp_path, form)
    assert first == tmp_path / "begun.yaml"
    report = validate(["begun"], [str(tmp_path)])
    assert [row["items"] for row in report.rows] == [2]
    assert (report.problems, report.warnings) == ([], [])
    task = load_tasks(["begun"], [str(tmp_path)]).paired["begun"]
    assert [item.target for item in task.items(None)] == ["tiger", "fox"]


@pytest.mark.parametrize("form", FORMS)
def test_every_line_of_the_yaml_that_may_be_changed_has_its_comment(form: str, tmp_path: Path) -> None:
    text = new_task("begun", tmp_path, form)[0].read_text(encoding="utf-8")
    assert "my_task" not in text
    assert max(map(len, text.splitlines())) <= 140
    loaded = yaml.safe_load(text.replace("!function ", ""))
    assert {"version", "licence", "citation", "source"} == loaded["metadata"].keys()
    for key in ("scorer", "chance", "cluster", "output_type"):
        assert any(line.startswith(f"{key}:") and " # " in line for line in text.splitlines()), key


def test_without_a_voice_the_clips_are_tones_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "says_words", lambda: False)
    monkeypatch.chdir(tmp_path)
    assert main(["new-task", "begun"]) == 0
    shown = capsys.readouterr().out
    assert "The clips are tones: no voice is installed" in shown
    commands = [line.strip() for line in shown.splitlines() if line.strip().startswith("lsgap ")]
    assert commands == ["lsgap validate begun --include_path begun", "lsgap run --tasks begun --include_path begun"]
    assert main(commands[0].split()[1:]) == 0
    assert "1 task, 0 problems, 0 warnings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("my task", "csv", "'my task' cannot name a task; write letters, digits and _"),
        ("../up", "csv", "'../up' cannot name a task"),
        ("1st", "csv", "'1st' cannot name a task"),
        ("lsgap_mini", "csv", "a task or group is called 'lsgap_mini' already; choose another name"),
        ("begun", "cvs", "--from 'cvs' is not known; did you mean 'csv'?"),
    ],
)
def test_what_cannot_be_a_task_is_refused_and_nothing_is_written(name: str, form: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        new_task(name, tmp_path / "deep", form)
    assert str(caught.value).startswith(said)
    assert not (tmp_path / "deep").exists()


@pytest.mark.parametrize("taken", ["begun.csv", "begun.yaml", "clips/begun-2.wav"])
def test_nothing_is_overwritten(taken: str, tmp_path: Path) -> None:
    path = tmp_path / taken
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine: 1")
    with pytest.raises(UsageError, match="is there already, and nothing is overwritten"):
        new_task("begun", tmp_path)
    assert path.read_text() == "mine: 1"
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [path.name]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a letter")
    with pytest.raises(UsageError, match="cannot be written"):
        new_task("begun", tmp_path / "x")
