"""The regression line against scipy, statsmodels, plain loops, brute-force enumeration and simulation."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm

import lsgap_bench.stats
from lsgap_bench.least_squares import regress

NAN = math.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_it_is_found_among_the_statistics_too() -> None:
    assert lsgap_bench.stats.regress is regress


def test_slope_and_r2_are_statsmodels_s() -> None:
    x = rng(1).normal(3, 2, 40)
    y = 5 - 0.7 * x + rng(2).normal(0, 1, 40)
    expected, made = sm.OLS(y, sm.add_constant(x)).fit(), regress(x, y)
    assert (made.slope, made.r2) == pytest.approx((expected.params[1], expected.rsquared))


@pytest.mark.parametrize("controls", [1, 3])
def test_partial_correlation_is_that_of_statsmodels_s_residuals_and_of_its_t_value(controls: int) -> None:
    control = rng(3).normal(size=(50, controls))
    x, y = control.sum(axis=1) + rng(4).normal(size=50), rng(5).normal(size=50) - control[:, 0]
    made = regress(x, y, control=control if controls > 1 else control[:, 0]).partial_r
    rest = [sm.OLS(side, sm.add_constant(control)).fit().resid for side in (x, y)]
    assert made == pytest.approx(np.corrcoef(*rest)[0, 1])
    full = sm.OLS(y, sm.add_constant(np.column_stack([x, control]))).fit()
    assert made == pytest.approx(full.tvalues[1] / math.sqrt(full.tvalues[1] ** 2 + full.df_resid))


def test_unequal_lengths_are_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match=r"x has 3 values and control has 2"):
        regress([1, 2, 3], [1, 2, 3], control=[1, 2])


def test_regression_is_scipy_s() -> None:
    x, y = rng(1).random(20), rng(2).random(20)
    expected, made = scipy.stats.linregress(x, y), regress(x, y)
    assert (made.r, made.r2, made.slope) == pytest.approx((expected.rvalue, expected.rvalue**2, expected.slope))
    assert made.n == 20
    assert math.isnan(made.partial_r)


def test_partial_correlation_agrees_with_the_recursion_formula() -> None:
    step = rng(1).random(25)
    x, y = step + rng(2).random(25), rng(3).random(25) - step
    (_, xy, xs), (_, _, ys), _ = np.corrcoef([x, y, step])
    assert regress(x, y, control=step).partial_r == pytest.approx((xy - xs * ys) / math.sqrt((1 - xs**2) * (1 - ys**2)))


def test_two_controls_are_taken_out_together() -> None:
    controls = rng(1).random((25, 2))
    x, y = controls.sum(axis=1) + rng(2).random(25), rng(3).random(25) + controls[:, 0]
    inverse = np.linalg.inv(np.cov([x, y, *controls.T]))
    expected = -inverse[0, 1] / math.sqrt(inverse[0, 0] * inverse[1, 1])
    assert regress(x, y, control=controls).partial_r == pytest.approx(expected)


def test_control_that_explains_everything_leaves_no_partial_correlation() -> None:
    x = rng(1).random(10)
    assert math.isnan(regress(x, rng(2).random(10), control=2 * x + 1).partial_r)
    assert math.isnan(regress([1, 2, 4], [3, 1, 2], control=[1, 0, 5]).partial_r)


@pytest.mark.parametrize("grouped", [False, True])
def test_left_out_r2_agrees_with_a_plain_loop(grouped: bool) -> None:
    x = rng(1).random(15)
    y = 2 * x + rng(2).normal(0, 0.3, 15)
    groups = np.arange(15) // 4 if grouped else np.arange(15)
    error = 0.0
    for left_out in set(groups):
        rest = groups != left_out
        error += float(np.sum((y[~rest] - np.polyval(np.polyfit(x[rest], y[rest], 1), x[~rest])) ** 2))
    made = regress(x, y, [f"run {g}" for g in groups] if grouped else None)
    assert made.loo_r2 == pytest.approx(1 - error / np.sum((y - y.mean()) ** 2))


@pytest.mark.parametrize("groups", [3, 12])
def test_under_fifty_groups_the_interval_of_r2_is_the_jackknifes_with_students_quantile_on_fishers_scale(groups: int) -> None:
    x, y, names = rng(1).random(4 * groups), rng(2).random(4 * groups), np.arange(4 * groups) // 4
    r = scipy.stats.pearsonr(x, y).statistic
    without = [math.atanh(scipy.stats.pearsonr(x[names != g], y[names != g]).statistic) for g in range(groups)]
    error = math.sqrt((groups - 1) / groups * sum((z - np.mean(without)) ** 2 for z in without))
    low, high = np.tanh(math.atanh(r) + error * np.array(scipy.stats.t(groups - 1).interval(0.95)))
    expected = (0 if low < 0 < high else min(low**2, high**2), max(low**2, high**2))
    made = regress(x, y, names)
    assert (made.low, made.high) == pytest.approx(expected)


def test_from_fifty_groups_on_the_interval_of_r2_is_that_of_resampled_groups() -> None:
    x, names, draw = rng(1).normal(size=180), np.arange(180) // 3, rng(3)
    y = x + 2 * rng(2).normal(size=60)[names]
    r2 = []
    for _ in range(4000):
        points = (3 * draw.integers(60, size=60)[:, None] + np.arange(3)).ravel()
        r2.append(np.corrcoef(x[points], y[points])[0, 1] ** 2)
    made = regress(x, y, names, n_boot=20_000)
    assert (made.low, made.high) == pytest.approx(tuple(np.percentile(r2, [2.5, 97.5])), abs=0.02)


def test_exact_line_has_every_figure_one() -> None:
    made = regress([1, 2, 3, 4, 6], [5, 7, 9, 11, 15], ["a", "b", "c", "d", "e"], control=[1, 5, 2, 2, 0])
    assert astuple(made) == pytest.approx((1, 1, 2, 1, 1, 1, 1, 5))


def test_regression_does_not_depend_on_the_order_of_points() -> None:
    x, y, groups, step = rng(1).random(30), rng(2).random(30), np.arange(30) // 3, rng(3).random(30)
    order = rng(4).permutation(30)
    shuffled = regress(x[order], y[order], groups[order], step[order])
    assert astuple(shuffled) == pytest.approx(astuple(regress(x, y, groups, step)))


def test_points_with_an_absent_value_are_dropped() -> None:
    made = regress([1, 2, 3, NAN, 5, 6], [2, 1, 4, 5, NAN, 3], control=[0, 1, 0, 1, 1, NAN])
    assert made.n == 3
    assert made.slope == pytest.approx(scipy.stats.linregress([1, 2, 3], [2, 1, 4]).slope)


def test_undefined_figures_of_a_regression_are_absent() -> None:
    assert all(math.isnan(v) for v in astuple(regress([1, 2], [1, 2]))[:-1])
    assert all(math.isnan(v) for v in astuple(regress([2, 2, 2], [1, 2, 3]))[:-1])
    flat = regress([1, 2, 3], [0.1, 0.1, 0.1])
    assert (flat.slope, math.isnan(flat.r2)) == (0, True)
    one_run = regress([1, 2, 4], [2, 1, 3], ["a", "a", "a"])
    assert math.isnan(one_run.loo_r2)
    assert math.isnan(one_run.low)
    assert one_run.r2 > 0


@pytest.mark.slow
@pytest.mark.parametrize("groups", [6, 20, 60, 200])
def test_interval_of_r2_covers_the_true_one(groups: int) -> None:
    """Four points a group; x and the rest of y are each in part the group's own. rho = 1 / sqrt(2)."""
    generator, covered, rounds = rng(groups), 0, 2000
    names = np.repeat(np.arange(groups), 4)
    for _ in range(rounds):
        own_x, own_y = generator.normal(size=(2, groups))
        x = math.sqrt(0.5) * own_x[names] + math.sqrt(0.5) * generator.normal(size=len(names))
        y = x + math.sqrt(0.5) * own_y[names] + math.sqrt(0.5) * generator.normal(size=len(names))
        made = regress(x, y, names, n_boot=1000)
        covered += made.low <= 0.5 <= made.high
    print(f"coverage of r2 at {groups} groups: {covered / rounds:.4f}")
    assert covered / rounds >= 0.93
