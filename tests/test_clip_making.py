"""The clips of a run: made before anything runs, or refused in one line."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import datasets
import pytest
from made_tasks import write_yaml

from lsgap_bench.clip_making import make_clips, utterances
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedTask, load_tasks
from lsgap_bench.speech.espeak import Espeak
from lsgap_bench.speech.synthesis import missing

pytestmark = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="the extra `speech` is not installed")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")


def asked(folder: Path, voice: str = "espeak:en-us", unsaid: str = r"\foo") -> PairedTask:
    """Three questions, the second of which has no words."""
    rows = [{"q": "Is it a cat?", "a": "no"}, {"q": unsaid, "a": "no"}, {"q": "Is it a dog?", "a": "no"}]
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "q.jsonl"}}, "test_split": "test"}
    keys = {"doc_to_text": "{{q}}", "doc_to_target": "{{a}}", "speech": {"voice": voice}}
    write_yaml(folder / "asked.yaml", {"task": "asked", **data, **keys})
    return load_tasks(["asked"], [str(folder)]).paired["asked"]


def test_what_can_be_said_is_made_and_the_rest_is_said_where_its_item_is_read(tmp_path: Path) -> None:
    task = asked(tmp_path)
    assert [said.text for said in utterances(task, None)] == ["Is it a cat?", "Is it a dog?"]
    make_clips([task], limit=2)
    assert [said.text for said in missing(utterances(task, None))] == ["Is it a dog?"]
    make_clips([task])
    assert missing(utterances(task, None)) == []
    with pytest.raises(UsageError, match="asked item 1: speech: there are no words"):
        list(task.items(None))
    task.pair(None, lambda base: base, skip_bad_items=True)
    assert [item.id for item in task.items(None)] == ["asked/0", "asked/2"]


def test_what_two_tasks_say_alike_is_made_and_paid_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = asked(tmp_path)
    monkeypatch.setattr(Espeak, "costs", True, raising=False)
    with pytest.raises(UsageError, match=r"^2 clips of the voice"):
        make_clips([task, task])


def test_a_voice_that_can_say_nothing_is_refused_before_anything_is_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="voice 'espeak:xx-nowhere' can make none of its 2 clips: espeak-ng has no accent"):
        make_clips([asked(tmp_path, "espeak:xx-nowhere")])


def test_words_that_no_voice_says_are_passed_over_the_second_time_as_the_first(tmp_path: Path) -> None:
    task = asked(tmp_path, unsaid="?!")
    for _ in range(2):
        make_clips([task])
        assert [said.text for said in missing(utterances(task, None))] == ["?!"]


def test_a_run_makes_no_clips_that_cost_money_but_reads_those_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = asked(tmp_path)
    monkeypatch.setattr(Espeak, "costs", True, raising=False)
    with pytest.raises(UsageError, match="2 clips of the voice 'espeak:en-us' would have to be made, which costs money"):
        make_clips([task])
    monkeypatch.setattr(Espeak, "costs", False)
    make_clips([task])
    monkeypatch.setattr(Espeak, "costs", True)
    make_clips([task])
    assert len(list(task.items(1))) == 1
