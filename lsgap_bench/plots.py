"""A finished run as pictures: layer curves, the gap per task, one item's alignment. PNG and SVG, the text of the SVG being text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from lsgap_bench.cells import estimate, of_difference, of_score
from lsgap_bench.report import companions_of, mean_chance
from lsgap_bench.schema import Estimate, GroupResult, Record, Representation, Side, TaskResult

if TYPE_CHECKING:
    from lsgap_bench.example import AlignmentExample

# Okabe & Ito's colours, told apart without colour by marker and line as well
_BLUE, _VERMILION, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#6B6B6B"
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "lsgap-bench",
}


class _Look(NamedTuple):
    label: str
    colour: str
    line: str
    marker: str

    @property
    def style(self) -> dict[str, Any]:
        return {"color": self.colour, "linestyle": self.line, "marker": self.marker}


CURVES: dict[Side, _Look] = {
    "matched": _Look("matched: the item's own text", _BLUE, "-", "o"),
    "same_task": _Look("null: another text of the same task", _GREEN, "-.", "^"),
    "other_task": _Look("null: a text of another task", _VERMILION, "--", "s"),
}
_PATH = "path: the speech position closest to each token"
SIDE_LOOKS = {"text": _Look("text", _BLUE, "", "o"), "speech": _Look("speech", _VERMILION, "", "s")}


def save_plots(record: Record, folder: Path) -> list[Path]:
    """Write `layers` (where a representation was measured), `gap` (where text or speech was run) and `systems` (where base or cascade was).

    folder: is made. Returns the files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    with rc_context(STYLE):
        if any(of.layered for of in record.overall.representation.values()):
            paths += save_figure(_layers_figure(record), folder / "layers")
        if {"text", "speech"} & set(record.overall.scores):
            paths += save_figure(_gap_figure(record), folder / "gap")
        if companions_of(record):
            paths += save_figure(_systems_figure(record), folder / "systems")
    return paths


def plot_alignment(example: AlignmentExample, folder: Path) -> list[Path]:
    """Write `alignment` into `folder`: one item's cosines at one layer, (Ts, Tt), with its path; the files written.

    A token whose position is -1 has no place on the path. ValueError if matrix, positions and tokens do not fit each other.
    """
    matrix, positions, tokens = np.asarray(example.matrix), np.asarray(example.positions), example.tokens
    frames, count = matrix.shape
    if not len(positions) == len(tokens) == count:
        raise ValueError(f"matrix is {matrix.shape}, with {len(positions)} positions and {len(tokens)} tokens; the last axis is the text's")
    folder.mkdir(parents=True, exist_ok=True)
    with rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(7.5, min(1.9 + 0.2 * count, 11)), layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(
            matrix.T, aspect="auto", cmap="viridis", extent=(0, example.seconds, count - 0.5, -0.5), interpolation="nearest"
        )
        aligned = np.flatnonzero(positions >= 0)
        times = (positions[aligned] + 0.5) * example.seconds / frames
        axes.plot(times, aligned, color="black", linewidth=2.4)
        axes.plot(times, aligned, "o-", color="white", linewidth=1.1, markersize=4.5, markeredgecolor="black", label=_PATH)
        _label_tokens(axes, tokens)
        axes.set(xlabel="speech time (s)", ylabel="text tokens, in reading order", xlim=(0, example.seconds))
        axes.set_title(f"{example.item}, layer {example.layer}", loc="left", parse_math=False)
        figure.legend(loc="outside lower center", fontsize=8)
        figure.colorbar(image, ax=axes, label="cosine", pad=0.015, aspect=30)
        return save_figure(figure, folder / "alignment")


