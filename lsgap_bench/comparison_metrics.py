"""The gap of several models against each representation metric: one point per model, and with three or more a correlation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from scipy.special import ndtri

from lsgap_bench.regressions import RHO, spearman
from lsgap_bench.schema import Estimate, Representation, absent
from lsgap_bench.series import QUANTITIES
from lsgap_bench.series_items import label
from lsgap_bench.stats import regress

FEWEST = 3
"""Models; below it no correlation is given."""
MANY = 20
"""Models; below it a correlation comes with a warning."""


@dataclass(frozen=True)
class Against:
    """One metric, its `value` or its distance above a null, beside the gap, over models.

    values: model -> mean over layers 1..L and items, in `unit`, 95 % interval over items. pearson, spearman: of value and gap over the
    models that have both; n counts them.
    """

    metric: str
    quantity: str
    unit: str
    values: Mapping[str, Estimate]
    pearson: Estimate
    spearman: Estimate

    @property
    def label(self) -> str:
        """`pooled_cosine above same_task`."""
        return label(self.metric, self.quantity)


def gap_against_metrics(models: Mapping[str, Mapping[str, Representation]], gaps: Mapping[str, Estimate]) -> tuple[Against, ...]:
    """Every metric that all models have, in three forms. models: model -> metric -> what was measured; gaps: model -> gap, points."""
    first, *others = models.values()
    shared = [metric for metric in first if all(metric in of for of in others)]
    return tuple(_against(metric, quantity, models, gaps) for metric, quantity in product(shared, QUANTITIES))


def warning(against: Sequence[Against]) -> str:
    """What must stand beside correlations over so few models; empty where there are none."""
    n = max((of.pearson.n for of in against if math.isfinite(of.pearson.value)), default=0)
    if not n or n >= MANY:
        return ""
    return f"{n} models are few: the correlations describe these models alone, and of {len(against)} some are large by chance."


def _against(metric: str, quantity: str, models: Mapping[str, Mapping[str, Representation]], gaps: Mapping[str, Estimate]) -> Against:
    unit = next(iter(models.values()))[metric].unit
    values = {name: _measured(of[metric], quantity) for name, of in models.items()}
    x, y = [values[name].value for name in models], [gaps[name].value for name in models]
    points = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(a + b)]
    n, different = len(points), len(set(points))  # one model under two names is one point
    if different < FEWEST:
        few = f"{different} different points are too few for a correlation; it takes {FEWEST}"
        return Against(metric, quantity, unit, values, absent(few, "r", n), absent(few, RHO, n))
    r, rho = regress(x, y, n_boot=100).r, spearman(x, y)
    if math.isnan(r):
        flat = "a side does not vary over the models"
        return Against(metric, quantity, unit, values, absent(flat, "r", n), absent(flat, RHO, n))
    rank = Estimate(rho, n=n, unit=RHO, method="ties averaged", why="a rank correlation of few models has no interval")
    return Against(metric, quantity, unit, values, _with_interval(r, n), rank)


def _measured(of: Representation, quantity: str) -> Estimate:
    return of.value if quantity == "value" else of.above_null.get(quantity, absent(f"no {quantity} null", of.unit))


def _with_interval(r: float, n: int) -> Estimate:
    """Pearson's r with Fisher's interval, which takes the models for a random sample; too wide to say much is what it should be."""
    if n <= FEWEST or abs(r) > 1 - 1e-12:
        return Estimate(r, n=n, unit="r", method="least squares", why=f"{n} models leave no interval" if n <= FEWEST else "r is 1 or -1")
    half = float(ndtri(0.975)) / math.sqrt(n - 3)
    low, high = math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)
    return Estimate(r, low, high, n, "r", f"Fisher's interval over {n} models")
