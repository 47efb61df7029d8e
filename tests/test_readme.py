"""The README's code blocks run, in their order, in one folder, as a reader would type them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from lsgap_bench.cli import main
from lsgap_bench.registry import metrics, voices
from lsgap_bench.resources import DEMO_MODEL
from lsgap_bench.speech.clips import encode

README = Path(__file__).parents[1] / "README.md"
HUB_MODEL = "Qwen/Qwen2-Audio-7B-Instruct"
HERE = str(DEMO_MODEL)  # of the same architecture, offline; many processors take ten times as long for bfloat16


class Block(NamedTuple):
    """A fenced code block: its language, the file that it is (if it is one), its text."""

    language: str
    title: str
    text: str


def blocks() -> list[Block]:
    found = re.findall(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [Block(*parts) for parts in found]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder with the files that the README shows, and the clips that they name."""
    folder = tmp_path_factory.mktemp("reader")
    for block in blocks():
        if block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    engine = voices["espeak"]()
    for line in (folder / "my_tasks/animals.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        clip = folder / "my_tasks" / row["clip"]
        clip.parent.mkdir(exist_ok=True)
        speech = engine.synthesize(row["question"], "en-us", seed=len(row["clip"]))
        clip.write_bytes(encode(speech.wave, speech.sampling_rate, "flac"))
    return folder


def commands() -> list[str]:
    return [line for block in blocks() if block.language == "bash" for line in block.text.splitlines() if line.startswith("lsgap ")]


@pytest.fixture
def forget_plugins() -> object:
    """What a plug-in file registers must not reach other tests."""
    before = dict(metrics._found) if len(list(metrics)) else {}
    yield
    metrics._found.clear()
    metrics._found.update(before)


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("forget_plugins")
def test_every_lsgap_command_of_the_readme_succeeds(
    whole: bool, reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """whole: on every task, and with the training, whose parts are tested in lab/test_train.py."""
    monkeypatch.chdir(shutil.copytree(reader, tmp_path / "own"))
    assert any(HUB_MODEL in command for command in commands())
    for command in commands():
        if not whole and command.startswith("lsgap lab train"):
            continue
        words = shlex.split(command.replace(HUB_MODEL, HERE).replace("bfloat16", "float32"), comments=True)[1:]
        words = words if whole else ["lsgap_mini_sizes" if word == "lsgap_mini" else word for word in words]
        small = ["--limit", "1"] if words[0] == "run" and "--limit" not in words else []
        assert main([*words, *small]) == 0, f"{command}\n{capsys.readouterr().err}"
    shown = capsys.readouterr().out
    assert "norm_ratio" in shown
    assert (tmp_path / "own/leaderboard/site/index.html").is_file()


def test_the_python_example_of_the_readme_prints_a_gap_with_its_interval(
    reader: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(reader)
    (example,) = [block.text for block in blocks() if block.language == "python" and not block.title]
    exec(compile(example, "README.md", "exec"), {})
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert re.fullmatch(r"modality gap -?\d+\.\d points, 95 % interval -?\d+\.\d to -?\d+\.\d, n = 12", last)


def test_the_readme_promises_two_commands_that_the_makefile_has() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in README.read_text(encoding="utf-8")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
