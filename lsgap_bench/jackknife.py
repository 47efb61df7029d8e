"""Intervals of figures of few clusters, which a bootstrap makes too narrow: by leaving each cluster out, correlations on Fisher's scale."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtrit

from lsgap_bench.bootstrap import Floats, Interval

METHOD = "t interval, jackknife"


def jackknife_interval(value: float, without: Floats, least: float = -math.inf, most: float = math.inf) -> Interval:
    """95 % t interval of a figure, cut at least and most. without: (clusters,), its values where each cluster is left out in turn."""
    clusters = len(without)
    if clusters < 2:
        return Interval(math.nan, math.nan, METHOD, "one cluster only, so there is no interval")
    if not np.isfinite(without).all():
        return Interval(math.nan, math.nan, METHOD, "undefined without one of the clusters, so there is no interval")
    half = float(stdtrit(clusters - 1, 0.975)) * math.sqrt((clusters - 1) * float(without.var()))
    return Interval(max(value - half, least), min(value + half, most), f"{METHOD} over {clusters} clusters, df {clusters - 1}")


def correlation_interval(r: float, without: Floats) -> Interval:
    """`jackknife_interval` of a correlation, made of Fisher's z = artanh r and turned back.

    On that scale a correlation is nearly normal with an error that does not depend on it, so the interval covers as it says from 5 clusters
    on. Without width where every cluster leaves r at 1 or -1; none where some do.
    """
    with np.errstate(divide="ignore"):
        z, others = np.arctanh(r), np.arctanh(without)
    if np.isinf(z) and (others == z).all():
        return Interval(r, r, METHOD)
    made = jackknife_interval(float(z), others)
    return made if made.why else Interval(math.tanh(made.low), math.tanh(made.high), f"{made.method}, on Fisher's scale")


def squared(interval: Interval) -> Interval:
    """The interval of the square of what an interval is of."""
    if interval.why:
        return interval
    low, high = sorted((interval.low**2, interval.high**2))
    return interval._replace(low=0.0 if interval.low <= 0 <= interval.high else low, high=high)
