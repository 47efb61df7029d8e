"""Run folders to a series: what is read, in which order, and what is refused in one line that names the folder."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_series import METRICS, Made, falling, write_checkpoint, write_series

from lsgap_bench.errors import UsageError
from lsgap_bench.records import read_record
from lsgap_bench.series import load_series

SMALL = {"items": 6, "layers": 3}


def refused(*paths: Path) -> str:
    with pytest.raises(UsageError) as caught:
        load_series(paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_series(tmp_path_factory.mktemp("series"), falling(("b", "a"), (2000, 500, 1000), tags={"strategy": "full"}, **SMALL))


def test_checkpoints_stand_in_the_order_of_run_and_step(folders: list[Path]) -> None:
    series = load_series(folders)
    assert [c.name for c in series.checkpoints] == ["a@500", "a@1000", "a@2000", "b@500", "b@1000", "b@2000"]
    assert series.runs == ["a"] * 3 + ["b"] * 3
    assert series.log_steps == pytest.approx(np.log([500, 1000, 2000] * 2))


def test_numbers_are_those_of_the_records_overall(folders: list[Path]) -> None:
    series = load_series(folders)
    for checkpoint, gap, cosine in zip(
        series.checkpoints, series.values("gap"), series.measured("pooled_cosine", "same_task"), strict=True
    ):
        overall = read_record(checkpoint.source / "record.json").overall
        assert gap == overall.gap.value
        assert cosine == overall.representation["pooled_cosine"].above_null["same_task"].value == pytest.approx(0.1)
    assert set(series.metrics) == set(METRICS)
    assert series.by_layer("pooled_cosine").shape == (6, 4)


def test_a_system_that_was_not_run_is_absent_with_a_reason(folders: list[Path]) -> None:
    checkpoint = load_series(folders).checkpoints[0]
    assert math.isnan(checkpoint.estimate("erosion").value)
    assert checkpoint.estimate("erosion").why


def test_a_record_file_alone_is_a_checkpoint_without_samples(folders: list[Path]) -> None:
    series = load_series([folder / "record.json" for folder in folders])
    assert len(series) == 6
    assert series.checkpoints[0].folder is None


def test_step_0_has_no_logarithm_and_is_kept(tmp_path: Path) -> None:
    series = load_series(write_series(tmp_path, falling(("a",), (0, 10), **SMALL)))
    assert math.isnan(series.log_steps[0])
    assert list(series.steps) == [0, 10]


def test_checkpoints_of_different_depth_have_no_common_layers(tmp_path: Path) -> None:
    made = falling(("a", "b"), (1, 2), **SMALL)
    series = load_series(write_series(tmp_path, [replace(m, layers=3 if m.run == "a" else 5) for m in made]))
    assert series.by_layer("pooled_cosine") is None


def test_the_series_splits_by_a_tag_and_names_the_folder_that_lacks_it(folders: list[Path], tmp_path: Path) -> None:
    other = write_checkpoint(tmp_path / "c", Made("c", 1, tags={"strategy": "lora"}, **SMALL))
    assert {name: len(part) for name, part in load_series([*folders, other]).parts("strategy").items()} == {"full": 6, "lora": 1}
    bare = write_checkpoint(tmp_path / "bare", Made("d", 1, **SMALL))
    with pytest.raises(UsageError, match=r"bare: its record has no tag 'strategy'"):
        load_series([*folders, bare]).parts("strategy")
    with pytest.raises(UsageError, match="did you mean 'strategy'"):
        load_series(folders).parts("strateg")


def test_a_folder_without_a_record_is_named(folders: list[Path], tmp_path: Path) -> None:
    assert str(tmp_path / "nothing") in refused(folders[0], tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refused(folders[0], tmp_path / "empty")


@pytest.mark.parametrize("tag", ["run", "step"])
def test_a_missing_tag_is_named_with_the_remedy(folders: list[Path], tmp_path: Path, tag: str) -> None:
    tags = {key: value for key, value in {"run": "a", "step": 1}.items() if key != tag}
    folder = write_checkpoint(tmp_path / "untagged", Made("a", 1, **SMALL), tags=tags)
    said = refused(folders[0], folder)
    assert f"{folder}: its record has no tag '{tag}'" in said
    assert f"--tag run=NAME,step=NUMBER --output_path {folder}" in said


@pytest.mark.parametrize("step", ["last", "2k", True, -1, "nan", "inf"])
def test_a_step_that_is_no_number_is_shown(folders: list[Path], tmp_path: Path, step: object) -> None:
    said = refused(folders[0], write_checkpoint(tmp_path / "odd", Made("z", step, **SMALL)))
    assert f"step={step} is no number" in said


def test_a_step_written_as_text_is_a_number(folders: list[Path], tmp_path: Path) -> None:
    assert load_series([folders[0], write_checkpoint(tmp_path / "text", Made("z", "0250", **SMALL))]).checkpoints[-1].step == 250


def test_the_same_run_and_step_twice_names_both_folders(folders: list[Path], tmp_path: Path) -> None:
    twin = write_checkpoint(tmp_path / "twin", Made("b", 2000, **SMALL))
    said = refused(*folders, twin)
    assert str(twin) in said
    assert str(folders[0]) in said
    assert "run=b, step=2000" in said


@pytest.mark.parametrize("key", ["tasks_sha256", "data_sha256"])
def test_other_tasks_or_other_data_are_refused(folders: list[Path], tmp_path: Path, key: str) -> None:
    changed = {"tasks_sha256": "a" * 64, "data_sha256": "b" * 64, key: "c" * 64}
    said = refused(folders[0], write_checkpoint(tmp_path / "other", Made("z", 1, **SMALL), provenance=changed))
    assert key in said
    assert str(folders[0]) in said


def test_other_task_names_and_other_metrics_are_refused_by_name(folders: list[Path], tmp_path: Path) -> None:
    said = refused(folders[0], write_checkpoint(tmp_path / "tasks", Made("z", 1, tasks=("numbers", "opposites"), **SMALL)))
    assert "different tasks (days, opposites)" in said
    said = refused(folders[0], write_checkpoint(tmp_path / "metrics", Made("z", 1, metrics=METRICS[:3], **SMALL)))
    assert f"different metrics ({METRICS[3]})" in said


def test_one_folder_is_no_series(folders: list[Path]) -> None:
    assert "at least two run folders" in refused(folders[0])
