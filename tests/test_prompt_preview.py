"""Both prompts of a task's first item, before anything is run; and `lsgap validate --model` that shows them."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo_run import Wrapped

from lsgap_bench.cli import main
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.prompt_preview import previews

TASK = "lsgap_mini_sizes"
Out = pytest.CaptureFixture[str]


def test_the_system_turn_of_a_run_stands_in_both_prompts(qwen2_audio_folder: Path) -> None:
    (found,) = previews(HFSpeech(str(qwen2_audio_folder), device="cpu"), [TASK], [], "be brief")
    assert found.apart is not None
    assert "be brief" in found.apart.before
    assert found.apart.wrapper == "Audio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n"


def test_the_command_shows_what_is_shared_and_what_is_not(qwen2_audio_folder: Path, capsys: Out) -> None:
    assert main(["validate", TASK, "--model_args", f"pretrained={qwen2_audio_folder}", "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    assert "    < 'Which animal is smaller, a tiger or a spider?'" in shown
    assert "    > 'Audio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\\n'" in shown


def test_prompts_that_differ_elsewhere_are_shown_whole_with_exit_status_2(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Wrapped().encode

    class Talking(Wrapped):
        def encode(self, contents, systems):  # type: ignore[no-untyped-def]
            batch = honest(contents, systems)
            batch.prompts[:] = [p if isinstance(c, str) else f"listen : {p}" for p, c in zip(batch.prompts, contents, strict=True)]
            return batch

    monkeypatch.setattr("lsgap_bench.systems.make", lambda *given: Talking())
    assert main(["validate", TASK, "--model", "hf-speech"]) == 2
    assert f"FAILED  {TASK}/0: the prompts differ in more than the content" in capsys.readouterr().out
