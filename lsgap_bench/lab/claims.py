"""The paper's claims, each beside what a sweep says of it: it agrees, it disagrees, or its interval holds both."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lsgap_bench.regressions import mean_over_runs
from lsgap_bench.schema import Estimate, absent
from lsgap_bench.series import Series
from lsgap_bench.series_analysis import ALL, LOG_STEP, Analysis, Association
from lsgap_bench.series_findings import told
from lsgap_bench.series_tables import Table

AGREES, DISAGREES, OPEN = "agrees", "disagrees", "not told apart"
_LAYER = 0  # of the interventions: the reading that the paper's wording suggests


def verdict(found: Estimate, sign: int) -> str:
    """Whether the interval of a figure lies on the side of 0 that the claim says (sign: 1 above, -1 below), on the other, or on both."""
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return "no interval"
    low, high = sorted((sign * found.low, sign * found.high))
    return AGREES if low > 0 else DISAGREES if high < 0 else OPEN


def claims_table(analysis: Analysis, grid: Analysis | None = None) -> Table:
    """One row per claim. analysis: of the checkpoints, by strategy. grid: of the interventions on the last checkpoint of every run."""
    table = Table(
        "The paper's claims, and what these models say",
        ["claim", "paper", "here", "verdict"],
        note="95 % intervals over training runs. Verdict: on which side of 0 the interval lies.",
        first=62,
        words=True,
    )
    table.rows += [
        *_training(analysis),
        *_depth(analysis),
        *_similarity(analysis),
        *_flips(analysis),
        *(_interventions(grid.series) if grid else ()),
    ]
    return table


def _training(analysis: Analysis) -> Iterator[list[str]]:
    paper = {"strategy=lora": "R2 0.49", "strategy=full": "R2 0.52"}
    for subset, name in _strategies(analysis):
        trend = next((t for t in analysis.training if (t.subset, t.quantity) == (subset, "gap")), None)
        step = next((a for a in analysis.associations if (a.subset, a.predictor) == (subset, LOG_STEP)), None)
        if trend is not None and step is not None:
            here = f"{told(trend.doubling, True)} points per doubling of the step; R2 with log(step) {told(step.fit.r2)}"
            yield [f"(a) the gap shrinks with training, {name}", paper.get(subset, ""), here, verdict(trend.doubling, -1)]
        cosine = next((t for t in analysis.training if (t.subset, t.quantity) == (subset, "pooled_cosine")), None)
        if cosine is not None:
            here = f"{told(cosine.doubling, True)} per doubling"
            yield [f"(b) pooled cosine rises with training, {name}", "it rises", here, verdict(cosine.doubling, 1)]


def _depth(analysis: Analysis) -> Iterator[list[str]]:
    for metric, name in (("pooled_cosine", "pooled cosine"), ("pooled_euclidean", "pooled Euclidean distance")):
        for trend in analysis.depth:
            if (trend.subset, trend.metric, trend.quantity) == (ALL, metric, "value"):
                yield [f"(b) {name} rises with depth", "it rises", f"rho {told(trend.rho, True)}", verdict(trend.rho, 1)]
                inner = f"rho {told(trend.inner, True)}"
                yield ["(b) the same, before the final norm (layers 1..L-1)", "not said", inner, verdict(trend.inner, 1)]


def _similarity(analysis: Analysis) -> Iterator[list[str]]:
    """A distance goes with the gap by the other sign than a similarity."""
    claims = (
        ("pooled_cosine", -1, {"strategy=lora": "R2 0.75", "strategy=full": "R2 0.39"}),
        ("alignment_path_score", -1, {"strategy=lora": "R2 0.81"}),
        ("pooled_euclidean", 1, {"strategy=lora": "R2 0.64, 0.88", "strategy=full": "R2 0.27, 0.53"}),
        ("alignment_path_score_euclidean", 1, {"strategy=lora": "R2 0.72, 0.95"}),
    )
    for metric, sign, paper in claims:
        for subset, name in _strategies(analysis):
            found = _association(analysis, subset, metric)
            if found is None:
                continue
            fit, printed = found.fit, paper.get(subset, "not said")
            claim = f"(c) the gap goes with {metric}, {name}"
            yield [claim, printed, f"r {told(fit.r, True)}, R2 {told(fit.r2)}", verdict(fit.r, sign)]
            yield [
                "(d) the same within runs",
                "not said",
                f"r {told(fit.within_r, True)}, R2 {told(fit.within_r2)}",
                verdict(fit.within_r, sign),
            ]
            held = f"r {told(fit.partial_within_r, True)}"
            yield ["(d) the same within runs, step held fixed", "not said", held, verdict(fit.partial_within_r, sign)]
    for subset, name in _strategies(analysis):
        for c in analysis.comparisons:
            if (c.subset, c.within, c.a, c.b) == (subset, False, "alignment_path_score", "pooled_cosine"):
                here = f"difference of R2 {told(c.difference, True)}"
                yield [f"(c) APS is stronger than pooled cosine, {name}", "0.81 > 0.75 (LoRA)", here, verdict(c.difference, 1)]


def _flips(analysis: Analysis) -> Iterator[list[str]]:
    """A metric that tells the items apart no better than a coin has an AUROC of 0.5."""
    for f in analysis.flips:
        if f.quantity == "value" and f.metric in ("alignment_path_score", "pooled_cosine") and math.isfinite(f.net.value):
            above = replace(f.net, value=f.net.value - 0.5, low=f.net.low - 0.5, high=f.net.high - 0.5)
            here = f"AUROC {told(f.pooled)}, net of checkpoint and task {told(f.net)}"
            yield [f"(e) {f.metric} tells the items lost in speech", "not measured", here, verdict(above, 1)]


def _interventions(series: Series) -> Iterator[list[str]]:
    for plugin, paper in (
        ("angle_projection", "+5.1, +1.6, -3.6, +3.4, +0.9"),
        ("length_normalization", "+3.8, -0.7, -4.9, -2.9, -1.8"),
    ):
        name = f"speech+{plugin}:bottom3@{_LAYER}"
        gain = _difference(series, name, None)
        yield [f"(f) {plugin} of bottom3 helps", paper, f"{told(gain, True)} points", verdict(gain, 1)]
        beyond = _difference(series, name, name.replace("bottom3", "random3"))
        yield [f"(f) {plugin} beyond random3", "not measured", f"{told(beyond, True)} points", verdict(beyond, 1)]
    name = f"speech+angle_projection:bottom3@{_LAYER}"
    for control in ("wrong_transcript", "random_direction"):
        beyond = _difference(series, name, f"{name}={control}")
        yield [f"(f) angle_projection beyond {control}", "not measured", f"{told(beyond, True)} points", verdict(beyond, 1)]
    other = _difference(series, name, f"speech+length_normalization:bottom3@{_LAYER}")
    yield ["(f) angle_projection helps more than length", "in 5 of 5 models", f"{told(other, True)} points", verdict(other, 1)]


def _difference(series: Series, condition: str, control: str | None) -> Estimate:
    """Gain of a condition, minus that of another where one is named, mean over the checkpoints that ran both."""

    def gains(name: str | None) -> list[float]:
        found = [c.interventions.get(name) if name else None for c in series.checkpoints]
        return [of.gain.value if of else (0.0 if name is None else math.nan) for of in found]

    values = np.array(gains(condition)) - np.array(gains(control))
    return mean_over_runs(values, series.runs, "points") if np.isfinite(values).any() else absent("it was not run", "points")


def _strategies(analysis: Analysis) -> list[tuple[str, str]]:
    """(subset, its value) of every value of the tag that splits the series; everything together where there is one only."""
    return [(subset, subset.partition("=")[2]) for subset in analysis.subsets if subset != ALL] or [(ALL, "all runs")]


def _association(analysis: Analysis, subset: str, predictor: str) -> Association | None:
    return next((a for a in analysis.associations if (a.subset, a.predictor) == (subset, predictor)), None)
