"""`lsgap run` end to end on the embedded model: what is written and what is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_tasks import spoken_rows, wav, write_task, write_yaml

from lsgap_bench.cli import main

Out = pytest.CaptureFixture[str]
TWO = ["--conditions", "text,speech", "--metrics", "none"]


def run(folder: Path, *arguments: str) -> dict[str, Any]:
    """The record of a run that must end well."""
    assert main(["run", *arguments, "--output_path", str(folder)]) == 0
    found: dict[str, Any] = json.loads((folder / "record.json").read_text())
    return found


def text_tasks(folder: Path) -> list[str]:
    """Two plain tasks of lm-eval with their data beside them."""
    rows = [{"q": row["question"], "a": row["answer"], "o": ["spider", row["answer"] + "s"]} for row in spoken_rows(3)]
    (folder / "rows.json").write_text("\n".join(map(json.dumps, rows)))
    shared = {
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "rows.json")}},
        "test_split": "test",
        "doc_to_text": "{{q}}",
    }
    metric = {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}
    free = {"output_type": "generate_until", "doc_to_target": "a", "generation_kwargs": {"until": ["."], "max_gen_toks": 3}}
    choice = {"output_type": "multiple_choice", "doc_to_choice": "o", "doc_to_target": 0}
    write_yaml(folder / "f.yaml", {"task": "plain_free", **shared, **free, "metric_list": [metric]}, paired=False)
    write_yaml(folder / "c.yaml", {"task": "plain_choice", **shared, **choice}, paired=False)
    return ["--tasks", "plain_free,plain_choice", "--include_path", str(folder)]


def test_plain_text_tasks_of_lm_eval_run_alone_on_the_written_side(tmp_path: Path, capsys: Out) -> None:
    record = run(tmp_path / "out", *text_tasks(tmp_path))
    printed = capsys.readouterr().out
    assert record["tasks"] == {}
    assert set(record["text_tasks"]) == {"plain_free", "plain_choice"}
    assert 0 <= record["text_tasks"]["plain_choice"]["acc,none"] <= 1
    results = json.loads((tmp_path / "out/results.json").read_text())["results"]
    assert results == record["text_tasks"]
    assert "|plain_choice" in printed
    assert "exact_match" in printed


def test_plain_text_tasks_run_beside_paired_ones(tmp_path: Path, capsys: Out) -> None:
    plain = text_tasks(tmp_path)
    plain[1] += ",lsgap_mini_sizes"
    record = run(tmp_path / "out", *plain, *TWO, "--limit", "2")
    printed = capsys.readouterr().out
    assert set(record["tasks"]) == {"lsgap_mini_sizes"}
    assert record["tasks"]["lsgap_mini_sizes"]["n"] == 2
    assert set(record["text_tasks"]) == {"plain_free", "plain_choice"}
    table = printed[printed.index("Text tasks of lm-eval") :]
    assert "plain_free" in table
    assert "lsgap_mini_sizes" not in table  # it stands in the table above


@pytest.mark.parametrize(("policy", "n", "counted"), [("skip", 3, "skipped_items"), ("truncate", 4, "truncated_clips")])
def test_clips_beyond_the_models_hearing_are_skipped_or_cut_and_counted(tmp_path: Path, policy: str, n: int, counted: str) -> None:
    rows = spoken_rows(4)
    rows[2]["audio"] = {"bytes": wav(45.0), "path": None}
    write_task(tmp_path, rows)
    record = run(tmp_path / "out", "--tasks", "made", "--include_path", str(tmp_path), "--long_clips", policy, *TWO)
    assert record["tasks"]["made"]["n"] == n
    assert {key: record["checks"][key] for key in ("skipped_items", "truncated_clips")} == {
        "skipped_items": 0,
        "truncated_clips": 0,
        counted: 1,
    }


def test_an_unreadable_clip_is_left_out_in_both_forms_and_counted_when_that_is_asked_for(tmp_path: Path) -> None:
    rows = spoken_rows(4)
    rows[0]["audio"] = {"bytes": b"no sound", "path": None}
    write_task(tmp_path, rows)
    record = run(tmp_path / "out", "--tasks", "made", "--include_path", str(tmp_path), "--skip_bad_items", *TWO)
    assert record["tasks"]["made"]["n"] == 3
    assert record["tasks"]["made"]["scores"]["text"]["n"] == 3
    assert record["checks"]["skipped_items"] == 1


def test_a_config_file_says_what_options_say_and_the_command_line_wins(tmp_path: Path) -> None:
    config = {
        "tasks": ["lsgap_mini_sizes"],
        "conditions": "text,speech",
        "metrics": ["none"],
        "limit": 4,
        "tag": {"run": "a"},
        "device": None,
    }
    write_yaml(tmp_path / "run.yaml", config, paired=False)
    record = run(tmp_path / "out", "--config", str(tmp_path / "run.yaml"), "--limit", "2")
    assert record["tasks"]["lsgap_mini_sizes"]["n"] == 2
    assert record["tags"] == {"run": "a"}


def test_lm_evals_numbers_and_the_records_are_the_same(tmp_path: Path) -> None:
    record = run(tmp_path / "out", "--tasks", "lsgap_mini_days,lsgap_mini_sizes", *TWO, "--limit", "8")
    results = json.loads((tmp_path / "out/results.json").read_text())["results"]
    for task, entry in record["tasks"].items():
        for condition, estimate in entry["scores"].items():
            if "=" not in condition:
                assert estimate["value"] == pytest.approx(100 * results[task][f"{condition},none"])
        assert entry["gap"]["value"] == pytest.approx(100 * results[task]["gap,none"])


GRID = "speech+{identity,angle_projection}:all@0{=random_direction,=wrong_transcript}"
WRITTEN_OUT = [
    f"speech+{plugin}:all@0={control}"
    for plugin in ("identity", "angle_projection")
    for control in ("random_direction", "wrong_transcript")
]


@pytest.mark.parametrize("given", ["one argument", "as a shell expands it", "a config file"])
def test_a_grid_of_conditions_is_one_argument(tmp_path: Path, given: str) -> None:
    (tmp_path / "grid.yaml").write_text(f"conditions:\n  - text,{GRID}\n")
    asked = {
        "one argument": ["--conditions", f"text,{GRID}"],
        "as a shell expands it": ["--conditions", *(f"text,{name}" for name in WRITTEN_OUT)],
        "a config file": ["--config", str(tmp_path / "grid.yaml")],
    }[given]
    record = run(tmp_path / "out", *asked, "--metrics", "none", "--limit", "4", "--tasks", "lsgap_mini_opposites")
    assert list(record["tasks"]["lsgap_mini_opposites"]["interventions"]) == WRITTEN_OUT
    assert record["provenance"]["plan"]["conditions"] == ["text", "speech", *WRITTEN_OUT]
    identity = record["overall"]["interventions"]["speech+identity:all@0=random_direction"]
    assert (identity["gain"]["value"], identity["recovered"], identity["broken"]) == (0, 0, 0)
