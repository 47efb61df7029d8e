"""The pictures of a comparison: which files there are, what their SVG text says, and why one is left out."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_comparison import OTHER, REFERENCE, provenance, system

from lsgap_bench.comparison import Comparison, compare
from lsgap_bench.comparison_plots import save_comparison_plots
from lsgap_bench.schema import absent

MakeRun = Callable[..., Path]


@pytest.fixture
def comparison(tmp_path: Path, make_run: MakeRun) -> Comparison:
    names = ("alpha", "$beta$", "gamma_3")
    return compare(
        [
            make_run(tmp_path / f"run{k}", OTHER if k else REFERENCE, system=system(name), provenance=provenance())
            for k, name in enumerate(names)
        ]
    )


def texts(svg: Path) -> set[str]:
    return {"".join(node.itertext()).strip() for node in ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")}


def test_both_figures_are_png_and_svg_and_the_same_bytes_each_time(comparison: Comparison, tmp_path: Path) -> None:
    first, second = (save_comparison_plots(comparison, tmp_path / name) for name in ("one", "two"))
    assert [p.name for p in first.paths] == ["differences.png", "differences.svg", "gap_by_metric.png", "gap_by_metric.svg"]
    assert first.left_out == {}
    assert [p.read_bytes() for p in first.paths] == [p.read_bytes() for p in second.paths]
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == sorted(p.name for p in first.paths)


def test_axes_name_what_they_show_and_the_legend_names_every_model(comparison: Comparison, tmp_path: Path) -> None:
    save_comparison_plots(comparison, tmp_path)
    differences = texts(tmp_path / "differences.svg")
    assert {"Overall", "numbers", "days", "difference in gap (points)", "$beta$", "gamma_3"} <= differences
    assert "alpha" not in differences  # the reference is what they differ from
    assert any("Differences from alpha" in text for text in differences)
    scatter = texts(tmp_path / "gap_by_metric.svg")
    assert {"gap (points)", "cosine", "pooled_cosine", "above the same-task null", "alpha", "$beta$", "gamma_3"} <= scatter
    assert any("3 models, few for a correlation" in text for text in scatter)


def test_what_cannot_be_drawn_is_left_out_with_its_reason_and_an_old_file_of_it_goes(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "gap_by_metric.png").write_bytes(b"old")
    drawn = save_comparison_plots(replace(comparison, against=()), tmp_path)
    assert drawn.left_out == {"gap_by_metric": "no representation metric was measured of every model"}
    assert not (tmp_path / "gap_by_metric.png").exists()


def test_models_without_a_gap_have_no_scatter_and_text_alone_still_has_differences(comparison: Comparison, tmp_path: Path) -> None:
    nothing = absent("speech was not run")
    place = comparison.overall
    scores = {model: {**of, "gap": nothing, "speech": nothing} for model, of in place.scores.items()}
    differences = {
        model: {q: paired if q == "text" else replace(paired, difference=nothing) for q, paired in of.items()}
        for model, of in place.differences.items()
    }
    drawn = save_comparison_plots(replace(comparison, places=(replace(place, scores=scores, differences=differences),)), tmp_path)
    assert drawn.left_out == {"gap_by_metric": "no model has a gap"}
    assert "differences" in drawn.figures
