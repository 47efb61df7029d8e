"""Regressions over checkpoints that come in training runs: pooled, within runs, step-controlled; and which predictor is stronger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from lsgap_bench.bootstrap import DEFINED, FEW_CLUSTERS, Floats, Interval, paired, resample_sums
from lsgap_bench.jackknife import correlation_interval, jackknife_interval, squared
from lsgap_bench.least_squares import FEWEST_GROUPS, regress
from lsgap_bench.schema import Estimate, absent
from lsgap_bench.stats import mean_estimate

R2, RHO, SHARE = "R2", "rho", "share"
"""Units of the figures made here. A metric's own unit (a fraction, a correlation) may be that of a change and is another thing."""


@dataclass(frozen=True)
class Fit:
    """Ordinary least squares of y on x over n checkpoints of `runs` training runs.

    Intervals are over runs: the jackknife's with Student's quantile, on Fisher's scale; from 50 runs on a percentile bootstrap.

    r2: pooled over all checkpoints. full_r2: of the model y ~ x + one dummy per run, so differences between runs count as explained.
    within_r2: of the same model, the share of the variation WITHIN runs that x explains (both sides minus their run's mean).
    partial_r: pooled correlation with the control held fixed. partial_within_r: the same after run means are removed.
    loo_r2: 1 - squared errors over squared deviations from the mean of y, each run predicted from the others; below 0: worse than the mean.
    slope: units of y per unit of x, pooled. r, within_r: Pearson's, pooled and within runs: the sign that an R2 does not show.
    """

    n: int
    runs: int
    slope: float
    r: Estimate
    within_r: Estimate
    r2: Estimate
    full_r2: Estimate
    within_r2: Estimate
    partial_r: Estimate
    partial_within_r: Estimate
    loo_r2: Estimate


class Cross(NamedTuple):
    """Centred cross-products of k variables, (..., k, k): around the mean of all points, and around each run's own mean."""

    total: Floats
    within: Floats


class _Sample(NamedTuple):
    """Complete points only. codes: the run of each point, 0..runs - 1."""

    table: Floats
    codes: NDArray[np.int64]
    runs: int


Statistic = Callable[[Cross], Floats]


def fit(x: ArrayLike, y: ArrayLike, runs: Sequence[object], control: ArrayLike | None = None, n_boot: int = 10_000, seed: int = 0) -> Fit:
    """Everything about y on x. x, y, control: (checkpoints,), NaN = absent; runs: a name per checkpoint.

    A figure is absent with its `why` when there are too few points, x or y is constant, or the control leaves nothing. ValueError if the
    lengths differ.
    """
    sample = _sample([x, y], runs)
    a, b = _columns([x, y])
    base = regress(a, b, groups=runs, n_boot=100, seed=seed)  # for slope and loo_r2; its interval is not used
    pooled = _Intervals(sample, n_boot, seed)
    inner = len(sample.table) - sample.runs - 1  # degrees of freedom that slope and run means leave
    too_few = f"{len(sample.table)} checkpoints of {sample.runs} runs leave no degree of freedom within runs" if inner < 1 else None
    return Fit(
        n=len(sample.table),
        runs=sample.runs,
        slope=base.slope,
        r=pooled.correlation(_pooled_r),
        within_r=pooled.correlation(_within_r, too_few),
        r2=pooled.r2(_pooled_r),
        full_r2=pooled.r2(_full_r, too_few),
        within_r2=pooled.r2(_within_r, too_few),
        **_partials(x, y, control, runs, n_boot, seed),
        loo_r2=_left_out(base.loo_r2, len(sample.table), sample.runs),
    )


def r2_difference(
    a: ArrayLike, b: ArrayLike, y: ArrayLike, runs: Sequence[object], within: bool = False, n_boot: int = 10_000, seed: int = 0
) -> Estimate:
    """R2 of y on a minus R2 of y on b, over the checkpoints that have both; its interval resamples runs, so the two stay paired.

    within: the within-run R2 of each instead of the pooled one. An interval that holds 0 says that these runs do not tell the two apart.
    """
    sample = _sample([a, y, b], runs)
    if within and len(sample.table) - sample.runs - 1 < 1:
        return absent("no degree of freedom is left within runs", R2, len(sample.table))

    def difference(cross: Cross) -> Floats:
        of = cross.within if within else cross.total
        return _squared(of, 0, 1) - _squared(of, 2, 1)

    return _Intervals(sample, n_boot, seed).difference(difference)


