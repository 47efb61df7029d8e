"""The commands and the code of docs/own_model.md run as they stand there, with tiny models in the place of the large ones."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_whisper_llm
from safetensors.torch import save_file
from transformers import AutoProcessor

from lsgap_bench import verification
from lsgap_bench.cli import main
from lsgap_bench.models.named_class import class_called

PAGE = Path(__file__).parents[1] / "docs" / "own_model.md"
BLOCKS = re.findall(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
TINY = {"openai/whisper-large-v3": "whisper", "Qwen/Qwen2.5-7B-Instruct": "reader", "bfloat16": "float32", "lsgap_mini": "lsgap_mini_sizes"}
TINY |= {"max_seconds = 30.0": "max_seconds = 12.0"}  # the tiny encoder's window


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of somebody who has trained a projector."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    tiny_whisper_llm.encoder(tmp_path / "whisper", seconds=12)
    tiny_whisper_llm.language_model(tmp_path / "reader")
    save_file(tiny_whisper_llm.projector_weights(), tmp_path / "projector.safetensors")
    yield tmp_path
    sys.modules.pop("my_model", None)


def tiny(text: str) -> str:
    for large, small in TINY.items():
        text = text.replace(large, small)
    return text


def save_checkpoint(own: Any) -> None:
    """A training of the page's class wrote it."""
    own.from_pretrained("my-lslm").save_pretrained("my-checkpoint")
    AutoProcessor.from_pretrained("my-lslm").save_pretrained("my-checkpoint")


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_page_runs_from_its_first_line_to_its_last(
    whole: bool, reader: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """whole: else the models are loaded and asked for their first prompts, and no more."""
    if not whole:
        monkeypatch.setattr(verification, "verify", lambda model, items: [])
    small = ["--limit", "1", *([] if whole else ["--dry_run"])]
    commands = 0
    for language, title, text in BLOCKS:
        if title:
            (reader / title).write_text(tiny(text), encoding="utf-8")
            if title == "my_model.py":
                save_checkpoint(class_called("my_model:MyModel", "load", ()))
        elif language == "python":
            exec(compile(tiny(text), PAGE.name, "exec"), {})
        elif language == "bash":
            for command in tiny(text).splitlines():
                words = shlex.split(command)[1:]
                assert main([*words, *(small if words[0] == "run" else [])]) == 0, f"{command}\n{capsys.readouterr().err}"
                commands += 1
    assert commands == 7
