"""A Comparison as pictures: the paired differences at every place, and the gap against each representation metric, a point per model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lsgap_bench.cells import of_difference
from lsgap_bench.comparison import Comparison
from lsgap_bench.comparison_metrics import MANY, Against
from lsgap_bench.comparison_places import QUANTITIES
from lsgap_bench.schema import Estimate
from lsgap_bench.series_drawing import COLOURS, GREY, MARKERS, Line, legend_of, panels_of
from lsgap_bench.series_plots import Drawn, draw_figures

DRAWN_FORMS = {"value": "", "same_task": "above the same-task null"}
"""Of each metric these are drawn; its distance above the other null is in the tables."""


def save_comparison_plots(comparison: Comparison, folder: Path) -> Drawn:
    """Write `differences` and `gap_by_metric` into `folder`, as PNG and SVG; what cannot be drawn is left out, with the reason."""
    makers = {"differences": _differences, "gap_by_metric": _gap_by_metric}
    return draw_figures({name: partial(make, comparison) for name, make in makers.items()}, folder)


def _looks(comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Model -> colour and marker, no two alike for up to 49 models; the reference hollow, so that what lies on it is seen."""
    many = len(COLOURS)
    return {
        model.name: {
            "color": COLOURS[k % many],
            "marker": MARKERS[(k + k // many) % len(MARKERS)],
            "markerfacecolor": COLOURS[k % many] if k else "none",
            "linestyle": "",
        }
        for k, model in enumerate(comparison.models)
    }


def _legend(figure: Figure, looks: Mapping[str, dict[str, Any]]) -> None:
    legend_of(figure, [Line(name, name, (), style) for name, style in looks.items()])


def _differences(comparison: Comparison) -> Figure | str:
    looks = {name: style for name, style in _looks(comparison).items() if name != comparison.reference}
    places = comparison.places
    found = [paired.difference.value for place in places for of in place.differences.values() for paired in of.values()]
    if not any(map(math.isfinite, found)):
        return "no two models have scores on the same items"
    step = min(0.22, 0.7 / len(looks))
    figure = Figure(figsize=(9.6, 1.9 + len(places) * max(0.33, 0.14 * len(looks))), layout="constrained")
    panels = figure.subplots(1, len(QUANTITIES), sharey=True)
    for axes, quantity in zip(panels, QUANTITIES, strict=True):
        for y, place in enumerate(places):
            for k, (name, style) in enumerate(looks.items()):
                offset = step * (k - (len(looks) - 1) / 2)
                _draw_point(axes, place.differences[name][quantity].difference, y + offset, style)
        axes.axvline(0, color=GREY, linewidth=0.9, zorder=1)
        axes.set_ylim(len(places) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(f"difference in {quantity} (points)")
        if len(places) > 1:
            axes.axhline(sum(len(place.tasks) > 1 for place in places) - 0.5, color=GREY, linewidth=0.8)
    panels[0].set_yticks(range(len(places)), [place.name for place in places], parse_math=False)
    _legend(figure, looks)
    figure.suptitle(f"Differences from {comparison.reference} on the same items, with 95 % intervals", fontsize=10, parse_math=False)
    return figure


def _draw_point(axes: Axes, shown: Estimate, y: float, style: Mapping[str, Any]) -> None:
    axes.hlines(y, shown.low, shown.high, color=style["color"], linewidth=1.5, zorder=2)
    axes.plot(shown.value, y, markersize=8 if style["markerfacecolor"] == "none" else 5, zorder=3, **style)


def _gap_by_metric(comparison: Comparison) -> Figure | str:
    drawn = [of for of in comparison.against if of.quantity in DRAWN_FORMS]
    gaps = {name: of_difference(of["gap"]) for name, of in comparison.overall.scores.items()}
    if not drawn:
        return "no representation metric was measured of every model"
    if not any(math.isfinite(gap.value) for gap in gaps.values()):
        return "no model has a gap"
    looks = _looks(comparison)
    columns = len(DRAWN_FORMS) * (1 if len(drawn) == len(DRAWN_FORMS) else 2)
    figure, grid = panels_of(len(drawn), height=2.5, columns=columns)
    for k, (axes, of) in enumerate(zip(grid, drawn, strict=True)):
        axes.sharey(grid[0])
        axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
        for name, gap in gaps.items():
            _draw_crossed(axes, of.values[name], gap, looks[name])
        axes.set_title(f"{of.metric}\n{_said(of)}", fontsize=8.5, loc="left", parse_math=False)
        axes.set_xlabel(of.unit, parse_math=False)
        axes.margins(0.12)
        axes.tick_params(axis="y", labelleft=k % columns == 0)
        if k % columns == 0:
            axes.set_ylabel("gap (points)")
    _legend(figure, looks)
    n = len(gaps)
    few = f"{n} models, few for a correlation" if n < MANY else f"{n} models"
    figure.suptitle(f"The gap against each metric: a point per model, with 95 % intervals over items\n{few}", fontsize=10)
    return figure


def _draw_crossed(axes: Axes, x: Estimate, y: Estimate, style: Mapping[str, Any]) -> None:
    """A point with its interval along both axes; nothing where either value is absent."""
    axes.vlines(x.value, y.low, y.high, color=style["color"], linewidth=1.2, zorder=2)
    _draw_point(axes, x, y.value, style)


def _said(of: Against) -> str:
    """Which form is on the axis, and how the two go together."""
    r = f"r {of.pearson.value:+.2f}, rho {of.spearman.value:+.2f}" if math.isfinite(of.pearson.value) else ""
    return ": ".join(filter(None, [DRAWN_FORMS[of.quantity], r]))
