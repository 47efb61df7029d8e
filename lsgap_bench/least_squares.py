"""One least-squares line over points that come in groups: correlation, R2 with its interval over groups, partial, left-out R2."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsgap_bench.bootstrap import FEW_CLUSTERS, Clusters, Floats, cluster_names, is_constant, paired, resample_sums
from lsgap_bench.jackknife import correlation_interval, squared

FEWEST_GROUPS = 3
"""Below it there is no interval over groups."""


@dataclass(frozen=True)
class Regression:
    """Ordinary least squares of y on x over n points. low, high: 95 % interval of r2. NaN where a figure is not defined."""

    r: float
    r2: float
    slope: float
    partial_r: float
    loo_r2: float
    low: float
    high: float
    n: int


def regress(
    x: ArrayLike,
    y: ArrayLike,
    groups: Clusters = None,
    control: ArrayLike | None = None,
    n_boot: int = 10_000,
    seed: int = 0,
) -> Regression:
    """Ordinary least squares of y on x, both (n,). Points with a NaN are dropped. ValueError if the lengths differ.

    groups: dependent points (the checkpoints of one run) share a name; None: every point stands alone. control: (n,) or (n, k).
    partial_r: correlation of the residuals of x and y on the control. loo_r2: 1 - the squared errors of each group's points, predicted
    from the other groups, over the squared deviations from the mean of y; below 0 when worse than that mean. low, high: from 50 groups on
    the percentile interval of r2 over `n_boot` resamples of the groups; under 50, and with n_boot 0, the jackknife's over groups, on
    Fisher's scale. Fewer than three points: all NaN; fewer than three groups: no interval; one group: no loo_r2.
    """
    columns = paired(x, y, "x", "y")
    table = np.column_stack(columns if control is None else [*columns, _covariates(control, len(columns[0]))])
    names = cluster_names(groups, len(table)) or [str(i) for i in range(len(table))]
    present = np.flatnonzero(~np.isnan(table).any(axis=1))
    table, n = table[present], len(present)
    nothing = Regression(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, n)
    if n < 3 or is_constant(table[:, 0]):
        return nothing
    if is_constant(table[:, 1]):
        return replace(nothing, slope=0.0)
    spread = table[:, :2].std(axis=0)
    zx, zy = ((table[:, :2] - table[:, :2].mean(axis=0)) / spread).T
    r = float(np.clip(np.mean(zx * zy), -1, 1))
    partial_r = math.nan if control is None else _partial(zx, zy, table[:, 2:])
    codes = np.unique([names[i] for i in present], return_inverse=True)[1]
    moments = _moments(zx, zy, codes)
    low, high = _r2_interval(r, moments, n_boot, seed)
    return Regression(r, r * r, r * float(spread[1] / spread[0]), partial_r, _loo_r2(zx, zy, codes, moments), low, high, n)


def _covariates(control: ArrayLike, n: int) -> Floats:
    table = np.asarray(control, dtype=np.float64)
    if len(table) != n:
        raise ValueError(f"x has {n} values and control has {len(table)}; give one of each per point")
    return table


def _moments(x: Floats, y: Floats, codes: NDArray[np.int64]) -> Floats:
    """Per group, (groups, 6): number of points, and the sums of x, y, xx, xy, yy."""
    return np.column_stack([np.bincount(codes, weight) for weight in (np.ones_like(x), x, y, x * x, x * y, y * y)])


def _spreads(moments: Floats) -> tuple[Floats, Floats, Floats]:
    """Variance of x, covariance, variance of y, from sums of moments (..., 6); a variance that rounding alone could make is NaN."""
    n, x, y, xx, xy, yy = np.moveaxis(moments, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance_x, variance_y = xx / n - (x / n) ** 2, yy / n - (y / n) ** 2
        covariance = xy / n - x * y / n**2
    return np.where(variance_x > 1e-12, variance_x, np.nan), covariance, np.where(variance_y > 1e-12, variance_y, np.nan)


def _correlation(moments: Floats) -> Floats:
    """From sums of moments (..., 6); NaN where a side does not vary."""
    variance_x, covariance, variance_y = _spreads(moments)
    return np.asarray(np.clip(covariance / np.sqrt(variance_x * variance_y), -1, 1))


def _r2_interval(r: float, moments: Floats, n_boot: int, seed: int) -> tuple[float, float]:
    if len(moments) < FEWEST_GROUPS:
        return math.nan, math.nan
    if len(moments) < FEW_CLUSTERS or not n_boot:
        made = squared(correlation_interval(r, _correlation(moments.sum(axis=0) - moments)))
        return made.low, made.high
    drawn = _correlation(resample_sums(moments, n_boot, np.random.default_rng(seed)))
    low, high = np.nanpercentile(np.square(drawn), [2.5, 97.5])
    return float(low), float(high)


def _loo_r2(x: Floats, y: Floats, codes: NDArray[np.int64], moments: Floats) -> float:
    """x and y standardised, so that the squared deviations of y from its mean add up to n."""
    others = moments.sum(axis=0) - moments
    variance, covariance, _ = _spreads(others)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = covariance / variance
        intercept = (others[:, 2] - slope * others[:, 1]) / others[:, 0]
    return float(1 - np.square(y - intercept[codes] - slope[codes] * x).sum() / len(y))


def _partial(x: Floats, y: Floats, control: Floats) -> float:
    """NaN where the control leaves nothing of x or y, or fewer than two degrees of freedom."""
    design = np.column_stack([np.ones(len(x)), control])
    if len(x) - np.linalg.matrix_rank(design) < 2:
        return math.nan
    both = np.column_stack([x, y])
    rest_x, rest_y = (both - design @ np.linalg.lstsq(design, both, rcond=None)[0]).T
    scale = math.sqrt(rest_x @ rest_x) * math.sqrt(rest_y @ rest_y)
    return float(np.clip(rest_x @ rest_y / scale, -1, 1)) if scale > 1e-9 * len(x) else math.nan
