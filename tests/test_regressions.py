"""Regressions over checkpoints against numpy's least squares, scipy, brute force and hand arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from lsgap_bench.regressions import Fit, fit, mean_over_runs, r2_difference, slope, spearman

NAN = math.nan
RUNS = ["a"] * 5 + ["b"] * 5 + ["c"] * 4 + ["d"] * 6
rng = np.random.default_rng(7)
STEP = np.concatenate([np.arange(1.0, 6), np.arange(1.0, 6), np.arange(1.0, 5), np.arange(1.0, 7)])
X = 0.3 * STEP + np.array([{"a": 0.0, "b": 2.0, "c": -1.0, "d": 1.0}[run] for run in RUNS]) + rng.normal(0, 0.3, 20)
Y = 30 - 4 * STEP + np.array([{"a": 0.0, "b": 9.0, "c": 3.0, "d": -2.0}[run] for run in RUNS]) + rng.normal(0, 1.0, 20)


def explained(y: np.ndarray, *columns: np.ndarray) -> float:
    """R2 of y on columns, by numpy's least squares."""
    design = np.column_stack(columns)
    rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return float(1 - rest @ rest / ((y - y.mean()) @ (y - y.mean())))


def dummies() -> list[np.ndarray]:
    return [np.array([float(run == name) for run in RUNS]) for name in "abcd"]


def around_run_means(values: np.ndarray) -> np.ndarray:
    names = np.array(RUNS)
    return np.array([value - values[names == run].mean() for value, run in zip(values, RUNS, strict=True)])


def residuals(values: np.ndarray, on: np.ndarray) -> np.ndarray:
    design = np.column_stack([np.ones(len(on)), on])
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


@pytest.fixture(scope="module")
def found() -> Fit:
    return fit(X, Y, RUNS, STEP, n_boot=500)


def test_pooled_figures_are_those_of_scipys_regression(found: Fit) -> None:
    expected = scipy.stats.linregress(X, Y)
    assert (found.slope, found.r.value, found.r2.value) == pytest.approx((expected.slope, expected.rvalue, expected.rvalue**2))
    assert (found.n, found.runs) == (20, 4)


def test_the_correlation_within_runs_has_its_sign_and_both_have_intervals_around_them(found: Fit) -> None:
    assert found.within_r.value == pytest.approx(np.corrcoef(around_run_means(X), around_run_means(Y))[0, 1])
    assert found.within_r.value < 0
    for r, r2 in ((found.r, found.r2), (found.within_r, found.within_r2)):
        assert r.value**2 == pytest.approx(r2.value)
        assert -1 <= r.low <= r.value <= r.high <= 1


def test_the_full_r2_is_that_of_the_model_with_a_dummy_per_run(found: Fit) -> None:
    assert found.full_r2.value == pytest.approx(explained(Y, X, *dummies()))


def test_the_within_r2_is_that_of_the_deviations_from_each_runs_mean(found: Fit) -> None:
    assert found.within_r2.value == pytest.approx(np.corrcoef(around_run_means(X), around_run_means(Y))[0, 1] ** 2)


def test_partial_correlations_are_those_of_residuals(found: Fit) -> None:
    assert found.partial_r.value == pytest.approx(np.corrcoef(residuals(X, STEP), residuals(Y, STEP))[0, 1])
    x, y, step = (around_run_means(v) for v in (X, Y, STEP))
    assert found.partial_within_r.value == pytest.approx(np.corrcoef(residuals(x, step), residuals(y, step))[0, 1])


def test_leave_one_run_out_predicts_each_run_from_the_others(found: Fit) -> None:
    names, errors = np.array(RUNS), 0.0
    for run in "abcd":
        others = scipy.stats.linregress(X[names != run], Y[names != run])
        errors += np.square(Y[names == run] - others.intercept - others.slope * X[names == run]).sum()
    assert found.loo_r2.value == pytest.approx(1 - errors / np.square(Y - Y.mean()).sum())
    assert "cross-validated" in str(found.loo_r2.why)


def test_what_falls_within_every_run_may_rise_when_pooled() -> None:
    """Simpson: in each run y falls by 1 as x rises by 1; the run with the higher x also has the higher y."""
    found = fit([0, 1, 2, 2, 3, 4, 4, 5, 6], [2, 1, 0, 4, 3, 2, 6, 5, 4], ["a"] * 3 + ["b"] * 3 + ["c"] * 3)
    # Hand arithmetic: x sums of squares 24 between + 6 within, y the same, products 24 - 6, so r = 18 / 30.
    assert found.r.value == pytest.approx(0.6)
    assert found.within_r2.value == pytest.approx(1)
    assert found.full_r2.value == pytest.approx(1)


