"""The pictures of a series: which files there are, what their SVG text says, and why one is left out."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from made_series import METRICS, Made, falling, write_series

from lsgap_bench.series import load_series
from lsgap_bench.series_analysis import Analysis, analyse
from lsgap_bench.series_plots import Drawn, save_series_plots

FIGURES = ["scores_by_step", "metrics_by_step", "layers_by_step", "gap_by_metric", "interventions"]
GRID = {f"speech+angle_projection:{at}": k for k, at in enumerate(("bottom3@0", "bottom3@1", "bottom3@all", "all@0", "all@1", "all@all"))}
GRID["speech+angle_projection:bottom3@0=wrong_transcript"] = 1


def analysed(folder: Path, made: list[Made], by: str | None = None) -> Analysis:
    return analyse(load_series(write_series(folder, made)), by, n_boot=20)


def texts(svg: Path) -> list[str]:
    """All text of an SVG file, in drawing order."""
    return ["".join(node.itertext()).strip() for node in ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    made = [replace(m, tags={"strategy": "$x$" if m.run == "a" else "lora"}) for m in falling(("a", "b"), gains=GRID, items=10, layers=2)]
    return analysed(tmp_path_factory.mktemp("series"), made, "strategy")


@pytest.fixture(scope="module")
def drawn(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return save_series_plots(analysis, tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def folder(drawn: Drawn) -> Path:
    return drawn.paths[0].parent


def test_every_figure_is_a_png_and_an_svg_and_the_same_bytes_each_time(analysis: Analysis, drawn: Drawn, tmp_path: Path) -> None:
    first, second = drawn, save_series_plots(analysis, tmp_path)
    assert [p.name for p in first.paths] == [f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")]
    assert first.left_out == {}
    assert first.figures["gap_by_metric"] == "gap_by_metric.png"
    assert [p.read_bytes() for p in first.paths] == [p.read_bytes() for p in second.paths]


def test_axes_name_what_they_show_and_lines_their_strategy(analysis: Analysis, folder: Path) -> None:
    scores = texts(folder / "scores_by_step.svg")
    assert {"text", "speech", "gap = text - speech", "points", "training step", "strategy=$x$", "strategy=lora", "500", "4k"} <= set(scores)
    assert {*METRICS, "cosine", "distance"} <= set(texts(folder / "metrics_by_step.svg"))
    assert {"training step", "layer (0: the decoder's input)"} <= set(texts(folder / "layers_by_step.svg"))
    scatter = texts(folder / "gap_by_metric.svg")
    assert {"gap (points)", "pooled regression"} <= set(scatter)
    r2 = next(a.fit.r2.value for a in analysis.associations if a.predictor == "pooled_cosine" and a.subset == "all")
    assert any(f"pooled {r2:.2f}" in text for text in scatter)


def test_the_grid_of_interventions_writes_each_gain_beside_its_control(analysis: Analysis, folder: Path) -> None:
    found = texts(folder / "interventions.svg")
    assert {"bottom3", "bottom3 = wrong transcript", "all", "layer of the edit", "angle_projection"} <= set(found)
    for gain in analysis.gains:
        assert f"{gain.gain.value:+.1f}" + "*" * (gain.p_holm < 0.05) in found


def test_what_cannot_be_drawn_is_left_out_with_its_reason_and_an_old_file_of_it_goes(tmp_path: Path) -> None:
    found = analysed(tmp_path / "runs", falling(("a", "b"), (500,), metrics=(), items=6))
    out = tmp_path / "out"
    out.mkdir()
    (out / "layers_by_step.png").write_bytes(b"old")
    drawn = save_series_plots(found, out)
    assert set(drawn.left_out) == set(FIGURES)
    assert drawn.left_out["scores_by_step"] == "all checkpoints are of one step"
    assert list(out.iterdir()) == []


def test_two_checkpoints_have_curves_and_no_regression(tmp_path: Path) -> None:
    drawn = save_series_plots(analysed(tmp_path / "runs", falling(("a",), (500, 1000), items=6, layers=2, metrics=METRICS[:1])), tmp_path)
    assert drawn.left_out["gap_by_metric"] == "a regression needs three checkpoints"
    assert "scores_by_step" in drawn.figures


def test_step_0_has_a_place_on_the_axis(tmp_path: Path) -> None:
    save_series_plots(analysed(tmp_path / "runs", falling(("a",), (0, 500, 1000), items=6, metrics=())), tmp_path)
    assert {"0", "500", "1k"} <= set(texts(tmp_path / "scores_by_step.svg"))


def test_many_runs_are_drawn_alike_under_their_mean(tmp_path: Path) -> None:
    made = falling([f"r{k:02d}" for k in range(12)], (500, 1000), items=4, metrics=())
    save_series_plots(analysed(tmp_path / "runs", made), tmp_path)
    found = texts(tmp_path / "scores_by_step.svg")
    assert "training runs" in found
    assert "r00" not in found


def test_checkpoints_of_different_depth_share_a_relative_axis(tmp_path: Path) -> None:
    made = [replace(m, layers=3 if m.run == "a" else 5) for m in falling(("a", "b"), items=6, metrics=METRICS[:1])]
    save_series_plots(analysed(tmp_path / "runs", made), tmp_path)
    assert "layer / number of layers" in texts(tmp_path / "layers_by_step.svg")