def mean_over_runs(values: ArrayLike, runs: Sequence[object], unit: str) -> Estimate:
    """The mean over checkpoints with its 95 % interval over training runs; NaN values are left out, n counts the others."""
    made = mean_estimate(values, runs, unit, 1.0)
    why = None if made.why is None else made.why.replace("one cluster", "one training run").replace("item", "checkpoint")
    method = made.method.replace("cluster sums", "sums of runs").replace("clusters", "training runs")
    return replace(made, why=why, method=method)


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rho of the points where both are there, ties averaged; NaN with fewer than three points or a constant side.

    A side that varies by rounding alone counts as constant.
    """
    a, b = paired(x, y, "x", "y")
    both = ~(np.isnan(a) | np.isnan(b))
    if both.sum() < 3 or _flat(a[both]) or _flat(b[both]):
        return math.nan
    return float(np.corrcoef(rankdata(a[both]), rankdata(b[both]))[0, 1])


def slope(x: ArrayLike, y: ArrayLike) -> float:
    """Least-squares slope of y on x over the points where both are there; NaN with fewer than two or a constant x."""
    a, b = paired(x, y, "x", "y")
    both = ~(np.isnan(a) | np.isnan(b))
    if both.sum() < 2 or _flat(a[both]):
        return math.nan
    centred = a[both] - a[both].mean()
    return float(centred @ (b[both] - b[both].mean()) / (centred @ centred))


def _flat(values: Floats) -> bool:
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


class _Intervals:
    """One sample, its cluster-bootstrap draws and its leave-one-run-out values, from which every figure takes its interval."""

    def __init__(self, sample: _Sample, n_boot: int, seed: int) -> None:
        self.n, self.runs, self.n_boot, self.seed = len(sample.table), sample.runs, n_boot, seed
        k = sample.table.shape[1]
        if self.n == 0:
            return
        centred = sample.table - sample.table.mean(axis=0)
        spread = centred.std(axis=0)
        flat = spread <= 1e-12 * np.abs(sample.table).max(axis=0)
        rows = _rows(np.where(flat, 0.0, centred / np.where(flat, 1.0, spread)), sample.codes)
        total = rows.sum(axis=0)
        self.observed, self.without = _cross(total, k), _cross(total - rows, k)
        self.resamples = n_boot if self.runs >= FEW_CLUSTERS else 0
        self.drawn = _cross(resample_sums(rows, self.resamples, np.random.default_rng(seed)), k)

    def correlation(self, r: Statistic, why: str | None = None) -> Estimate:
        """A correlation. why: a reason known beforehand for its absence."""
        return self._estimate(r, "r", why, correlation_interval)

    def r2(self, r: Statistic, why: str | None = None) -> Estimate:
        """The square of a correlation."""
        made = self._estimate(r, R2, why, lambda value, without: squared(correlation_interval(value, without)), np.square)
        return replace(made, value=made.value**2)

    def difference(self, statistic: Statistic) -> Estimate:
        """A difference of two shares."""
        return self._estimate(statistic, R2, None, lambda value, without: jackknife_interval(value, without, -1.0, 1.0))

    def _estimate(
        self,
        statistic: Statistic,
        unit: str,
        why: str | None,
        of_few: Callable[[float, Floats], Interval],
        shown: Callable[[Floats], Floats] = np.positive,
    ) -> Estimate:
        if why is None and self.n < 3:
            why = f"{self.n} complete checkpoints are too few"
        if why is not None:
            return absent(why, unit, self.n)
        value = float(statistic(self.observed))
        if math.isnan(value):
            return absent("a side does not vary", unit, self.n)
        low, high, method, why = self._limits(statistic, value, of_few, shown)
        return Estimate(value, low, high, self.n, unit, method.replace("clusters", "training runs"), why and why.replace("cluster", "run"))

    def _limits(
        self, statistic: Statistic, value: float, of_few: Callable[[float, Floats], Interval], shown: Callable[[Floats], Floats]
    ) -> Interval:
        if self.runs < FEWEST_GROUPS:
            few = f"{self.runs} training run{'s are' if self.runs > 1 else ' is'} too few for an interval"
            return Interval(math.nan, math.nan, "least squares", few)
        if not self.resamples:
            return of_few(value, statistic(self.without))
        draws = shown(statistic(self.drawn))
        if np.isfinite(draws).mean() < DEFINED:
            return Interval(math.nan, math.nan, "least squares", "undefined in too many resamples of the runs")
        low, high = np.nanpercentile(draws, [2.5, 97.5])
        return Interval(
            float(low), float(high), f"percentile bootstrap over {self.runs} clusters, {self.n_boot} resamples, seed {self.seed}"
        )


def _partials(x: ArrayLike, y: ArrayLike, control: ArrayLike | None, runs: Sequence[object], n_boot: int, seed: int) -> dict[str, Estimate]:
    if control is None:
        nothing = absent("this is the control itself", "r")
        return {"partial_r": nothing, "partial_within_r": nothing}
    sample = _sample([x, y, control], runs)
    drawn = _Intervals(sample, n_boot, seed)
    n = len(sample.table)
    few = f"{n} checkpoints are too few with a control" if n < 4 else None
    inner = f"{n} checkpoints of {sample.runs} runs leave no degree of freedom within runs" if n - sample.runs - 2 < 1 else None
    return {
        "partial_r": drawn.correlation(lambda cross: _partial(cross.total), few),
        "partial_within_r": drawn.correlation(lambda cross: _partial(cross.within), inner),
    }


def _left_out(value: float, n: int, runs: int) -> Estimate:
    if math.isnan(value):
        return absent("one run only" if runs < 2 else "too few checkpoints, or a side does not vary", R2, n)
    return Estimate(value, n=n, unit=R2, method=f"leave one of {runs} runs out", why="cross-validated, so it has no interval of its own")


def _columns(columns: Iterable[ArrayLike]) -> list[Floats]:
    found = [np.asarray(column, dtype=np.float64) for column in columns]
    for column in found:
        paired(found[0], column, "the first variable", "another")
    return found


def _sample(columns: Sequence[ArrayLike], runs: Sequence[object]) -> _Sample:
    table = np.column_stack(_columns(columns))
    if len(runs) != len(table):
        raise ValueError(f"{len(table)} checkpoints and {len(runs)} runs; give a run for each checkpoint")
    present = np.flatnonzero(~np.isnan(table).any(axis=1))
    present_runs = np.array([str(run) for run in runs])[present]
    names, codes = np.unique(present_runs, return_inverse=True)
    return _Sample(table[present], codes, len(names))


def _rows(table: Floats, codes: NDArray[np.int64]) -> Floats:
    """Per run: number of points, the k sums, the k*k sums of products, the k*k products around the run's mean; all of them add up."""
    k = table.shape[1]
    made = []
    for code in np.unique(codes):
        own = table[codes == code]
        around = own - own.mean(axis=0)
        made.append(np.concatenate([[len(own)], own.sum(axis=0), (own.T @ own).reshape(k * k), (around.T @ around).reshape(k * k)]))
    return np.array(made)


