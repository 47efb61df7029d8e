"""docs/add_a_benchmark.md runs as it stands there, in one folder; a made-up copy takes the place of what it downloads."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import datasets
import pytest
from made_tasks import spoken_rows

from lsgap_bench.cli import main
from lsgap_bench.resources import DEMO_RECOGNIZER
from lsgap_bench.task_config import OWN_KEYS

PAGE = Path(__file__).parents[1] / "docs" / "add_a_benchmark.md"
BLOCK = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
VOICES = "speech" in OWN_KEYS  # the third section needs the key `speech:`
OF_VOICES = "## 3. "
EMBEDDED = f"hf-asr --recognizer_args pretrained={DEMO_RECOGNIZER}"  # hears as much as pocketsphinx, in a tenth of its time


def sections() -> list[str]:
    """The page's parts, each with its heading."""
    return re.split(r"^(?=## )", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def download(words: list[str]) -> None:
    """What `hf download` would bring: two rows of the columns that the page names."""
    folder = Path(words[words.index("--local-dir") + 1]) / "openbookqa"
    folder.mkdir(parents=True)
    letters = [("Which is an animal? A. spider B. stone", "A"), ("Which is larger? A. ant B. fox", "B")]
    rows = [
        {"prompt": text, "reference": target, "audio": row["audio"]}
        for (text, target), row in zip(letters, spoken_rows(4)[::2], strict=True)
    ]
    datasets.Dataset.from_list(rows).cast_column("audio", datasets.Audio()).to_parquet(str(folder / "test-00000-of-00001.parquet"))


def run_block(language: str, title: str, text: str) -> int:
    """One block; the number of `lsgap` commands in it."""
    if title:
        Path(title).parent.mkdir(parents=True, exist_ok=True)
        Path(title).write_text(text, encoding="utf-8")
    elif language == "python":
        exec(compile(text, PAGE.name, "exec"), {})
    commands = [shlex.split(line) for line in text.replace("pocketsphinx", EMBEDDED).splitlines()] if language == "bash" else []
    for program, *words in commands:
        assert program in ("lsgap", "hf")
        if program == "hf":
            download(words)
        else:
            small = ["--conditions", "text,speech", "--metrics", "none"] if words[0] == "run" else []
            assert main([*words, *small]) == 0, words
    return sum(program == "lsgap" for program, *_ in commands)


@pytest.mark.parametrize("spoken", [False, pytest.param(True, marks=pytest.mark.skipif(not VOICES, reason="no key `speech:` yet"))])
def test_the_page_runs_from_its_first_line_to_its_last(
    spoken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """spoken: its section on voices alone; else all the others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    asked = [part for part in sections() if part.startswith(OF_VOICES) is spoken]
    commands = sum(run_block(*found) for part in asked for found in BLOCK.findall(part))
    assert commands == (4 if spoken else 8)
    shown = capsys.readouterr()
    assert not [line for line in shown.err.splitlines() if line.startswith("lsgap: ") and ": WER " not in line]


def test_the_pages_hub_task_says_in_one_line_that_it_needs_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (section,) = [part for part in sections() if part.startswith("## 2. ")]
    for found in BLOCK.findall(section)[:1]:
        run_block(*found)
    assert main(["validate", "my_openbookqa", "--include_path", "my_tasks"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "it is a data set of the hub: connect and unset HF_HUB_OFFLINE" in line
