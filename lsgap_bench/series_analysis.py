"""A Series -> its Analysis: what goes with the gap, which predictor is stronger, trends with depth and training, flips, interventions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from lsgap_bench.bootstrap import Floats
from lsgap_bench.regressions import RHO, SHARE, Fit, fit, mean_over_runs, r2_difference, slope, spearman
from lsgap_bench.schema import Estimate
from lsgap_bench.series import QUANTITIES, Checkpoint, Series, layer_curve
from lsgap_bench.series_gains import CheckpointGain, Gain, checkpoint_gains, gains
from lsgap_bench.series_items import FlipResult, Items, flip_results, label, read_items

ALL = "all"
LOG_STEP = "log(step)"
RIVALS = (
    ("alignment_path_score", "pooled_cosine"),
    ("alignment_path_score_euclidean", "pooled_euclidean"),
)
"""Which is stronger? Paper sections 4 and 5.2 quote an R2 for each side of a pair."""


@dataclass(frozen=True)
class Association:
    """The gap on one predictor, over the checkpoints of one subset (`all`, or `TAG=VALUE`).

    metric, quantity: None for log(step). fit: with log(step) as control. by_layer: pooled R2 of each layer 0..L, empty where layers differ
    between checkpoints; best_layer: the layer 1..L of the largest, chosen on these very data, so its R2 flatters.
    """

    subset: str
    predictor: str
    metric: str | None
    quantity: str | None
    fit: Fit
    by_layer: Sequence[float] = ()
    best_layer: int | None = None


@dataclass(frozen=True)
class Comparison:
    """R2 of predictor a minus that of b, both for the gap. within: within runs, not pooled."""

    subset: str
    a: str
    b: str
    within: bool
    difference: Estimate


@dataclass(frozen=True)
class DepthTrend:
    """A metric along the layers 1..L, mean over checkpoints, intervals over training runs.

    rho: Spearman with depth. change: least-squares change from layer 1 to layer L, in the metric's unit. rising: share of checkpoints
    whose rho is positive. inner: rho over 1..L-1, for layer L is after the final norm, which rescales distances.
    """

    subset: str
    metric: str
    quantity: str
    rho: Estimate
    change: Estimate
    rising: Estimate
    inner: Estimate


@dataclass(frozen=True)
class TrainingTrend:
    """A quantity along training, mean over runs of at least three steps. rho: Spearman with the step. doubling: change per doubled step.

    rising: share of runs whose rho is positive.
    """

    subset: str
    quantity: str
    rho: Estimate
    doubling: Estimate
    rising: Estimate


@dataclass(frozen=True)
class Analysis:
    """Everything `lsgap report series` says. by: the tag that splits the series, or None. missing: part -> why it is not there."""

    series: Series
    by: str | None
    associations: Sequence[Association]
    comparisons: Sequence[Comparison]
    depth: Sequence[DepthTrend]
    training: Sequence[TrainingTrend]
    flips: Sequence[FlipResult]
    gains: Sequence[Gain]
    checkpoint_gains: Sequence[CheckpointGain]
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def subsets(self) -> list[str]:
        """`all`, then `TAG=VALUE` for each value of the tag."""
        return list(dict.fromkeys(a.subset for a in self.associations))


def analyse(
    series: Series,
    by: str | None = None,
    items: bool = True,
    n_boot: int = 10_000,
    seed: int = 0,
    progress: Callable[[Sequence[Checkpoint]], Iterable[Checkpoint]] = iter,
) -> Analysis:
    """The analysis of a series; the same code for three checkpoints as for a hundred.

    by: a tag whose values are also analysed one by one. items: read the samples too, for flips and p-values. progress: wraps the
    checkpoints whose samples are read. UsageError for a tag that a checkpoint lacks.
    """
    parts = {ALL: series}
    if by is not None:
        found = series.parts(by)
        parts |= {f"{by}={value}": part for value, part in found.items()} if len(found) > 1 else {}
    missing = {} if items else {"items": "samples were not read (--no-items)"}
    tables = _all_items(progress(series.checkpoints), missing) if items else []
    used = series.checkpoints if tables else ()
    treated = gains(series, tables, seed)
    if not treated:
        missing["interventions"] = "no checkpoint ran an intervention"
    return Analysis(
        series=series,
        by=by,
        associations=[a for name, part in parts.items() for a in _associations(name, part, n_boot, seed)],
        comparisons=[c for name, part in parts.items() for c in _comparisons(name, part, n_boot, seed)],
        depth=[d for name, part in parts.items() for d in _depth(name, part)],
        training=[t for name, part in parts.items() for t in _training(name, part)],
        flips=flip_results(used, tables),
        gains=treated,
        checkpoint_gains=checkpoint_gains(series, tables, seed),
        missing=missing,
    )


def _all_items(checkpoints: Iterable[Checkpoint], missing: dict[str, str]) -> list[Items]:
    """The items of every checkpoint, or none at all: the mean over some of them would be another quantity."""
    found = []
    for checkpoint in checkpoints:
        items = read_items(checkpoint)
        if isinstance(items, str):
            missing["items"] = items
            return []
        found.append(items)
    return found


def _associations(subset: str, series: Series, n_boot: int, seed: int) -> list[Association]:
    gap, control = series.values("gap"), series.log_steps
    made = [Association(subset, LOG_STEP, None, None, fit(control, gap, series.runs, None, n_boot, seed))]
    for metric, quantity in product(series.metrics, QUANTITIES):
        by_layer = _layer_r2(series, metric, quantity, gap)
        known = [k for k, value in enumerate(by_layer) if k > 0 and math.isfinite(value)]
        made.append(
            Association(
                subset,
                label(metric, quantity),
                metric,
                quantity,
                fit(series.measured(metric, quantity), gap, series.runs, control, n_boot, seed),
                by_layer,
                max(known, key=lambda k: by_layer[k]) if known else None,
            )
        )
    return made


def _layer_r2(series: Series, metric: str, quantity: str, gap: Floats) -> list[float]:
    layers = series.by_layer(metric, quantity)
    if layers is None:
        return []
    return [fit(column, gap, series.runs, n_boot=0).r2.value for column in layers.T]


def _comparisons(subset: str, series: Series, n_boot: int, seed: int) -> list[Comparison]:
    gap = series.values("gap")
    columns = {LOG_STEP: series.log_steps}
    columns |= {label(m, q): series.measured(m, q) for m, q in product(series.metrics, QUANTITIES)}
    pairs = [(label(a, q), label(b, q)) for q in ("value", "same_task") for a, b in RIVALS if {a, b} <= set(series.metrics)]
    pairs += [(label(m, "value"), LOG_STEP) for rivals in RIVALS for m in rivals if m in series.metrics]
    return [
        Comparison(subset, a, b, within, r2_difference(columns[a], columns[b], gap, series.runs, within, n_boot, seed))
        for a, b in pairs
        for within in (False, True)
    ]


def _depth(subset: str, series: Series) -> list[DepthTrend]:
    made = []
    layered = [metric for metric in series.metrics if series.checkpoints[0].representation[metric].layered]
    for metric, quantity in product(layered, QUANTITIES):
        curves = [layer_curve(c.representation[metric], quantity)[1:] for c in series.checkpoints]
        depths = [np.linspace(0, 1, len(curve)) if len(curve) > 1 else np.zeros(len(curve)) for curve in curves]
        rhos = [spearman(depth, curve) for depth, curve in zip(depths, curves, strict=True)]
        changes = [slope(depth, curve) for depth, curve in zip(depths, curves, strict=True)]
        unit = series.checkpoints[0].representation[metric].unit
        inner = mean_over_runs([spearman(d[:-1], c[:-1]) for d, c in zip(depths, curves, strict=True)], series.runs, RHO)
        made.append(DepthTrend(subset, metric, quantity, *_over_runs(rhos, changes, series.runs, unit), inner))
    return made


def _training(subset: str, series: Series) -> list[TrainingTrend]:
    named = {name: (series.values(name), "points") for name in ("gap", "text", "speech")}
    for metric, quantity in product(series.metrics, QUANTITIES):
        named[label(metric, quantity)] = series.measured(metric, quantity), series.checkpoints[0].representation[metric].unit
    runs = np.asarray(series.runs)
    names = list(dict.fromkeys(series.runs))
    made = []
    for name, (values, unit) in named.items():
        rhos = [spearman(series.steps[runs == run], values[runs == run]) for run in names]
        doublings = [slope(series.log_steps[runs == run] / math.log(2), values[runs == run]) for run in names]
        doublings = [math.nan if math.isnan(rho) else change for rho, change in zip(rhos, doublings, strict=True)]
        made.append(TrainingTrend(subset, name, *_over_runs(rhos, doublings, names, unit)))
    return made


def _over_runs(rhos: Sequence[float], changes: Sequence[float], runs: Sequence[str], unit: str) -> tuple[Estimate, Estimate, Estimate]:
    """Mean rho, mean change, share of positive rho; interval over training runs."""
    rising = [math.nan if math.isnan(rho) else float(rho > 0) for rho in rhos]
    return (
        mean_over_runs(rhos, runs, RHO),
        mean_over_runs(changes, runs, unit),
        mean_over_runs(rising, runs, SHARE),
    )
