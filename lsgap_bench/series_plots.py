"""A series as pictures: scores and metrics along training, layer curves by step, the gap against each metric, the grid of interventions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from lsgap_bench.bootstrap import Floats
from lsgap_bench.plots import STYLE, save_figure
from lsgap_bench.report import of_difference, of_score
from lsgap_bench.schema import Estimate
from lsgap_bench.series import SCORES
from lsgap_bench.series_analysis import ALL, Analysis
from lsgap_bench.series_drawing import (
    BANDS,
    GREY,
    columns_of,
    draw_fit,
    draw_lines,
    legend_of,
    lines_of,
    panels_of,
    said_of,
    short,
    step_axis,
    step_norm,
)
from lsgap_bench.series_gains import parts_of


@dataclass
class Drawn:
    """The files that were written, and figure -> why it was left out."""

    paths: list[Path] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, str]:
        """Figure -> file name of its PNG."""
        return {path.stem: path.name for path in self.paths if path.suffix == ".png"}


def save_series_plots(analysis: Analysis, folder: Path) -> Drawn:
    """Write every figure that the series has numbers for into `folder`, as PNG and SVG; older ones of these names are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = Drawn()
    makers: dict[str, Callable[[Analysis], Figure | str]] = {
        "scores_by_step": _scores_by_step,
        "metrics_by_step": _metrics_by_step,
        "layers_by_step": _layers_by_step,
        "gap_by_metric": _gap_by_metric,
        "interventions": _interventions,
    }
    with rc_context(STYLE):
        for name, make in makers.items():
            for kind in (".png", ".svg"):
                (folder / name).with_suffix(kind).unlink(missing_ok=True)
            made = make(analysis)
            if isinstance(made, str):
                drawn.left_out[name] = made
            else:
                drawn.paths += save_figure(made, folder / name)
    return drawn


def _scores_by_step(analysis: Analysis) -> Figure | str:
    series, lines = analysis.series, lines_of(analysis)
    if len(set(series.steps)) < 2:
        return "all checkpoints are of one step"
    if not any(np.isfinite(series.values(name)).any() for name in SCORES):
        return "no checkpoint has a score"
    figure = Figure(figsize=(9.6, 3.7), layout="constrained")
    panels = figure.subplots(1, 3)
    panels[1].sharey(panels[0])
    for axes, name in zip(panels, SCORES, strict=True):
        draw_lines(axes, lines, lambda c, name=name: _cut(name, c.estimate(name)))  # type: ignore[misc]
        axes.set_title("gap = text - speech" if name == "gap" else name, fontsize=9, loc="left")
        if name == "gap":
            axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
        step_axis(axes, series)
    low, high = panels[0].get_ylim()
    panels[0].set_ylim(max(low, -2), min(high, 102))
    panels[0].set_ylabel("points")
    legend_of(figure, lines)
    figure.suptitle(f"Scores along training ({said_of(lines)})", fontsize=10)
    return figure


def _metrics_by_step(analysis: Analysis) -> Figure | str:
    series, lines = analysis.series, lines_of(analysis)
    if len(set(series.steps)) < 2:
        return "all checkpoints are of one step"
    if not series.metrics:
        return "no representation was measured"
    figure, grid = panels_of(len(series.metrics))
    for k, (axes, metric) in enumerate(zip(grid, series.metrics, strict=True)):
        draw_lines(axes, lines, lambda c, metric=metric: c.measured(metric, "value"))  # type: ignore[misc]
        for line in lines if len(lines) <= BANDS else ():
            nulls = [c.representation[metric].null.get("same_task") for c in line.checkpoints]
            values = [math.nan if null is None else null.value for null in nulls]
            axes.plot([c.step for c in line.checkpoints], values, color=line.style["color"], linestyle=(0, (1, 1.5)), linewidth=1.1)
        axes.set_title(metric, fontsize=9, loc="left", parse_math=False)
        axes.set_ylabel(series.checkpoints[0].representation[metric].unit, parse_math=False)
        step_axis(axes, series, named=k >= len(series.metrics) - columns_of(len(series.metrics)))
    dotted = Line2D([], [], color=GREY, linestyle=(0, (1, 1.5)), linewidth=1.1, label="null: another text of the same task")
    legend_of(figure, lines, [dotted] * (len(lines) <= BANDS))
    figure.suptitle(f"Speech against text states along training, mean over layers 1..L\n({said_of(lines)})", fontsize=10)
    return figure


