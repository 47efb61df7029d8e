"""`lsgap synth`: clips beforehand, a line per task, what is wrong with single ones, and a report of them all."""

from __future__ import annotations

import csv
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tasks import write_task, write_yaml

from lsgap_bench.cli import main
from lsgap_bench.harness import load_tasks
from lsgap_bench.registry import recognizers
from lsgap_bench.speech.clips import Wave
from lsgap_bench.speech.synthesis import missing
from lsgap_bench.variants import of_item, utterance

pytestmark = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="the extra `speech` is not installed")
Out = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two spoken questions, and an empty cache."""
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path / "cache"))
    write(tmp_path, ["Is a dog larger than 2 ants?", "Is a cat a tool?"])
    return tmp_path


def write(folder: Path, questions: Sequence[str], **more: Any) -> None:
    (folder / "q.jsonl").write_text("".join(json.dumps({"q": q, "a": "yes"}) + "\n" for q in questions), encoding="utf-8")
    data = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "q.jsonl"}}, "test_split": "test"}
    write_yaml(folder / "asked.yaml", {"task": "asked", **data, "doc_to_text": "{{q}}", "doc_to_target": "{{a}}", "speech": {}, **more})


def synth(folder: Path, *arguments: str) -> int:
    return main(["synth", "asked", "--include_path", str(folder), *arguments])


def test_clips_are_made_once_and_counted(folder: Path, capsys: Out) -> None:
    report = folder / "report.json"
    assert synth(folder, "--report", str(report)) == 0
    first, head = json.loads(report.read_text(encoding="utf-8")), capsys.readouterr().out
    assert synth(folder, "--report", str(report)) == 0
    assert [row["new"] for row in first] == [True, True]
    assert first[0]["spoken"] == "Is a dog larger than two ants?"
    seconds = sum(row["seconds"] for row in first)
    assert "words/min" in head
    assert f"{12 / seconds * 60:.0f}." in head  # seven and five words, of which "2" is one
    again = json.loads(report.read_text(encoding="utf-8"))
    assert [(row["new"], row["sha256"]) for row in again] == [(False, row["sha256"]) for row in first]


def test_another_voice_and_speed_are_other_clips(folder: Path) -> None:
    report = folder / "report.json"
    seen = []
    for arguments in ([], ["--voice", "espeak:en-us+f3"], ["--speed", "1.3"]):
        assert synth(folder, *arguments, "--limit", "1", "--report", str(report)) == 0
        seen += json.loads(report.read_text(encoding="utf-8"))
    assert len({row["sha256"] for row in seen}) == 3
    assert seen[2]["seconds"] < seen[0]["seconds"]


def test_voices_of_variants_speak_too_but_where_one_voice_is_asked_for(folder: Path, capsys: Out) -> None:
    variants = {"scots": {"voice": "espeak:en-gb-scotland"}, "far_scots": {"voice": "espeak:en-gb-scotland", "volume": -20}}
    write(folder, ["Is a cat a tool?", "Is a dog an animal?"], variants={**variants, "hum": {"noise": "white", "snr": 5}})
    report = folder / "report.json"
    assert synth(folder, "--report", str(report)) == 0
    rows = json.loads(report.read_text(encoding="utf-8"))
    assert [(row["item"], row["voice"]) for row in rows] == [
        (f"asked/{number}", voice) for voice in ("espeak:en-us", "espeak:en-gb-scotland") for number in (0, 1)
    ]
    assert len({row["sha256"] for row in rows}) == 4
    assert capsys.readouterr().out.count("asked ") == 2  # a line per voice
    assert synth(folder, "--voice", "espeak:en-us", "--report", str(report)) == 0
    assert [row["voice"] for row in json.loads(report.read_text(encoding="utf-8"))] == ["espeak:en-us"] * 2


def test_a_variant_s_voice_speaks_in_the_manner_of_the_task_s_own_so_that_a_run_finds_its_clips(folder: Path) -> None:
    write(folder, ["Is a cat a tool?"], speech={"speed": 1.3}, variants={"scots": {"voice": "espeak:en-gb-scotland"}})
    assert synth(folder, "--report", str(folder / "r.json")) == 0
    (item,) = load_tasks(["asked"], [str(folder)]).paired["asked"].items(None)
    said = utterance(item, of_item(item, "scots"))
    assert said is not None
    assert (said.manner.voice, said.manner.speed) == ("espeak:en-gb-scotland", 1.3)
    assert missing([said]) == []


def test_a_clip_that_is_too_long_and_words_that_do_not_exist_are_listed_with_status_2(folder: Path, capsys: Out) -> None:
    write(folder, ["Is a dog larger than an ant or is it not?", r"What is \foo{x}?", "Cat?"])
    assert synth(folder, "--max_seconds", "1.5", "--report", str(folder / "r.csv")) == 2
    lines = capsys.readouterr().err.splitlines()
    assert any("asked/0: its clip lasts" in line and "over 1.5 s" in line for line in lines)
    assert any("asked item 1: speech: there are no words for" in line for line in lines)
    with (folder / "r.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [bool(row["why"]) for row in rows] == [True, True, False]


class Parrot:
    """Hears the same words in every clip."""

    sampling_rate, max_seconds = 16_000, None
    info, fingerprint = {"name": "parrot", "kind": "recognizer"}, "parrot"

    def __init__(self, heard: str) -> None:
        self.heard = heard

    def transcribe(self, waves: Sequence[Wave]) -> list[str]:
        assert all(wave.dtype == np.float32 for wave in waves)
        return [self.heard] * len(waves)


def test_a_clip_that_a_recognizer_does_not_understand_is_listed_with_both_texts(
    folder: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "pocketsphinx" in recognizers
    monkeypatch.setitem(recognizers._found, "parrot", Parrot)
    arguments = ["--recognizer", "parrot", "--recognizer_args", "heard=Is a dog larger than 2 hens?", "--report", str(folder / "r.json")]
    assert synth(folder, *arguments, "--max_wer", "0.2") == 2
    rows = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert rows[0]["wer"] == pytest.approx(1 / 7)  # ants against hens; two is 2
    assert rows[0]["why"] == ""
    assert rows[1]["wer"] > 0.2
    said = capsys.readouterr().err
    assert "asked/1: a word error rate of" in said
    assert "'Is a dog larger than 2 hens?'" in said
    assert "said: Is a cat a tool?" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--report", "r.txt"], "--report r.txt is neither .csv nor .json"),
        (["--report", "gone/r.csv"], "--report gone/r.csv cannot be written (there is no folder gone); name another file"),
        (["--voice", "espaek:en"], "no voice engine is called 'espaek'; did you mean 'espeak'"),
        (["--speed", "fast"], "argument --speed: invalid float value: 'fast'"),
        (["--limit", "0"], "limit 0 makes no sense; give at least 1"),
        (["--recognizer", "hf-asrr"], "no recognizer is called 'hf-asrr'; did you mean 'hf-asr'"),
        (["--recognizer_args", "a=b"], "--recognizer_args are given, but no --recognizer"),
    ],
)
def test_a_wrong_option_is_one_line(folder: Path, capsys: Out, arguments: Sequence[str], said: str) -> None:
    assert synth(folder, *arguments) == 2
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 1
    assert said in shown[0]


def test_a_task_of_recordings_has_nothing_to_be_made(folder: Path, capsys: Out) -> None:
    write_task(folder)
    assert main(["synth", "made", "--include_path", str(folder)]) == 2
    assert "made: no voice says anything here; give a task whose YAML has the key speech" in capsys.readouterr().err
