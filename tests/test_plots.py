"""The pictures: which files there are, and what their SVG text says."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from lsgap_bench.example import AlignmentExample
from lsgap_bench.plots import plot_alignment, save_plots

SCORES = {"sizes": {"text": [1, 1, 1], "speech": [1, 1, 0]}, "$days$ <b>": {"text": [1, 0, 0], "speech": [1, 0, 0]}}
PNG = b"\x89PNG\r\n\x1a\n"


def texts(svg: Path) -> list[str]:
    """All text of an SVG file, in drawing order."""
    return ["".join(node.itertext()).strip() for node in ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")]


def example(frames: int = 20, tokens: tuple[str, ...] = ("which", "is", "larger", "$5", "<b>\n")) -> AlignmentExample:
    matrix = np.random.default_rng(0).random((frames, len(tokens)))
    return AlignmentExample(matrix, matrix.argmax(axis=0), list(tokens), 2.0, 3, "sizes/0")


def test_each_plot_is_a_png_and_an_svg(make_record, tmp_path) -> None:
    paths = save_plots(make_record(SCORES), tmp_path / "plots")
    assert [path.name for path in paths] == ["layers.png", "layers.svg", "gap.png", "gap.svg"]
    for path in paths:
        assert path.stat().st_size > 5_000
        assert path.suffix == ".svg" or path.read_bytes().startswith(PNG)


def test_layer_curves_name_metric_unit_axis_and_all_three_curves(make_record, tmp_path) -> None:
    save_plots(make_record(SCORES), tmp_path)
    found = texts(tmp_path / "layers.svg")
    assert {"alignment_path_score", "pooled_cosine", "cosine", "layer (0: the decoder's input)"} <= set(found)
    assert sum(text.startswith(("matched", "null")) for text in found) == 3


def test_the_gap_plot_names_every_task_as_it_is_and_the_axes_with_units(make_record, tmp_path) -> None:
    save_plots(make_record(SCORES), tmp_path)
    found = texts(tmp_path / "gap.svg")
    assert {"sizes", "$days$ <b>", "Overall", "chance", "score (points)", "gap = text - speech (points)"} <= set(found)


def test_the_gap_plot_names_each_of_20_tasks_once(make_record, tmp_path) -> None:
    names = [f"voicebench_task_{k:02d}" for k in range(20)]
    save_plots(make_record(dict.fromkeys(names, SCORES["sizes"])), tmp_path)
    assert [text for text in texts(tmp_path / "gap.svg") if text.startswith("voicebench")] == names


def test_a_text_only_run_has_no_layer_curves(make_record, tmp_path) -> None:
    paths = save_plots(make_record({"sizes": {"text": [1, 0, 1]}}), tmp_path)
    assert [path.name for path in paths] == ["gap.png", "gap.svg"]


def test_the_same_record_gives_the_same_bytes(make_record, tmp_path) -> None:
    first, second = (save_plots(make_record(SCORES), tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_drawing_leaves_matplotlib_s_settings_as_they_were(make_record, tmp_path) -> None:
    before = dict(mpl.rcParams)
    save_plots(make_record(SCORES), tmp_path)
    plot_alignment(example(), tmp_path)
    assert dict(mpl.rcParams) == before


def test_the_alignment_shows_every_token_time_in_seconds_and_a_cosine_scale(tmp_path) -> None:
    png, svg = plot_alignment(example(), tmp_path)
    found = texts(svg)
    assert png.read_bytes().startswith(PNG)
    assert {"which", "is", "larger", "$5", "<b>\N{MIDDLE DOT}", "speech time (s)", "cosine", "sizes/0, layer 3"} <= set(found)


def test_labels_of_a_long_text_are_thinned_out_so_that_they_do_not_overlap(tmp_path) -> None:
    _, svg = plot_alignment(example(tokens=tuple(f"token{k}" for k in range(150))), tmp_path)
    assert [text for text in texts(svg) if text.startswith("token")] == [f"token{k}" for k in range(0, 150, 3)]


def test_an_alignment_whose_parts_do_not_fit_is_refused(tmp_path) -> None:
    whole = example()
    broken = AlignmentExample(whole.matrix, whole.positions[:-1], whole.tokens, 2.0, 3, "sizes/0")
    with pytest.raises(ValueError, match="4 positions and 5 tokens"):
        plot_alignment(broken, tmp_path)


FOUR = {"base": [1, 1, 1], "cascade": [1, 1, 0]}


def test_the_four_systems_are_drawn_where_they_were_run_with_erosion_and_gap(make_record, tmp_path) -> None:
    paths = save_plots(make_record({name: {**scores, **FOUR} for name, scores in SCORES.items()}), tmp_path)
    assert [path.name for path in paths[-2:]] == ["systems.png", "systems.svg"]
    found = texts(tmp_path / "systems.svg")
    assert {"mini", "score (points)", "base, text", "cascade, speech", "LSLM, text", "LSLM, speech"} <= set(found)
    assert {"100.0", "66.7", "50.0"} <= set(found)  # base; text and cascade; speech
    assert sum(text.startswith("erosion 33.3 [") for text in found) == 1
    assert sum(text.startswith("gap 16.7 [") for text in found) == 1


def test_a_system_that_was_not_run_is_a_dash_between_the_others(make_record, tmp_path) -> None:
    save_plots(make_record({"sizes": {**SCORES["sizes"], "base": [1, 1, 1]}}, groups={}), tmp_path)
    found = texts(tmp_path / "systems.svg")
    assert found.count("\N{EN DASH}") == 1
    assert found.count("sizes") == 1