def _layers_by_step(analysis: Analysis) -> Figure | str:
    series = analysis.series
    if len(set(series.steps)) < 2:
        return "all checkpoints are of one step"
    if not series.metrics:
        return "no representation was measured"
    figure, grid = panels_of(len(series.metrics))
    norm, map_of = step_norm(series.steps), "viridis"
    depths = {len(c.representation[metric].by_layer) for c in series.checkpoints for metric in series.metrics}
    from matplotlib.cm import ScalarMappable

    colours = ScalarMappable(norm, map_of)
    for k, (axes, metric) in enumerate(zip(grid, series.metrics, strict=True)):
        for c in sorted(series.checkpoints, key=lambda c: c.step):
            curve = np.asarray(c.representation[metric].by_layer, dtype=np.float64)
            places = np.arange(len(curve)) / (1 if len(depths) == 1 else max(len(curve) - 1, 1))
            axes.plot(places, curve, color=colours.to_rgba(np.asarray(c.step)), linewidth=1.2, alpha=1 if len(series) <= 12 else 0.6)
        axes.set_title(metric, fontsize=9, loc="left", parse_math=False)
        axes.set_ylabel(series.checkpoints[0].representation[metric].unit, parse_math=False)
        if len(depths) == 1:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if k >= len(series.metrics) - columns_of(len(series.metrics)):
            axes.set_xlabel("layer (0: the decoder's input)" if len(depths) == 1 else "layer / number of layers")
    bar = figure.colorbar(colours, ax=grid, label="training step", aspect=40, pad=0.02)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(short))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    shown = sorted(set(series.steps))
    bar.set_ticks(shown if len(shown) <= 8 else [shown[round(k)] for k in np.linspace(0, len(shown) - 1, 6)])
    figure.suptitle(f"Speech against text states by layer, {len(series)} checkpoints", fontsize=10)
    return figure


def _gap_by_metric(analysis: Analysis) -> Figure | str:
    series, lines = analysis.series, lines_of(analysis)
    if len(series) < 3:
        return "a regression needs three checkpoints"
    if not series.metrics:
        return "no representation was measured"
    if np.isfinite(series.values("gap")).sum() < 3:
        return "fewer than three checkpoints have a gap"
    figure, grid = panels_of(len(series.metrics), height=2.7)
    few = len(lines) <= 2 * BANDS
    fits = {a.metric: a.fit for a in analysis.associations if a.subset == ALL and a.quantity == "value"}
    for axes, metric in zip(grid, series.metrics, strict=True):
        for line in lines:
            x = np.array([c.measured(metric, "value").value for c in line.checkpoints])
            y = np.array([c.estimate("gap").value for c in line.checkpoints])
            axes.plot(x, y, linestyle="", markersize=4 if few else 3, color=line.style["color"], marker=line.style["marker"], alpha=0.85)
            draw_fit(axes, x, y, color=line.style["color"], linestyle=line.style["linestyle"], linewidth=0.9, alpha=0.7 if few else 0.3)
        draw_fit(axes, series.measured(metric, "value"), series.values("gap"), color="black", linewidth=1.8, linestyle=(0, (5, 2)))
        found = fits[metric]
        r2 = "".join(
            f"  {name} {e.value:.2f}" for name, e in (("R² pooled", found.r2), ("within runs", found.within_r2)) if math.isfinite(e.value)
        )
        axes.set_title(f"{metric}\n{r2.strip()}", fontsize=8.5, loc="left", parse_math=False)
        axes.set_xlabel(series.checkpoints[0].representation[metric].unit, parse_math=False)
    for axes in grid[:: columns_of(len(series.metrics))]:
        axes.set_ylabel("gap (points)")
    pooled = Line2D([], [], color="black", linewidth=1.8, linestyle=(0, (5, 2)), label="pooled regression")
    legend_of(figure, lines, [pooled])
    figure.suptitle("The gap against each metric: a point per checkpoint,\na thin regression line per training run", fontsize=10)
    return figure