def _layers_figure(record: Record) -> Figure:
    metrics = {name: of for name, of in record.overall.representation.items() if of.layered}
    columns = min(3, len(metrics))
    rows = math.ceil(len(metrics) / columns)
    figure = Figure(figsize=(max(3.2 * columns, 5.5), 2.5 * rows + 0.9), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (name, result) in zip(grid, metrics.items(), strict=False):
        _draw_curves(axes, name, result)
    for axes in grid[len(metrics) :]:
        axes.remove()
    for k, axes in enumerate(grid[: len(metrics)]):
        if k + columns >= len(metrics):
            axes.set_xlabel("layer (0: the decoder's input)")
    handles = [Line2D([], [], markersize=4, label=c.label, **c.style) for c in CURVES.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3 if columns == 3 else 1, fontsize=8)
    said = "speech against text states by layer: mean over items with its 95 % band"
    figure.suptitle(f"{record.system.get('name', '')}\n{said}", fontsize=10, parse_math=False)
    return figure


def _draw_curves(axes: Axes, name: str, result: Representation) -> None:
    for side, look in CURVES.items():
        curve = result.by_layer if side == "matched" else result.by_layer_null.get(side, [])
        layers = np.arange(len(curve))
        low, high = np.array(result.by_layer_band.get(side, [(math.nan, math.nan)] * len(curve))).reshape(-1, 2).T
        axes.fill_between(layers, low, high, color=look.colour, alpha=0.2, linewidth=0)
        every = max(1, len(curve) // 12)
        axes.plot(layers, curve, markersize=3.5, linewidth=1.3, markevery=every, **look.style)
    axes.axvspan(-0.5, 0.5, color="#E6E6E6", linewidth=0, zorder=0)
    axes.set_xlim(-0.5, len(result.by_layer) - 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(name, fontsize=9, loc="left", parse_math=False)
    axes.set_ylabel(result.unit, parse_math=False)


def _gap_figure(record: Record) -> Figure:
    rows: dict[str, TaskResult | GroupResult] = dict(record.tasks)
    if len(rows) > 1:
        rows["Overall"] = record.overall
    figure = Figure(figsize=(8.6, 1.8 + 0.33 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for y, result in enumerate(rows.values()):
        chance = mean_chance(record, result.tasks, result.weights) if isinstance(result, GroupResult) else result.chance
        _draw_scores(left, y, result, chance)
        _draw_interval(right, y, of_difference(result.gap), _Look("", "black", "", "D"))
    for axes in (left, right):
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        if len(record.tasks) > 1:
            axes.axhline(len(rows) - 1.5, color=_GREY, linewidth=0.8)
    left.set_yticks(range(len(rows)), list(rows), parse_math=False)
    left.set_xlabel("score (points)")
    right.set_xlabel("gap = text - speech (points)")
    right.axvline(0, color=_GREY, linewidth=0.9)
    handles = [Line2D([], [], label=s.label, **s.style) for s in SIDE_LOOKS.values()]
    handles.append(Line2D([], [], color=_GREY, marker="|", markersize=10, markeredgewidth=2, linestyle="", label="chance"))
    handles.append(Line2D([], [], color="black", marker="D", markersize=4.5, linestyle="", label="gap"))
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    figure.suptitle(f"{record.system.get('name', '')}\nwritten and spoken questions, with 95 % intervals", fontsize=10, parse_math=False)
    return figure


def _draw_scores(axes: Axes, y: float, result: TaskResult | GroupResult, chance: float | None) -> None:
    both = [result.scores[side].value for side in SIDE_LOOKS if side in result.scores]
    axes.plot(both, [y] * len(both), color="#B8B8B8", linewidth=3, zorder=1, solid_capstyle="round")
    for side, offset in (("text", -0.13), ("speech", 0.13)):
        if side in result.scores:
            _draw_interval(axes, y + offset, of_score(result.scores[side]), SIDE_LOOKS[side])
    if chance is not None:
        axes.plot(100 * chance, y, color=_GREY, marker="|", markersize=11, markeredgewidth=2, linestyle="", zorder=2)


class _Bar(NamedTuple):
    """One of the four systems of the paper's first figure. filled: the speech language model's own."""

    label: str
    colour: str
    hatch: str


_BARS = {
    "base": _Bar("base, text", "#56B4E9", ""),
    "cascade": _Bar("cascade, speech", "#F0B98D", "///"),
    "text": _Bar("LSLM, text", _BLUE, ""),
    "speech": _Bar("LSLM, speech", _VERMILION, "///"),
}
_MOST_TASKS = 6  # without groups: more than so many tasks are shown by their mean alone
_LOST = {"erosion": ("base", "text"), "gap": ("text", "speech")}


def _systems_figure(record: Record) -> Figure:
    """The paper's first figure: per group and overall four bars, with erosion and gap between them."""
    alike = any(set(group.tasks) == set(record.overall.tasks) for group in record.groups.values())
    single = record.tasks if len(record.tasks) <= _MOST_TASKS else {}
    parts: dict[str, TaskResult | GroupResult] = dict(record.groups) if record.groups else dict(single)
    if not alike and len(record.tasks) > 1:
        parts["Overall"] = record.overall
    figure = Figure(figsize=(max(5.4, 1.2 + 2.3 * len(parts)), 4.0), layout="constrained")
    axes = figure.add_subplot()
    for place, result in enumerate(parts.values()):
        _draw_systems(axes, place, result)
    axes.set_xticks(range(len(parts)), [_named(name, result.recognition.wer) for name, result in parts.items()], parse_math=False)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="x", visible=False)
    axes.set(xlim=(-0.6, len(parts) - 0.4), ylim=(0, 128), ylabel="score (points)", yticks=range(0, 101, 20))
    handles = [Patch(facecolor=bar.colour, hatch=bar.hatch, edgecolor="white", label=bar.label) for bar in _BARS.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    said = "four systems on the same questions, with 95 % intervals"
    figure.suptitle(f"{record.system.get('name', '')}\n{said}", fontsize=10, parse_math=False)
    return figure


def _named(name: str, wer: Estimate) -> str:
    """A place of the figure, with the cascade's word error rate where it is known."""
    known = [] if math.isnan(wer.value) else [f"WER of the cascade {estimate(wer, interval=False)}"]
    return "\n".join([*textwrap.wrap(name, 26), *known])


def _draw_systems(axes: Axes, place: float, result: TaskResult | GroupResult) -> None:
    """Four bars around `place`, a dash where a system was not run; above them what is lost from one to another."""
    found = {"base": result.base, "cascade": result.cascade, **{side: result.scores.get(side) for side in SIDE_LOOKS}}
    at = {name: place + 0.2 * (k - 1.5) for k, name in enumerate(_BARS)}
    for name, bar in _BARS.items():
        shown = found[name]
        if shown is None or math.isnan(shown.value):
            axes.text(at[name], 1, "\N{EN DASH}", ha="center", color=_GREY)
            continue
        shown = of_score(shown)
        axes.bar(at[name], shown.value, 0.18, color=bar.colour, hatch=bar.hatch, edgecolor="white", linewidth=0)
        axes.vlines(at[name], shown.low, shown.high, color="black", linewidth=1.1)
        axes.text(
            at[name],
            2,
            f"{shown.value:.1f}",
            ha="center",
            va="bottom",
            fontsize=7,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "lw": 0},
        )
    for height, (what, (first, second)) in zip((115.0, 105.0), _LOST.items(), strict=True):
        lost: Estimate = getattr(result, what)
        if not math.isnan(lost.value):
            axes.annotate("", (at[second], height), (at[first], height), arrowprops={"arrowstyle": "<->", "color": _GREY, "linewidth": 1})
            middle = (at[first] + at[second]) / 2
            axes.text(middle, height + 1, f"{what} {estimate(of_difference(lost))}", ha="center", va="bottom", fontsize=7.5)


def _draw_interval(axes: Axes, y: float, shown: Estimate, look: _Look) -> None:
    axes.hlines(y, shown.low, shown.high, color=look.colour, linewidth=1.5, zorder=2)
    axes.plot(shown.value, y, markersize=5, zorder=3, **look.style)


def _label_tokens(axes: Axes, tokens: Sequence[str]) -> None:
    """Every token, or every k-th where they would overlap; what cannot be printed becomes a middle dot."""
    step = math.ceil(len(tokens) / 60)
    shown = ["".join(c if c.isprintable() else "\N{MIDDLE DOT}" for c in token) for token in tokens]
    axes.set_yticks(range(0, len(tokens), step), shown[::step], fontsize=8, parse_math=False)


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write `stem`.png and `stem`.svg, each whole, the same bytes for the same figure."""
    figure.set_dpi(160)
    paths = []
    for kind, unstable in (("png", "Software"), ("svg", "Date")):
        path = stem.with_name(f"{stem.name}.{kind}")
        partial = path.with_name(f"{path.name}.part")
        _write(figure, kind, partial, {unstable: None})
        figure.set_layout_engine("none")  # the places are found; to find them again takes as long as to draw
        paths.append(partial.replace(path))
    return paths


def _write(figure: Figure, kind: str, path: Path, metadata: dict[str, None]) -> None:
    """As `figure.savefig`, which draws everything once more to measure it."""
    if kind == "png":
        FigureCanvasAgg(figure).print_png(path, metadata=metadata)  # type: ignore[no-untyped-call]
    else:
        FigureCanvasSVG(figure).print_svg(path, metadata=metadata)  # type: ignore[no-untyped-call]
