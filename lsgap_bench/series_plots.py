"""A series as pictures: scores and metrics along training, layer curves by step, the gap against each metric, the grid of interventions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from lsgap_bench.cells import of_difference, of_score
from lsgap_bench.gain_map import SIGNIFICANT, Cell, gain_map
from lsgap_bench.plots import STYLE, save_figure
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
    makers: dict[str, Callable[[Analysis], Figure | str]] = {
        "scores_by_step": _scores_by_step,
        "metrics_by_step": _metrics_by_step,
        "layers_by_step": _layers_by_step,
        "gap_by_metric": _gap_by_metric,
        "interventions": _interventions,
    }
    return draw_figures({name: partial(make, analysis) for name, make in makers.items()}, folder)


def draw_figures(makers: Mapping[str, Callable[[], Figure | str]], folder: Path) -> Drawn:
    """Write the figure of each name into `folder`, or keep the reason that its maker gives for having none; older ones are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = Drawn()
    with rc_context(STYLE):
        for name, make in makers.items():
            for kind in (".png", ".svg"):
                (folder / name).with_suffix(kind).unlink(missing_ok=True)
            made = make()
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
    number = max((g.checkpoints for g in analysis.gains), default=0)
    cells = {g.condition: Cell(g.gain.value, g.p_holm < SIGNIFICANT) for g in analysis.gains}
    return gain_map(cells, f"Interventions: mean gain over {number} checkpoint{'s' * (number > 1)}")


def _cut(name: str, exact: Estimate) -> Estimate:
    return of_difference(exact) if name == "gap" else of_score(exact)
