"""The gains of a grid of interventions as a heat map: a panel per plug-in, a row per selection and control, a column per layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lsgap_bench.bootstrap import Floats
from lsgap_bench.schema import Condition

GREY = "#6B6B6B"
SIGNIFICANT = 0.05
"""Below this, after Holm's correction over the grid, a gain is marked."""


Flags = NDArray[np.bool_]


class Cell(NamedTuple):
    """A gain in points, and whether it is told apart from none."""

    gain: float
    marked: bool


class _Row(NamedTuple):
    selection: str
    control: str

    @property
    def label(self) -> str:
        return self.selection + (f" = {self.control.replace('_', ' ')}" if self.control else "")


def gain_map(cells: Mapping[str, Cell], title: str) -> Figure | str:
    """The figure of condition -> gain; the reason for which there is none where no plug-in was run at two layers in two ways."""
    found = {Condition.parse(name): cell for name, cell in cells.items() if math.isfinite(cell.gain)}
    plugins = [
        plugin
        for plugin in dict.fromkeys(c.intervention for c in found)
        if len({c.layer for c in found if c.intervention == plugin}) > 1 and len({_row(c) for c in found if c.intervention == plugin}) > 1
    ]
    if not plugins:
        return "no grid of interventions was run: it takes at least two selections at two layers, such as speech+P:{bottom3,all}@{0,1}"
    shown = {c: cell for c, cell in found.items() if c.intervention in plugins}
    layers = sorted({str(c.layer) for c in shown}, key=lambda layer: (not layer.isdigit(), int(layer) if layer.isdigit() else 0))
    rows = {plugin: _rows_of(c for c in shown if c.intervention == plugin) for plugin in plugins}
    width = 2.6 + len(plugins) * (1.0 + 0.55 * len(layers))
    figure = Figure(figsize=(min(max(width, 5.5), 14), 2.0 + 0.32 * max(map(len, rows.values()))), layout="constrained")
    most = max(*(abs(cell.gain) for cell in shown.values()), 1e-9)
    panels = list(figure.subplots(1, len(plugins), squeeze=False).flat)
    for axes, plugin in zip(panels, plugins, strict=True):
        gains, marked = np.full((len(rows[plugin]), len(layers)), np.nan), np.zeros((len(rows[plugin]), len(layers)), dtype=bool)
        for c, cell in shown.items():
            if c.intervention == plugin:
                place = rows[plugin].index(_row(c)), layers.index(str(c.layer))
                gains[place], marked[place] = cell
        image = axes.imshow(gains, cmap="PuOr_r", norm=TwoSlopeNorm(0, -most, most), aspect="auto")
        _write_cells(axes, gains, marked, most)
        axes.set_yticks(range(len(rows[plugin])), [row.label for row in rows[plugin]], fontsize=8)
        axes.set_xticks(range(len(layers)), layers)
        axes.set(xlabel="layer of the edit")
        axes.set_title(str(plugin), fontsize=9, loc="left", parse_math=False)
        axes.grid(visible=False)
    figure.colorbar(image, ax=panels, label="gain over plain speech (points)", aspect=25, pad=0.02)
    figure.suptitle(f"{title}\n* p < {SIGNIFICANT:g} after Holm's correction over the grid", fontsize=10, parse_math=False)
    return figure


def _row(condition: Condition) -> _Row:
    return _Row(str(condition.selection), condition.control or "")


def _rows_of(conditions: Iterable[Condition]) -> list[_Row]:
    """Selections in their first order, each with its controls below it."""
    found = list(dict.fromkeys(map(_row, conditions)))
    order = list(dict.fromkeys(row.selection for row in found))
    return sorted(found, key=lambda row: (order.index(row.selection), bool(row.control)))


def _write_cells(axes: Axes, gains: Floats, marked: Flags, most: float) -> None:
    for place, value in np.ndenumerate(gains):
        row, column = place
        if math.isnan(value):
            axes.text(column, row, "-", ha="center", va="center", fontsize=7, color=GREY)
        else:
            colour = "white" if abs(value) > 0.65 * most else "black"
            said = f"{round(value, 1) + 0.0:+.1f}" + "*" * bool(marked[place])
            axes.text(column, row, said, ha="center", va="center", fontsize=7, color=colour)