def _interventions(analysis: Analysis) -> Figure | str:
    gains = {g.condition: g.gain.value for g in analysis.gains if math.isfinite(g.gain.value)}
    places = {name: parts_of(name) for name in gains}
    plugins = [
        plugin
        for plugin in dict.fromkeys(parts[0] for parts in places.values())
        if len({parts[2] for parts in places.values() if parts[0] == plugin}) > 1
        and len({parts[1::2] for parts in places.values() if parts[0] == plugin}) > 1
    ]
    if not plugins:
        return "no grid of interventions was run: it takes at least two selections at two layers, such as speech+P:{bottom3,all}@{0,1}"
    shown = {name: parts for name, parts in places.items() if parts[0] in plugins}
    layers = sorted({parts[2] for parts in shown.values()}, key=lambda layer: (not layer.isdigit(), int(layer) if layer.isdigit() else 0))
    rows = {plugin: _rows_of(plugin, shown) for plugin in plugins}
    width = 2.6 + len(plugins) * (1.0 + 0.55 * len(layers))
    figure = Figure(figsize=(min(max(width, 5.5), 14), 1.7 + 0.32 * max(map(len, rows.values()))), layout="constrained")
    most = max(max(abs(gains[name]) for name in shown), 1e-9)
    panels = list(figure.subplots(1, len(plugins), squeeze=False).flat)
    for axes, plugin in zip(panels, plugins, strict=True):
        cells = np.full((len(rows[plugin]), len(layers)), np.nan)
        for name, (of, selection, layer, control) in shown.items():
            if of == plugin:
                cells[rows[plugin].index((selection, control)), layers.index(layer)] = gains[name]
        image = axes.imshow(cells, cmap="PuOr_r", norm=TwoSlopeNorm(0, -most, most), aspect="auto")
        _write_cells(axes, cells, most)
        names = [selection + (f" = {control.replace('_', ' ')}" if control else "") for selection, control in rows[plugin]]
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.set_xticks(range(len(layers)), layers)
        axes.set(xlabel="layer of the edit")
        axes.set_title(plugin, fontsize=9, loc="left", parse_math=False)
        axes.grid(visible=False)
    figure.colorbar(image, ax=panels, label="gain over plain speech (points)", aspect=25, pad=0.02)
    number = max(g.checkpoints for g in analysis.gains)
    figure.suptitle(f"Interventions: mean gain over {number} checkpoint{'s' * (number > 1)}", fontsize=10)
    return figure


def _rows_of(plugin: str, shown: dict[str, tuple[str, str, str, str]]) -> list[tuple[str, str]]:
    """Selections of a plug-in in their first order, each with its controls below it."""
    found = list(dict.fromkeys((parts[1], parts[3]) for parts in shown.values() if parts[0] == plugin))
    order = list(dict.fromkeys(selection for selection, _ in found))
    return sorted(found, key=lambda row: (order.index(row[0]), bool(row[1])))


def _write_cells(axes: Axes, cells: Floats, most: float) -> None:
    for (row, column), value in np.ndenumerate(cells):
        if math.isnan(value):
            axes.text(column, row, "-", ha="center", va="center", fontsize=7, color=GREY)
        else:
            colour = "white" if abs(value) > 0.65 * most else "black"
            axes.text(column, row, f"{round(value, 1) + 0.0:+.1f}", ha="center", va="center", fontsize=7, color=colour)


def _cut(name: str, exact: Estimate) -> Estimate:
    return of_difference(exact) if name == "gap" else of_score(exact)
