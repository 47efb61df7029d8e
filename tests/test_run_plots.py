"""What a person sees of lengths and grids: the files, and the words and numbers in them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lsgap_bench.gain_map import Cell, gain_map
from lsgap_bench.records import read_record, read_tables
from lsgap_bench.run_plots import save_run_plots
from lsgap_bench.schema import absent

ONE = {"text": [1, 1, 1, 1] * 6, "speech": [1, 0, 1, 1] * 6}
GRID = {f"speech+angle_projection:{how}@{layer}": [1, 1, 0, 1] * 6 for how in ("bottom3", "all") for layer in (0, 1, "all")}


def texts(path: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))


def drawn(make_run: Callable[..., Path], folder: Path, **conditions: list[int]) -> Path:
    run = make_run(folder / "run", {"sizes": {**ONE, **conditions}, "days": {**ONE, **conditions}})
    record = read_record(run / "record.json")
    save_run_plots(record, read_tables(run, {name: task.version for name, task in record.tasks.items()}), folder / "plots")
    return folder / "plots"


def test_a_run_without_a_grid_shows_lengths_only(make_run: Callable[..., Path], tmp_path: Path) -> None:
    folder = drawn(make_run, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["length.png", "length.svg"]
    found = texts(folder / "length.svg")
    assert "alignment_path_score" in found
    assert any("speech tokens" in text for text in found)


def test_a_grid_shows_each_gain_at_its_layer(make_run: Callable[..., Path], tmp_path: Path) -> None:
    found = texts(drawn(make_run, tmp_path, **GRID) / "interventions.svg")
    assert found.count("+0.0") == 6  # one item of four is won and one is lost
    assert {"bottom3", "all", "0", "1", "angle_projection", "layer of the edit"} <= set(found)


def test_a_condition_without_a_value_says_why_in_its_row(make_run: Callable[..., Path], tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"sizes": {**ONE, "speech=fast": ONE["speech"], "speech=slow": ONE["speech"]}})
    record = read_record(run / "record.json")
    none = dataclasses.replace(record.overall.conditions["speech=slow"], difference=absent("days: nobody ran it", n=0))
    overall = dataclasses.replace(record.overall, conditions={**record.overall.conditions, "speech=slow": none})
    save_run_plots(dataclasses.replace(record, overall=overall), read_tables(run, {"sizes": "1"}), tmp_path / "plots")
    found = texts(tmp_path / "plots" / "conditions.svg")
    assert found.count("absent: days: nobody ran it") == 1
    assert {"speech=fast", "speech=slow"} <= set(found)


@pytest.mark.parametrize("names", [["speech+a:all@0"], ["speech+a:all@0", "speech+a:all@1"], ["speech+a:all@0", "speech+a:bottom3@0"]])
def test_what_is_no_grid_says_what_a_grid_takes(names: list[str]) -> None:
    said = gain_map({name: Cell(1.0, False) for name in names}, "title")
    assert isinstance(said, str)
    assert "at least two selections at two layers" in said
