"""The pooled rank correlation against scipy, plain loops, properties and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from lsgap_bench.dependence import rank_dependence
from lsgap_bench.schema import Estimate

NAN = math.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def correlated(n: int, seed: int = 1, digits: int = 6) -> tuple[np.ndarray, np.ndarray]:
    x = rng(seed).normal(size=n)
    return np.round(x + rng(seed + 100).normal(size=n), digits), np.round(x, digits)


def limits(estimate: Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


@pytest.mark.parametrize("digits", [0, 6])
@pytest.mark.parametrize("n", [12, 300])
def test_rho_of_one_task_is_scipy_s(n: int, digits: int) -> None:
    values, lengths = correlated(n, digits=digits)
    made = rank_dependence([(values, lengths, None)])
    assert made.value == pytest.approx(scipy.stats.spearmanr(values, lengths).statistic)
    assert (made.n, made.unit) == (n, "rho")
    assert made.low < made.value < made.high


def test_rho_of_several_tasks_is_the_correlation_of_their_centred_rank_shares() -> None:
    tasks = [correlated(n, seed=n) for n in (10, 25, 40)]
    sides = []
    for side in (0, 1):
        ranks = [scipy.stats.rankdata(task[side]) / len(task[side]) for task in tasks]
        sides.append(np.concatenate([of - of.mean() for of in ranks]))
    made = rank_dependence([(*task, None) for task in tasks])
    assert made.value == pytest.approx(np.corrcoef(*sides)[0, 1])
    assert made.n == 75


def test_no_difference_between_tasks_makes_a_dependence() -> None:
    # In each task of four, values and lengths are uncorrelated; task by task both are higher by 100.
    values, lengths = np.array([1.0, 2, 3, 4]), np.array([2.0, 4, 1, 3])
    assert scipy.stats.spearmanr(values, lengths).statistic == pytest.approx(0)
    parts = [(values + 100 * k, lengths + 100 * k, None) for k in range(8)]
    assert rank_dependence(parts).value == pytest.approx(0, abs=1e-12)
    pooled = scipy.stats.spearmanr(*(np.concatenate([part[side] for part in parts]) for side in (0, 1))).statistic
    assert pooled > 0.9
    constant = rank_dependence([([k] * 5, [k] * 5, None) for k in range(8)])
    assert math.isnan(constant.value)
    assert constant.why == "a side does not vary within any task"


def test_units_and_rising_transformations_change_nothing() -> None:
    parts = [(*correlated(n, seed=n), None) for n in (60, 80)]
    moved = [(np.exp(values), 7 - 0.1 * lengths, None) for values, lengths, _ in parts]
    made, other = rank_dependence(parts), rank_dependence(moved)
    assert (other.value, other.low, other.high) == pytest.approx((-made.value, -made.high, -made.low), abs=1e-9)


@pytest.mark.parametrize(("value", "sign"), [([1, 2, 3, 4], 1), ([9, 7, 2, 1], -1)])
@pytest.mark.parametrize("times", [1, 20])
def test_rising_together_is_one_and_opposite_is_minus_one(value: list[float], sign: int, times: int) -> None:
    made = rank_dependence([(value * times, [10, 20, 30, 40] * times, None)])
    assert (made.low, made.value, made.high) == pytest.approx((sign, sign, sign))
    assert -1 <= made.low <= made.high <= 1


def test_a_task_in_which_a_side_does_not_vary_says_nothing() -> None:
    values, lengths = correlated(30)
    made = rank_dependence([(values, lengths, None), (values, [3.0] * 30, None), ([0.1, 0.1 + 1e-17, 0.1], [1, 2, 3], None)])
    assert made == rank_dependence([(values, lengths, None)])


def test_item_without_a_value_on_either_side_is_dropped() -> None:
    values, lengths = correlated(20)
    with_gaps = rank_dependence([([*values, NAN, 1.0], [*lengths, 1.0, NAN], None)])
    assert with_gaps == rank_dependence([(values, lengths, None)])


@pytest.mark.parametrize(
    ("values", "lengths", "n", "why"),
    [
        ([], [], 0, "no item has both values"),
        ([NAN, 1], [1, NAN], 0, "no item has both values"),
        ([1, 2], [2, 1], 2, "2 items are too few"),
        ([1, 1, 1, 1], [1, 2, 3, 4], 4, "a side does not vary"),
    ],
)
def test_what_cannot_be_said_is_absent_with_its_reason(values: list[float], lengths: list[float], n: int, why: str) -> None:
    made = rank_dependence([(values, lengths, None)])
    assert math.isnan(made.value)
    assert (made.n, made.unit, made.why) == (n, "rho", why)


def test_unequal_lengths_are_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match=r"values has 3 values and lengths has 2"):
        rank_dependence([([1, 2, 3], [1, 2], None)])
    with pytest.raises(ValueError, match=r"3 values and 2 cluster names"):
        rank_dependence([([1, 2, 3], [1, 2, 3], ["a", "b"])])


# --- intervals


def test_percentile_interval_agrees_with_a_plain_loop_that_ranks_each_resample_anew() -> None:
    generator = rng(3)
    names = np.repeat(np.arange(60), generator.integers(1, 5, 60))
    values, lengths = correlated(len(names), digits=1)
    members = [np.flatnonzero(names == name) for name in range(60)]
    rho = []
    for _ in range(1000):
        drawn = np.concatenate([members[k] for k in generator.integers(0, 60, 60)])
        rho.append(scipy.stats.spearmanr(values[drawn], lengths[drawn]).statistic)
    made = rank_dependence([(values, lengths, names)], n_boot=10_000)
    assert limits(made) == pytest.approx(tuple(np.percentile(rho, [2.5, 97.5])), abs=0.015)
    assert made.method == "percentile bootstrap over 60 clusters, 10000 resamples, seed 0"


def test_few_clusters_give_a_t_interval_with_the_error_of_scipy_s_values_without_each() -> None:
    values, lengths = correlated(24)
    names = np.arange(24) // 2
    without = [scipy.stats.spearmanr(values[names != name], lengths[names != name]).statistic for name in range(12)]
    half = scipy.stats.t.ppf(0.975, 11) * math.sqrt(11 / 12 * np.square(without - np.mean(without)).sum())
    made = rank_dependence([(values, lengths, names)])
    assert limits(made) == pytest.approx((made.value - half, min(made.value + half, 1)))
    assert made.method == "t interval, jackknife over 12 clusters, df 11"


@pytest.mark.parametrize("number", [30, 90])
def test_the_same_clusters_in_another_task_add_no_certainty_and_others_do(number: int) -> None:
    values, lengths = correlated(number)
    names = [f"q{k}" for k in range(number)]
    alone = rank_dependence([(values, lengths, names)])
    shared = rank_dependence([(values, lengths, names), (values, lengths, names)])
    assert (shared.value, *limits(shared)) == pytest.approx((alone.value, *limits(alone)))
    apart = rank_dependence([(values, lengths, names), (values, lengths, [f"other {name}" for name in names])])
    assert (alone.high - alone.low) / (apart.high - apart.low) == pytest.approx(math.sqrt(2), rel=0.06)
    assert f"{2 * number} clusters in 2 independent sets" in apart.method


def test_jackknife_and_bootstrap_agree_where_there_are_many_clusters() -> None:
    values, lengths = correlated(400)
    parts = [(values, lengths, np.arange(400) // 2)]
    jackknife, bootstrap = rank_dependence(parts, n_boot=0), rank_dependence(parts)
    assert limits(jackknife) == pytest.approx(limits(bootstrap), abs=0.015)
    assert jackknife.high - jackknife.low > 0.1


def test_seed_alone_decides_the_resamples() -> None:
    parts = [(*correlated(80), None)]
    assert rank_dependence(parts, seed=1) == rank_dependence(parts, seed=1)
    assert limits(rank_dependence(parts, seed=1)) != limits(rank_dependence(parts, seed=2))


def test_where_there_is_no_interval_it_says_why() -> None:
    single = rank_dependence([([1, 2, 3, 5], [2, 1, 3, 4], "qqqq")])
    assert single.value == pytest.approx(0.8)
    assert (math.isnan(single.low), single.why) == (True, "one cluster only, so there is no interval")
    odd = rank_dependence([([1, 1, 1, 2], [3, 3, 3, 4], "abcd")])
    assert odd.value == pytest.approx(1)
    assert odd.why == "undefined without one of the clusters, so there is no interval"
    rare = rank_dependence([([1] * 99 + [2], [3] * 99 + [4], None)])
    assert rare.why == "undefined in too many resamples of the clusters, so there is no interval"


# --- simulation


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [20, 60, 200])
@pytest.mark.parametrize("r", [0.0, 0.6])
def test_interval_covers_the_true_rho_in_93_percent_of_simulations(clusters: int, r: float) -> None:
    """Two tasks of the same questions, 1 to 3 voices in each, other levels in each. Normal, so rho = 6 / pi * asin(r / 2).

    Half of the variance of both sides is the question's own, the same in both tasks.
    """
    truth = 6 / math.pi * math.asin(r / 2)
    generator, covered, rounds = rng(clusters), 0, 1000

    def pair(n: int) -> np.ndarray:
        x, rest = generator.normal(size=(2, n))
        return math.sqrt(0.5) * np.array([r * x + math.sqrt(1 - r * r) * rest, x])

    for _ in range(rounds):
        own = pair(clusters)
        parts = []
        for level in (0.0, 5.0):
            names = np.repeat(np.arange(clusters), generator.integers(1, 4, clusters))
            values, lengths = own[:, names] + pair(len(names)) + level
            parts.append((values, lengths, names))
        made = rank_dependence(parts, n_boot=1000)
        covered += made.low <= truth <= made.high
    print(f"coverage of rho {truth:.3f} at {clusters} clusters: {covered / rounds:.4f}")
    assert covered / rounds >= 0.93
