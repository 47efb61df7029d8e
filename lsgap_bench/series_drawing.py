"""Parts that the pictures of a series share: a line per training run, the axis of steps, panels, the legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter

from lsgap_bench.bootstrap import Floats
from lsgap_bench.regressions import slope
from lsgap_bench.schema import Estimate
from lsgap_bench.series import Checkpoint, Series
from lsgap_bench.series_analysis import Analysis

# Okabe & Ito's colours, told apart without colour by marker and line as well
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B6B6B")
_LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_NAMED = len(COLOURS)  # more lines than this are drawn alike, with their mean
BANDS = 6  # more bands than this hide each other
GREY = "#6B6B6B"


class Line(NamedTuple):
    """The checkpoints of one training run, in the order of steps, and how they are drawn."""

    run: str
    label: str
    checkpoints: Sequence[Checkpoint]
    style: dict[str, Any]


def lines_of(analysis: Analysis) -> list[Line]:
    """One line per training run; coloured by the value of the `by` tag, else by run, else all alike."""
    series = analysis.series
    runs = list(dict.fromkeys(series.runs))
    groups = {c.run: c.tags[analysis.by] if analysis.by else c.run for c in reversed(series.checkpoints)}
    named = sorted(set(groups.values()), key=lambda name: list(groups.values())[::-1].index(name))
    made = []
    for run in runs:
        k = named.index(groups[run])
        alike = len(named) > _NAMED
        style = {
            "color": COLOURS[0 if alike else k],
            "marker": MARKERS[0 if alike else k],
            "linestyle": _LINES[0 if alike else k % len(_LINES)],
        }
        label = "training runs" if alike else f"{analysis.by}={groups[run]}" if analysis.by else groups[run]
        made.append(Line(run, label, [c for c in series.checkpoints if c.run == run], style))
    return made


def draw_lines(axes: Axes, lines: Sequence[Line], value: Callable[[Checkpoint], Estimate]) -> None:
    """One line per run with its band; many runs thinly, under the mean of each label over the runs that have a step."""
    many = len(lines) > BANDS
    for line in lines:
        steps = np.array([c.step for c in line.checkpoints])
        shown = [value(c) for c in line.checkpoints]
        values, low, high = (np.array([getattr(e, part) for e in shown]) for part in ("value", "low", "high"))
        if many:
            axes.plot(steps, values, linewidth=0.7, alpha=0.3, color=line.style["color"], linestyle="-")
        else:
            axes.fill_between(steps, low, high, color=line.style["color"], alpha=0.14, linewidth=0)
            axes.plot(steps, values, markersize=4, linewidth=1.3, **line.style)
    for label in dict.fromkeys(line.label for line in lines) if many else ():
        own = [line for line in lines if line.label == label]
        found: dict[float, list[float]] = {}
        for line in own:
            for c in line.checkpoints:
                found.setdefault(c.step, []).append(value(c).value)
        steps = np.array(sorted(found))
        axes.plot(steps, [_mean(found[step]) for step in steps], markersize=4, linewidth=2.0, **own[0].style)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def draw_fit(axes: Axes, x: Floats, y: Floats, **style: Any) -> None:
    """The regression line of y on x, from the smallest x to the largest; nothing where there is none."""
    both = np.isfinite(x) & np.isfinite(y)
    steepness = slope(x, y) if both.sum() > 1 else math.nan
    if math.isfinite(steepness):
        ends = np.array([x[both].min(), x[both].max()])
        axes.plot(ends, y[both].mean() + steepness * (ends - x[both].mean()), **style)


def step_axis(axes: Axes, series: Series, named: bool = True) -> None:
    """Steps on a logarithmic axis that also has a place for step 0; ticks at the steps that were run, where they do not overlap."""
    steps = np.array(sorted(set(series.steps)))
    positive = steps[steps > 0]
    if len(positive) and positive.min() < steps.min() + 1e-12:
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=float(positive.min()), linscale=0.5)
    places = np.log(np.where(steps > 0, steps, positive.min() / 2))
    kept: list[int] = []
    for k in range(len(steps)):
        if not kept or places[k] - places[kept[-1]] > 0.13 * (places[-1] - places[0]):
            kept.append(k)
    if kept[-1] != len(steps) - 1:
        kept = [*kept[: -1 if len(kept) > 1 else None], len(steps) - 1]
    axes.set_xticks(steps[kept], [short(step) for step in steps[kept]])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(MaxNLocator(1))
    axes.margins(x=0.06)
    if named:
        axes.set_xlabel("training step")


def short(step: float, _: object = None) -> str:
    """`500`, `2k`, `1.5k`, `1M`."""
    for scale, letter in ((1e6, "M"), (1e3, "k")):
        if step >= scale:
            return f"{step / scale:g}{letter}"
    return f"{step:g}"


def step_norm(steps: Floats) -> Normalize:
    """Steps to colours by their logarithm, with a place for step 0."""
    positive = steps[steps > 0]
    if steps.min() > 0:
        return LogNorm(float(steps.min()), float(steps.max()))
    return SymLogNorm(float(positive.min()), linscale=0.5, vmin=0, vmax=float(steps.max()))


def columns_of(panels: int) -> int:
    """How many panels stand side by side."""
    return {1: 1, 2: 2, 4: 2, 7: 4, 8: 4}.get(panels, 3)


def panels_of(panels: int, height: float = 2.4, columns: int | None = None) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels. height: of a row, inches. columns: None for as many as look well."""
    columns = columns or columns_of(panels)
    rows = math.ceil(panels / columns)
    figure = Figure(figsize=(max(3.2 * columns, 5.5), height * rows + 1.1), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in grid[panels:]:
        axes.remove()
    return figure, grid[:panels]


def said_of(lines: Sequence[Line]) -> str:
    """What `draw_lines` drew, for a title."""
    return "bands: 95 % intervals over items" if len(lines) <= BANDS else "thin: runs, thick: their mean"


def legend_of(figure: Figure, lines: Sequence[Line], more: Sequence[Line2D] = ()) -> None:
    """Below the panels: each label once, then `more`."""
    styles = {line.label: line.style for line in lines}
    handles = [Line2D([], [], markersize=4, label=label, **style) for label, style in styles.items()]
    handles += more
    legend = figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4), fontsize=8)
    for text in legend.get_texts():
        text.set_parse_math(False)
