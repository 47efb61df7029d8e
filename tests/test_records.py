from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import demo_run
import numpy as np
import pyarrow.parquet as pq
import pytest

from lsgap_bench import records
from lsgap_bench.errors import UsageError
from lsgap_bench.records import (
    ITEMS,
    LAYERS,
    RECORD,
    RESULTS,
    SAMPLES,
    Rows,
    derive,
    read_lines,
    read_record,
    read_tables,
    record_from_plain,
    sha256_of,
    to_plain,
    write_run,
)
from lsgap_bench.run_rows import curve_rows, sample_rows
from lsgap_bench.task_tables import task_table

ESTIMATE = {"value", "low", "high", "n", "unit", "method"}


@pytest.fixture(scope="module")
def run() -> Path:
    folder = demo_run.evaluation().folder
    assert folder is not None
    return folder


def nodes(plain: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping in a JSON value, with its place."""
    if isinstance(plain, dict):
        yield where, plain
        for key, value in plain.items():
            yield from nodes(value, f"{where}.{key}")
    elif isinstance(plain, list):
        for k, value in enumerate(plain):
            yield from nodes(value, f"{where}[{k}]")


def test_a_run_folder_holds_what_the_design_says(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert {RECORD, RESULTS, SAMPLES, LAYERS, "log.txt", "observations.jsonl"} <= names
    assert {Path(name).suffix for name in names} >= {".png", ".svg"}
    assert not [name for name in names if name.endswith(".part")]


def test_tables_read_from_disk_are_bit_equal_to_those_in_memory(run: Path) -> None:
    record = demo_run.evaluation().record
    tables = read_tables(run, {name: task.version for name, task in record.tasks.items()})
    for table, (name, pairs) in zip(tables, demo_run.evaluation().pairs.items(), strict=True):
        memory = task_table(name, record.tasks[name].version, sample_rows(pairs), curve_rows(pairs))
        assert (table.task, list(table.items), list(table.clusters)) == (name, list(memory.items), list(memory.clusters))
        assert table.curves.keys() == memory.curves.keys()
        assert table.curves
        for kind in ("scores", "extracted", "replaced"):
            assert getattr(table, kind).keys() == getattr(memory, kind).keys()
            for condition, values in getattr(memory, kind).items():
                assert getattr(table, kind)[condition].tobytes() == values.tobytes()
        for metric, sides in memory.curves.items():
            for side, values in sides.items():
                assert table.curves[metric][side].tobytes() == values.tobytes()


def test_the_record_derived_from_the_samples_is_the_record(run: Path) -> None:
    record = read_record(run / RECORD)
    tables = read_tables(run, {name: task.version for name, task in record.tasks.items()})
    assert to_plain(derive(record, tables)) == to_plain(record)


def test_a_record_is_derived_over_its_own_layers_whatever_its_tables_say(run: Path) -> None:
    record = read_record(run / RECORD)
    tables = read_tables(run, {name: task.version for name, task in record.tasks.items()}, layers="0..L")
    assert to_plain(derive(record, tables)) == to_plain(record)
    said = {**record.provenance["protocol"], "choices": {**record.provenance["protocol"]["choices"], "layers": "0..L"}}
    over_all = derive(dataclasses.replace(record, provenance={**record.provenance, "protocol": said}), tables)
    found, of = (one.overall.representation["pooled_cosine"] for one in (over_all, record))
    assert found.by_layer == of.by_layer
    count = len(of.by_layer)
    assert found.value.value == pytest.approx(((count - 1) * of.value.value + of.by_layer[0]) / count)


def test_items_are_kept_for_another_scorer_each_once(run: Path) -> None:
    rows = read_lines(run / ITEMS)
    first = [pair.item for pairs in demo_run.evaluation().pairs.values() for pair in pairs]
    assert [row["id"] for row in rows] == [item.id for item in first]
    for row, item in zip(rows, first, strict=True):
        assert (row["target"], row["options"], row["chance"], row["text"]) == (item.target, list(item.options), item.chance, item.text)
        assert row["fields"]["question"] == item.text  # a column of the document


def test_the_record_on_disk_is_that_in_memory_and_survives_a_round_trip(run: Path) -> None:
    on_disk = json.loads((run / RECORD).read_text(encoding="utf-8"))
    assert on_disk == json.loads(json.dumps(demo_run.evaluation().to_dict()))
    assert json.loads(json.dumps(to_plain(record_from_plain(on_disk)))) == on_disk


def test_every_estimate_on_disk_says_how_it_was_made_or_why_it_is_absent(run: Path) -> None:
    found = 0
    for where, node in nodes(json.loads((run / RECORD).read_text(encoding="utf-8"))):
        if {"value", "low", "high"} <= node.keys():
            found += 1
            assert node.keys() >= ESTIMATE, where
            assert node["unit"], where
            if node["value"] is None:
                assert node["why"], where
            else:
                assert node["method"], where
                assert node["n"] > 0, where
    assert found > 100


def test_no_file_holds_a_nan_that_json_does_not_know(run: Path) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    for name in (RECORD, RESULTS):
        json.loads((run / name).read_text(encoding="utf-8"), parse_constant=refuse)
    for line in (run / SAMPLES).read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=refuse)


def test_paired_items_are_counted_once(run: Path) -> None:
    record = read_record(run / RECORD)
    assert all(task.n == task.gap.n == 6 for task in record.tasks.values())
    assert record.overall.gap.n == 18


def test_the_overall_gap_is_the_mean_of_the_samples_by_task(run: Path) -> None:
    rows = [json.loads(line) for line in (run / SAMPLES).read_text(encoding="utf-8").splitlines()]
    gaps = []
    for task in demo_run.TASKS:
        text, speech = (np.mean([r["score"] for r in rows if r["task"] == task and r["condition"] == c]) for c in ("text", "speech"))
        gaps.append(100 * (text - speech))
    assert read_record(run / RECORD).overall.gap.value == pytest.approx(np.mean(gaps))


def test_layers_hold_one_row_per_item_and_metric_with_a_value_for_every_layer(run: Path) -> None:
    rows = pq.read_table(run / LAYERS).to_pylist()
    layers = demo_run.model().num_layers + 1
    metrics = {row["metric"] for row in rows}
    assert len(rows) == 18 * len(metrics)
    assert len(metrics) >= 6
    single = {"next_token_kl", "path_monotonicity_pooled"}  # the output has no layers; this one takes them together
    values = {metric: 1 if metric in single else layers for metric in metrics}
    assert all(len(row[side]) == values[row["metric"]] for row in rows for side in ("matched", "other_task", "same_task"))


def test_a_sample_says_what_was_asked_heard_and_answered(run: Path) -> None:
    first = {}
    for line in (run / SAMPLES).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        first.setdefault(row["condition"], row)
    assert first["text"]["clip"] is None
    assert first["text"]["pcm_sha256"] is None
    assert len(first["speech"]["clip"]["sha256"]) == 64
    assert first["speech"]["partners"].keys() == {"other_task", "same_task"}
    assert first["speech=other"]["partners"].keys() == {"clip"}
    assert first["speech"]["prompt"] != first["text"]["prompt"]
    for row in first.values():
        assert row["target"]
        assert row["logits_sha256"]


def test_a_run_that_is_killed_while_writing_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = demo_run.evaluation()
    pairs = [pair for of_task in evaluation.pairs.values() for pair in of_task]
    (tmp_path / SAMPLES).write_text("the samples of an earlier run")

    def killed(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(records.os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path, evaluation.record, {}, Rows(sample_rows(pairs), curve_rows(pairs), []))
    assert (tmp_path / SAMPLES).read_text() == "the samples of an earlier run"
    assert not (tmp_path / RECORD).exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"schema": 1}', "not json"])
def test_a_file_that_is_no_record_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD).write_text(content)
    with pytest.raises(UsageError, match=RECORD) as caught:
        read_record(tmp_path / RECORD)
    assert "\n" not in str(caught.value)


def test_a_record_that_leaves_out_a_task_that_was_measured_is_refused(run: Path) -> None:
    named = list(read_record(run / RECORD).tasks)[1:]
    with pytest.raises(UsageError, match=r"which record\.json leaves out"):
        read_tables(run, dict.fromkeys(named, "1.0"))


def test_a_folder_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give a finished run folder"):
        read_tables(tmp_path, {"t": "1"})


def test_plain_types_keep_what_is_there_and_turn_nan_into_null() -> None:
    assert to_plain({"a": (1, math.nan, math.inf), 2: "x", "b": None}) == {"a": [1, None, None], "2": "x", "b": None}


def test_a_hash_of_parts_depends_on_their_order() -> None:
    assert sha256_of(["a", "b"]) != sha256_of(["b", "a"])
    assert len(sha256_of([])) == 64
