"""Strict validation: each planted defect is found, all of them are told, and good tasks pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from made_tasks import spoken_rows, wav, write_task, write_yaml

from lsgap_bench.errors import UsageError
from lsgap_bench.harness import hub_asked
from lsgap_bench.validation import validate


def sound(audio: bytes) -> dict[str, Any]:
    return {"audio": {"bytes": audio, "path": None}}


DEFECTS = [
    (sound(b"no sound"), "no audio that can be read"),
    (sound(wav(0.5, subtype="FLOAT", level=float("nan"))), "NaN or infinite"),
    (sound(wav(5.0, level=0.0)), "the clip is silent"),
    (sound(wav(0.05)), "words cannot be said in 0.05 s"),
    (sound(spoken_rows(1)[0]["audio"]["bytes"]), "its clip is also the clip of"),
    ({"question": ""}, "doc_to_text gives no words"),
    ({"answer": None}, "doc_to_target gives 'None', because column 'answer' is empty"),
]


def test_every_planted_defect_of_the_data_is_told(tmp_path: Path) -> None:
    rows = spoken_rows(2 + len(DEFECTS) * 2)[::2][: 1 + len(DEFECTS)]  # two voices say each question
    for row, (defect, _) in zip(rows[1:], DEFECTS, strict=True):
        row.update(defect)
    write_task(tmp_path, rows)
    report = validate(["made"], [str(tmp_path)])
    for number, (_, said) in enumerate(DEFECTS, 1):
        line = next(p for p in report.problems if said in p)
        assert f"item {number}" in line or f"made/{number}" in line
        assert str(tmp_path / "made.yaml") in line
    assert len(report.problems) == len(DEFECTS)
    assert report.rows[0]["bad"] == 5  # a run takes a clip that is too short, or of another question


def test_every_broken_file_is_told_and_the_others_are_still_checked(tmp_path: Path) -> None:
    write_task(tmp_path, name="good")
    write_task(tmp_path, name="unknown_key", scorrer="exact")
    write_task(tmp_path, name="unknown_metric", metric_list=[{"metric": "exact_macth"}])
    write_task(tmp_path, name="no_column", doc_to_audio="sound")
    write_yaml(tmp_path / "group.yaml", {"group": "g", "task": ["good", "god"]}, paired=False)
    (tmp_path / "malformed.yaml").write_text("task: [\n")
    (tmp_path / "dropped.yaml").write_text("task: dropped\ninclude: gone.yaml\n")
    report = validate(["good", "unknown_key", "unknown_metric", "no_column", "g"], [str(tmp_path)])
    said = ["'scorrer'", "'exact_macth'", "'sound'", "malformed YAML", "'gone.yaml' is not there", "group.yaml: no task is called 'god'"]
    for words in said:
        assert sum(words in problem for problem in report.problems) == 1, words
    assert len(report.problems) == len(said)
    assert [(row["task"], row["items"], row["bad"]) for row in report.rows] == [("good", 4, 0)]


def test_a_voice_that_does_not_exist_is_told_once_and_the_other_tasks_are_still_checked(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra `speech` is not installed")
    for name, voice in (("mute", "espeak:xx-nowhere"), ("speaking", "espeak:en-us")):
        write_task(tmp_path, spoken_rows(3), name, doc_to_audio=None, speech={"voice": voice})
    found = validate(["mute", "speaking"], [str(tmp_path)])
    [problem] = found.problems
    assert problem.startswith(f"{tmp_path / 'mute.yaml'}: speech: the voice 'espeak:xx-nowhere' can make none of its 2 clips: ")
    assert [(row["task"], row["items"], row["bad"]) for row in found.rows] == [("mute", 0, 3), ("speaking", 3, 0)]


def test_a_voice_of_a_variant_that_its_engine_lacks_is_told(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra `speech` is not installed")
    write_task(tmp_path, variants={"scots": {"voice": "espeak:en-scots"}, "hum": {"noise": "white", "snr": 5}})
    [problem] = validate(["made"], [str(tmp_path)]).problems
    assert problem.startswith(f"{tmp_path / 'made.yaml'}: variants: scots: ")
    assert "en-scots" in problem


def test_a_task_of_lm_evals_own_kind_is_listed_as_text_only(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"q": "say cat", "a": "cat"}\n')
    data = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(tmp_path / "t.json")}}, "test_split": "test"}
    write_yaml(tmp_path / "t.yaml", {"task": "t", **data, "doc_to_text": "{{q}}", "doc_to_target": "{{a}}"}, paired=False)
    report = validate(["t"], [str(tmp_path)])
    assert report.rows == [{"task": "t", "items": 1, "answers": "text only, generate_until"}]
    assert report.problems == []


def test_an_unknown_name_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="no task is called 'lsgap_mini_dayz'; did you mean 'lsgap_mini_days'"):
        validate(["lsgap_mini_dayz"])


def test_shipped_tasks_pass() -> None:
    report = validate(["lsgap_mini_sizes_yesno_flite", "lsgap_mini_numbers_flite"])
    assert report.problems == []
    assert [row["items"] for row in report.rows] == [16, 16]
    assert [row["chance"] for row in report.rows] == [0.5, 0.5]


def test_a_task_file_that_goes_in_a_circle_is_told_once(tmp_path: Path) -> None:
    for name, following in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"include: {following}.yaml\ntask: {name}\n")
    assert [line.partition("; ")[0] for line in validate(["a"], [str(tmp_path)]).problems] == [
        f"{tmp_path / 'a.yaml'}: include: 'b.yaml' goes in a circle (a.yaml -> b.yaml -> c.yaml -> a.yaml)"
    ]


def test_every_room_of_the_validation_is_asked(tmp_path: Path) -> None:
    rows = spoken_rows(4)
    rows[0]["audio"]["bytes"] = wav(40.0)
    rows[1]["id"] = rows[2]["id"]
    write_task(tmp_path, rows, metadata={"version": 1}, description="It is the spider.")
    report = validate(["made"], [str(tmp_path)])
    assert sum("column 'id' holds" in line for line in report.problems) == len(report.problems) == 1
    for said in ("longer than the 30 s", "a minute", "add licence", "names the target 'spider'", "hold their own target"):
        assert sum(said in line for line in report.warnings) == 1, said
    assert len(report.warnings) == 5


def hub_tasks(folder: Path, **sets: str) -> None:
    data = {"test_split": "test", "doc_to_text": "{{q}}", "doc_to_audio": "audio", "doc_to_target": "{{a}}", "scorer": "exact"}
    for name, dataset in sets.items():
        write_yaml(folder / f"{name}.yaml", {"task": name, "dataset_path": dataset, **data})


def test_tasks_of_a_hub_that_cannot_be_reached_are_told_in_one_line_by_data_set(tmp_path: Path) -> None:
    hub_tasks(tmp_path, one="nobody/first", two="nobody/second", three="nobody/first")
    write_task(tmp_path, name="good")
    report = validate(["one", "two", "three", "good"], [str(tmp_path)])
    [line] = report.problems
    assert line.startswith("the hub cannot be reached, so 3 tasks were not checked (2 of 'nobody/first', 1 of 'nobody/second'); connect")
    assert [row["task"] for row in report.rows] == ["good"]


def test_a_single_task_of_the_hub_keeps_its_own_line(tmp_path: Path) -> None:
    hub_tasks(tmp_path, one="nobody/first")
    [line] = validate(["one"], [str(tmp_path)]).problems
    assert line.startswith(f"{tmp_path / 'one.yaml'}: dataset_path: 'nobody/first' cannot be loaded")


def test_a_hub_that_was_given_up_is_asked_no_more_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with hub_asked() as give_up:
        give_up()
        with pytest.raises(ConnectionError, match="offline mode is enabled"):
            huggingface_hub.HfApi().dataset_info("nobody/first")
    assert not huggingface_hub.constants.is_offline_mode()