def fishers_limits(value: float, without: list[float]) -> tuple[float, float]:
    """Of a correlation, from those without each run, by the jackknife's textbook formula."""
    number, z = len(without), np.arctanh(without)
    error = math.sqrt((number - 1) / number * np.square(z - z.mean()).sum())
    low, high = np.tanh(math.atanh(value) + error * np.array(scipy.stats.t(number - 1).interval(0.95)))
    return float(low), float(high)


@pytest.mark.parametrize("name", ["r", "within_r", "partial_r", "partial_within_r"])
def test_the_interval_of_a_correlation_is_fishers_from_the_fits_without_each_run(found: Fit, name: str) -> None:
    names = np.array(RUNS)
    without = [getattr(fit(X[names != run], Y[names != run], list(names[names != run]), STEP[names != run]), name).value for run in "abcd"]
    estimate = getattr(found, name)
    assert (estimate.low, estimate.high) == pytest.approx(fishers_limits(estimate.value, without))
    assert estimate.method == "t interval, jackknife over 4 training runs, df 3, on Fisher's scale"


def test_the_interval_of_an_r2_is_that_of_its_correlation_squared(found: Fit) -> None:
    names = np.array(RUNS)
    without = [math.sqrt(fit(X[names != run], Y[names != run], list(names[names != run])).full_r2.value) for run in "abcd"]
    low, high = fishers_limits(math.sqrt(found.full_r2.value), without)
    assert (found.full_r2.low, found.full_r2.high) == pytest.approx((0 if low < 0 else low**2, high**2))
    for r, r2 in ((found.r, found.r2), (found.within_r, found.within_r2)):
        low, high = r.low, r.high
        assert (r2.low, r2.high) == pytest.approx((0 if low < 0 < high else min(low**2, high**2), max(low**2, high**2)))


def test_from_fifty_runs_on_the_interval_is_that_of_resampled_runs() -> None:
    runs, draw = np.arange(180) // 3, np.random.default_rng(3)
    x = draw.normal(size=180)
    y = x + 2 * draw.normal(size=60)[runs] + draw.normal(size=180)
    r2 = []
    for _ in range(4000):
        points = (3 * draw.integers(60, size=60)[:, None] + np.arange(3)).ravel()
        r2.append(np.corrcoef(x[points], y[points])[0, 1] ** 2)
    estimate = fit(x, y, list(runs), n_boot=20_000).r2
    assert (estimate.low, estimate.high) == pytest.approx(tuple(np.percentile(r2, [2.5, 97.5])), abs=0.02)
    assert estimate.method == "percentile bootstrap over 60 training runs, 20000 resamples, seed 0"


def test_units_and_the_order_of_checkpoints_change_no_correlation(found: Fit) -> None:
    order = np.random.default_rng(1).permutation(20)
    moved = fit(1000 * X[order] + 7, Y[order] / 10, [RUNS[i] for i in order], STEP[order], n_boot=500)
    for name in ("r2", "full_r2", "within_r2", "partial_r", "partial_within_r", "loo_r2"):
        assert getattr(moved, name).value == pytest.approx(getattr(found, name).value), name


def test_a_checkpoint_without_a_value_is_left_out_and_n_tells() -> None:
    found = fit([*X, NAN, 3.0], [*Y, 1.0, NAN], [*RUNS, "a", "e"], n_boot=0)
    assert (found.n, found.runs) == (20, 4)
    assert found.r2.value == pytest.approx(np.corrcoef(X, Y)[0, 1] ** 2)


@pytest.mark.parametrize(
    ("x", "y", "runs", "name", "why"),
    [
        ([1, 2], [1, 2], "ab", "r2", "2 complete checkpoints are too few"),
        ([1, 1, 1], [1, 2, 3], "abc", "r2", "a side does not vary"),
        ([1, 2, 3], [1, 2, 4], "abc", "within_r2", "3 checkpoints of 3 runs leave no degree of freedom within runs"),
        ([1, 2, 3], [1, 2, 4], "abc", "partial_r", "this is the control itself"),
        ([1, 2, 3], [1, 2, 4], "aaa", "loo_r2", "one run only"),
    ],
)
def test_what_cannot_be_said_is_absent_with_its_reason(x: list[float], y: list[float], runs: str, name: str, why: str) -> None:
    estimate = getattr(fit(x, y, list(runs), n_boot=50), name)
    assert math.isnan(estimate.value)
    assert estimate.why == why


