"""Detectable gaps against statsmodels, hand arithmetic, properties and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower, tt_solve_power

from lsgap_bench.power import clusters_needed, group_detectable, minimum_detectable_gap
from lsgap_bench.stats import paired_gap, paired_test

NAN = math.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def outcomes(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    return tuple(rng(seed).integers(0, 2, (2, n)).astype(float))


@pytest.mark.parametrize("n", [8, 40, 400, 100_000])
@pytest.mark.parametrize(("power", "alpha"), [(0.8, 0.05), (0.95, 0.01), (0.06, 0.05)])
def test_detectable_gap_of_independent_items_is_statsmodels_s(n: int, power: float, alpha: float) -> None:
    text, speech = rng(1).random(n), rng(2).random(n)
    made = minimum_detectable_gap(text, speech, power=power, alpha=alpha)
    effect = made.value / 100 / np.std(text - speech, ddof=1)
    assert TTestPower().power(effect, n, alpha) == pytest.approx(power, abs=1e-6)
    assert (made.n, made.unit) == (n, "points")


def test_detectable_gap_of_many_items_is_2_8_standard_errors() -> None:
    # z(.975) + z(.8) = 1.959964 + 0.841621; one difference in four is 1, one is -1, so the variance is 1/2
    text, speech = np.tile([1.0, 0, 1, 0], 5000), np.tile([0.0, 1, 1, 0], 5000)
    assert minimum_detectable_gap(text, speech).value == pytest.approx(100 * 2.801585 * math.sqrt(0.5 / 20_000), rel=1e-4)


def test_two_clusters_need_student_s_quantiles() -> None:
    # Differences 1 and 0: error 1/2. With one degree of freedom T = (Z + away) / |V|, of normal Z and V. Power from a plain simulation.
    away = minimum_detectable_gap([1, 1], [0, 1]).value / 50
    z, v = rng(3).normal(size=(2, 400_000))
    assert np.mean(np.abs((z + away) / v) > 12.7062) == pytest.approx(0.8, abs=0.005)


def test_the_gap_that_was_found_plays_no_part() -> None:
    text, speech = rng(1).random(50), rng(2).random(50)
    assert minimum_detectable_gap(text + 0.3, speech).value == pytest.approx(minimum_detectable_gap(text, speech).value)
    assert minimum_detectable_gap(speech, text).value == pytest.approx(minimum_detectable_gap(text, speech).value)


def test_repeating_every_item_within_its_cluster_detects_no_more() -> None:
    text, speech = outcomes(30)
    once = minimum_detectable_gap(text, speech)
    thrice = minimum_detectable_gap(np.tile(text, 3), np.tile(speech, 3), list(range(30)) * 3)
    assert thrice.value == pytest.approx(once.value)
    assert (thrice.n, once.n) == (90, 30)
    assert "30 clusters, df 29, power 0.8, two-sided alpha 0.05" in thrice.method


def test_an_estimate_without_limits_says_why_on_disk() -> None:
    plain = minimum_detectable_gap(*outcomes(20)).to_dict()
    assert (plain["low"], plain["high"], plain["why"]) == (None, None, "a property of the items, so it has no interval")
    assert plain["value"] > 0


@pytest.mark.parametrize(
    ("text", "speech", "clusters", "why"),
    [
        ([], [], None, "no item has a value"),
        ([NAN, 1], [1, NAN], None, "no item has a value"),
        ([1, 0], [0, 0], ["a", "a"], "one cluster only, so nothing is known of the spread"),
        ([1, 0, 1], [1, 0, 1], None, "the paired differences do not vary, so nothing is known of their spread"),
        ([0.3, 0.4, 0.5], [0.1, 0.2, 0.3], None, "the paired differences do not vary, so nothing is known of their spread"),
    ],
)
def test_what_has_no_spread_is_absent_and_not_zero(text: list[float], speech: list[float], clusters: list[str] | None, why: str) -> None:
    for made in (minimum_detectable_gap(text, speech, clusters), clusters_needed(text, speech, 5, clusters)):
        assert math.isnan(made.value)
        assert made.why == why


def test_two_clusters_are_too_few_for_a_very_strict_test() -> None:
    assert minimum_detectable_gap([1, 0], [0, 0], alpha=1e-6).why == "2 clusters are too few for a test at level 1e-06"


def test_power_and_level_are_checked() -> None:
    with pytest.raises(ValueError, match=r"alpha is 0.05 and power is 80; give 0 < alpha < power < 1"):
        minimum_detectable_gap([1, 0], [0, 0], power=80)
    with pytest.raises(ValueError, match=r"gap is 0; give the points"):
        clusters_needed([1, 0], [0, 0], 0)
    with pytest.raises(ValueError, match=r"text has 1 values and speech has 2"):
        minimum_detectable_gap([1], [0, 0])


# --- groups


def test_group_of_one_task_is_that_task() -> None:
    text, speech = outcomes(60)
    clusters = [f"q{k // 2}" for k in range(60)]
    assert group_detectable([(text - speech, clusters)]) == minimum_detectable_gap(text, speech, clusters)


def test_a_task_repeated_on_its_own_clusters_detects_no_more_and_on_others_less_by_root_two() -> None:
    gaps = np.subtract(*outcomes(2000))
    names = [f"q{k}" for k in range(2000)]
    alone = group_detectable([(gaps, names)]).value
    assert group_detectable([(gaps, names), (gaps, names)]).value == pytest.approx(alone)
    apart = group_detectable([(gaps, names), (gaps, None)])
    assert apart.value == pytest.approx(alone / math.sqrt(2), rel=1e-3)
    assert (apart.n, "4000 clusters in 2 independent sets" in apart.method) == (4000, True)


def test_group_with_a_task_without_values_or_spread_is_absent() -> None:
    assert group_detectable([]).why == "no tasks"
    assert group_detectable([([1, 0], None), ([NAN], None)]).why == "a task has no item with a value"
    assert group_detectable([([1, 0], None), ([1, 0], ["a", "a"])]).why == "one cluster only, so nothing is known of the spread"


# --- clusters needed


@pytest.mark.parametrize("gap", [0.5, 5, 20, 60])
def test_clusters_needed_for_independent_items_are_statsmodels_s(gap: float) -> None:
    text, speech = outcomes(50)
    effect = gap / 100 / np.std(text - speech, ddof=1)
    made = clusters_needed(text, speech, gap)
    assert made.value == math.ceil(tt_solve_power(effect_size=effect, alpha=0.05, power=0.8))
    assert (made.unit, made.n) == ("clusters", 50)


def test_a_task_needs_its_own_clusters_for_its_detectable_gap() -> None:
    text, speech = outcomes(90)
    clusters = np.arange(90) // 3
    detectable = minimum_detectable_gap(text, speech, clusters, power=0.9).value
    assert clusters_needed(text, speech, detectable * 1.0001, clusters, power=0.9).value == 30
    assert clusters_needed(text, speech, detectable * 0.9999, clusters, power=0.9).value == 31


def test_a_gap_far_above_the_spread_needs_two_clusters() -> None:
    assert clusters_needed([0.5, 0.501, 0.5], [0.5, 0.5, 0.5], 90).value == 2


# --- simulation


def design(clusters: int, gap: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """text, speech (graded), clusters. A question's text answer is shared by its 1 to 6 voices; it has a gap of its own around `gap`."""
    names = np.repeat(np.arange(clusters), generator.integers(1, 7, clusters))
    text = generator.uniform(0.3, 0.9, clusters)[names]
    own = generator.normal(gap, 0.1, clusters)[names]
    return text, text - own - generator.normal(0, 0.2, len(names)), names


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [12, 60, 200])
def test_the_detectable_gap_is_found_in_80_percent_of_simulations(clusters: int) -> None:
    generator, rounds = rng(clusters), 1000
    detectable = np.mean([minimum_detectable_gap(*design(clusters, 0.2, generator)).value for _ in range(500)])
    shown = tested = 0
    for _ in range(rounds):
        text, speech, names = design(clusters, detectable / 100, generator)
        shown += paired_gap(text, speech, names, n_boot=1000).low > 0
        tested += paired_test(text, speech, names) < 0.05
    power = f"{shown / rounds:.3f} (interval above 0), {tested / rounds:.3f} (sign flips)"
    print(f"{clusters} clusters, detectable gap {detectable:.2f} points: power {power}")
    assert 0.75 <= shown / rounds <= 0.85
    assert 0.75 <= tested / rounds <= 0.85


@pytest.mark.slow
def test_the_clusters_needed_show_the_gap_in_80_percent_of_simulations() -> None:
    generator, rounds, gap = rng(5), 1000, 5.0
    needed = [clusters_needed(text, speech, gap, names).value for text, speech, names in (design(40, 0.2, generator) for _ in range(300))]
    clusters, shown = round(np.mean(needed)), 0
    for _ in range(rounds):
        text, speech, names = design(clusters, gap / 100, generator)
        shown += paired_gap(text, speech, names, n_boot=1000).low > 0
    print(f"a gap of {gap} points needs {clusters} clusters (as 40 say): power {shown / rounds:.3f}")
    assert 0.75 <= shown / rounds <= 0.85
