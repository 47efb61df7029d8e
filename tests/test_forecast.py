"""The dry run counts what the run then does, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsgap_bench.cli import main
from lsgap_bench.run import dry_run, evaluate

ASKED = {"tasks": ["lsgap_mini_sizes", "lsgap_mini_days"], "limit": 5, "conditions": ["text", "speech"], "batch_size": 4, "device": "cpu"}


def test_the_forwards_that_a_dry_run_counts_are_those_that_the_run_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    from lsgap_bench.models.hf_speech import HFSpeech

    promised = dry_run(**ASKED)
    made = {"text": 0, "speech": 0}
    prefill = HFSpeech.prefill

    def counting(self, batch, hook=None):
        made["speech" if "input_features" in batch.inputs else "text"] += 1
        return prefill(self, batch, hook)

    monkeypatch.setattr(HFSpeech, "prefill", counting)
    monkeypatch.setattr("lsgap_bench.run.collect_checks", lambda *arguments: {})
    monkeypatch.setattr("lsgap_bench.run.alignment_example", lambda *arguments: None)
    evaluate(**ASKED)
    assert promised.forwards == made
    assert promised.items == {"lsgap_mini_sizes": 5, "lsgap_mini_days": 5}
    assert promised.sampled == 4
    assert promised.seconds > 0


def test_a_dry_run_prints_what_it_found_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--tasks", "lsgap_mini_sizes", "--limit", "3", "--dry_run"]) == 0
    shown = capsys.readouterr().out
    for words in ("items in all", "forwards, speech", "time, about", "memory, at least"):
        assert words in shown
    assert list(tmp_path.iterdir()) == []