def test_two_runs_give_a_value_without_an_interval() -> None:
    estimate = fit(X[:10], Y[:10], RUNS[:10], n_boot=50).r2
    assert estimate.value == pytest.approx(np.corrcoef(X[:10], Y[:10])[0, 1] ** 2)
    assert math.isnan(estimate.low)
    assert estimate.why == "2 training runs are too few for an interval"


def test_checkpoints_and_runs_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="3 checkpoints and 2 runs"):
        fit([1, 2, 3], [1, 2, 3], ["a", "b"])


# --- differences, means, trends


def test_the_difference_of_r2_is_the_difference_of_the_two_fits() -> None:
    for within, name in ((False, "r2"), (True, "within_r2")):
        expected = getattr(fit(X, Y, RUNS, n_boot=0), name).value - getattr(fit(STEP, Y, RUNS, n_boot=0), name).value
        assert r2_difference(X, STEP, Y, RUNS, within, n_boot=200).value == pytest.approx(expected)


def test_a_predictor_is_not_stronger_than_itself_in_other_units() -> None:
    difference = r2_difference(X, -3 * X + 1, Y, RUNS, n_boot=300)
    assert (difference.value, difference.low, difference.high) == pytest.approx((0, 0, 0), abs=1e-9)


def test_a_predictor_that_is_the_gap_itself_beats_noise_with_an_interval_above_0() -> None:
    runs = [str(k // 4) for k in range(40)]
    noise, y = np.random.default_rng(3).standard_normal((2, 40))
    difference = r2_difference(2 * y, noise, y, runs, n_boot=500)
    assert difference.value > 0.8
    assert difference.low > 0.4


def test_the_two_predictors_are_compared_on_the_same_checkpoints() -> None:
    x = X.copy()
    x[:5] = NAN
    assert r2_difference(x, STEP, Y, RUNS, n_boot=0).n == 15


@pytest.mark.slow
@pytest.mark.parametrize("runs", [6, 20, 60])
def test_intervals_over_runs_cover_the_true_values(runs: int) -> None:
    """Five checkpoints a run, y = x + run + noise, variances 1, .5 and .5, so rho**2 is 1 / 2 pooled and 2 / 3 within runs."""
    draw, names, rounds = np.random.default_rng(runs), np.repeat(np.arange(runs), 5), 1000
    true = {"r": math.sqrt(1 / 2), "r2": 1 / 2, "within_r": math.sqrt(2 / 3), "within_r2": 2 / 3, "partial_within_r": math.sqrt(2 / 3)}
    covered = dict.fromkeys(true, 0)
    for _ in range(rounds):
        x, other = draw.standard_normal((2, len(names)))
        y = x + math.sqrt(0.5) * draw.standard_normal(runs)[names] + math.sqrt(0.5) * draw.standard_normal(len(names))
        made = fit(x, y, list(names), other, n_boot=1000)
        for name, value in true.items():
            covered[name] += getattr(made, name).low <= value <= getattr(made, name).high
    print(f"coverage at {runs} runs: { {name: count / rounds for name, count in covered.items()} }")
    assert min(covered.values()) / rounds >= 0.93


def test_the_mean_over_runs_has_students_interval_when_every_run_has_one_value() -> None:
    made = mean_over_runs([1.0, 2.0, 4.0, NAN], ["a", "b", "c", "d"], "points")
    expected = scipy.stats.ttest_1samp([1.0, 2.0, 4.0], 0).confidence_interval()
    assert (made.value, made.low, made.high, made.n) == pytest.approx((7 / 3, expected.low, expected.high, 3))
    assert "3 training runs" in made.method


def test_one_run_has_a_mean_and_says_why_there_is_no_interval() -> None:
    made = mean_over_runs([1.0, 2.0], ["a", "a"], "points")
    assert (made.value, made.why) == (1.5, "one training run only, so there is no interval")


def test_spearman_and_slope_are_scipys() -> None:
    x, y = [1.0, 2, 2, 5, NAN, 7], [3.0, 1, 4, 4, 2, 9]
    kept = [0, 1, 2, 3, 5]
    a, b = [x[k] for k in kept], [y[k] for k in kept]
    assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(a, b).statistic)
    assert slope(x, y) == pytest.approx(scipy.stats.linregress(a, b).slope)


@pytest.mark.parametrize("y", [[1.0, 1.0, 1.0], [1.0, 2.0, NAN], [0.1, 0.1 + 1e-16, 0.1 - 1e-16]])
def test_there_is_no_rank_correlation_with_a_constant_or_with_two_points(y: list[float]) -> None:
    assert math.isnan(spearman([1, 2, 3], y))
