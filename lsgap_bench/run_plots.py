"""Pictures of a run that not every run has: metrics against clip length, gains of interventions, text controls and variants."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lsgap_bench.bootstrap import Floats
from lsgap_bench.cells import estimate, of_difference
from lsgap_bench.gain_map import SIGNIFICANT, Cell, gain_map
from lsgap_bench.measures import mean_over_layers
from lsgap_bench.plots import CURVES, SIDE_LOOKS, STYLE, save_figure
from lsgap_bench.schema import SIDES, Record
from lsgap_bench.stats import mean_estimate
from lsgap_bench.task_tables import TaskTable

BINS = 8
_LEAST = 4
"""Items in a bin below which it is not drawn."""
WIDE = 95
"""Characters of a reason that fit a row of the conditions."""


def save_run_plots(record: Record, tables: Sequence[TaskTable], folder: Path) -> list[Path]:
    """Write `length` (where a metric has a value per item), `interventions` (where a grid was run), `conditions` (text controls, variants).

    folder: is made. Returns the files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    with rc_context(STYLE):
        names = [name for name, of in record.overall.representation.items() if of.by_length and math.isfinite(of.value.value)]
        if names:
            paths += save_figure(_length_figure(record, tables, names), folder / "length")
        cells = {name: Cell(of.gain.value, of.p_holm < SIGNIFICANT) for name, of in record.overall.interventions.items()}
        drawn = gain_map(cells, f"{record.system.get('name', '')}: gain of each intervention, mean over tasks") if cells else ""
        if isinstance(drawn, Figure):
            paths += save_figure(drawn, folder / "interventions")
        if record.overall.conditions:
            paths += save_figure(_conditions_figure(record), folder / "conditions")
    return paths


def _conditions_figure(record: Record) -> Figure:
    """A row per condition: its difference from the plain form of its modality."""
    found = record.overall.conditions
    figure = Figure(figsize=(7.5, 1.7 + 0.28 * len(found)), layout="constrained")
    axes = figure.add_subplot()
    for y, of in enumerate(found.values()):
        shown, look = of_difference(of.difference), SIDE_LOOKS[of.reference]
        if shown.why is not None:
            why = textwrap.shorten(f"absent: {shown.why}", WIDE, placeholder=" ...")
            axes.text(0.01, y, why, transform=axes.get_yaxis_transform(), fontsize=7, va="center", parse_math=False)
        axes.hlines(y, shown.low, shown.high, color=look.colour, linewidth=1.5)
        axes.plot(shown.value, y, markersize=5, **look.style)
    axes.axvline(0, color="black", linewidth=0.9)
    axes.set_yticks(range(len(found)), list(found), parse_math=False)
    axes.set(ylim=(len(found) - 0.5, -0.5), xlabel="difference (points)")
    handles = [Line2D([], [], label=f"against {look.label}", **look.style) for look in SIDE_LOOKS.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8)
    said = "text controls against text, variants of the clip against speech, mean over tasks, 95 % intervals"
    figure.suptitle(f"{record.system.get('name', '')}\n{said}", fontsize=10, parse_math=False)
    return figure


def _length_figure(record: Record, tables: Sequence[TaskTable], names: Sequence[str]) -> Figure:
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(max(3.2 * columns, 5.5), 2.5 * rows + 0.9), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for k, axes in enumerate(grid):
        if k >= len(names):
            axes.remove()
            continue
        _draw_length(axes, tables, names[k])
        of = record.overall.representation[names[k]]
        axes.set_title(f"{names[k]}\nrho {estimate(of.by_length['matched'])}", fontsize=8, loc="left", parse_math=False)
        axes.set_ylabel(of.unit, parse_math=False)
        if k + columns >= len(names):
            axes.set_xlabel("speech tokens of the clip")
    handles = [Line2D([], [], markersize=4, label=look.label, **look.style) for look in CURVES.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3 if columns == 3 else 1, fontsize=8)
    said = "each metric against the number of speech tokens: means of items of like length, 95 % intervals; rho: within tasks"
    figure.suptitle(f"{record.system.get('name', '')}\n{said}", fontsize=10, parse_math=False)
    return figure


def _draw_length(axes: Axes, tables: Sequence[TaskTable], name: str) -> None:
    having = [table for table in tables if name in table.curves]
    tokens = np.concatenate([table.lengths for table in having])
    clusters = [cluster for table in having for cluster in table.clusters]
    for side in SIDES:
        values = np.concatenate([mean_over_layers(table.curves[name][side], table.layers) for table in having])
        look = CURVES[side]
        points = [_bin(tokens[part], values[part], [clusters[k] for k in part]) for part in _bins(tokens)]
        shown = [point for point in points if point]
        if shown:
            x, y, low, high = np.array(shown).T
            axes.errorbar(x, y, [y - low, high - y], markersize=3.5, linewidth=1.2, elinewidth=0.8, **look.style)


def _bins(tokens: Floats) -> list[list[int]]:
    """Items in bins of about the same number, by their tokens; all items of one number are in one bin."""
    known = np.flatnonzero(np.isfinite(tokens))
    if not len(known):
        return []
    edges = np.unique(np.quantile(tokens[known], np.linspace(0, 1, BINS + 1)[1:-1]))
    codes = np.searchsorted(edges, tokens[known], side="left")
    return [known[codes == code].tolist() for code in range(len(edges) + 1)]


def _bin(tokens: Floats, values: Floats, clusters: Sequence[str]) -> tuple[float, float, float, float] | None:
    """Mean tokens, and the mean value with its limits; None for too few items."""
    if np.isfinite(values).sum() < _LEAST:
        return None
    made = mean_estimate(values, clusters, scale=1.0, n_boot=0)
    low, high = (made.value if math.isnan(end) else end for end in (made.low, made.high))
    return float(tokens.mean()), made.value, low, high