def _cross(sums: Floats, k: int) -> Cross:
    """From sums (..., 1 + k + 2 k k) of `_rows`."""
    n, first = sums[..., :1, None], sums[..., 1 : 1 + k]
    products, within = (sums[..., start : start + k * k].reshape(*sums.shape[:-1], k, k) for start in (1 + k, 1 + k + k * k))
    with np.errstate(invalid="ignore"):  # without the only run nothing is left
        return Cross(products - first[..., :, None] * first[..., None, :] / n, within)


def _safe(ratio_of: Floats, to: Floats) -> Floats:
    """A ratio, NaN where the denominator is what rounding alone leaves of nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(to > 1e-18, ratio_of / to, np.nan))


def _correlation(of: Floats, i: int, j: int) -> Floats:
    """Correlation of variables i and j."""
    a, b = of[..., i, i], of[..., j, j]
    return np.where((a > 1e-9) & (b > 1e-9), np.clip(_safe(of[..., i, j], np.sqrt(np.maximum(a * b, 0))), -1, 1), np.nan)


def _squared(of: Floats, i: int, j: int) -> Floats:
    """Its square."""
    return np.asarray(_correlation(of, i, j) ** 2)


def _pooled_r(cross: Cross) -> Floats:
    return _correlation(cross.total, 0, 1)


def _within_r(cross: Cross) -> Floats:
    return _correlation(cross.within, 0, 1)


def _full_r(cross: Cross) -> Floats:
    """The multiple correlation of y with x and the dummies of the runs."""
    left = cross.within[..., 1, 1] * (1 - _squared(cross.within, 0, 1))
    return np.asarray(np.sqrt(np.maximum(1 - _safe(left, cross.total[..., 1, 1]), 0)))


def _partial(of: Floats) -> Floats:
    """Correlation of variables 0 and 1 with variable 2 held fixed."""
    deviation = np.sqrt(np.maximum(np.diagonal(of, axis1=-2, axis2=-1), 0))
    xy, xc, yc = (_safe(of[..., i, j], deviation[..., i] * deviation[..., j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    rest = np.maximum(1 - xc**2, 0) * np.maximum(1 - yc**2, 0)
    return np.where(rest > 1e-12, np.clip(_safe(xy - xc * yc, np.sqrt(np.maximum(rest, 0))), -1, 1), np.nan)
