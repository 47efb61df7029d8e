"""The statistics against hand arithmetic, scipy, statsmodels, scikit-learn, lm-eval and brute-force enumeration."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from lsgap_bench.schema import Estimate
from lsgap_bench.stats import (
    Flips,
    difference,
    flip_auroc,
    flips,
    group_bands,
    group_mean,
    holm,
    mcnemar,
    mean_bands,
    mean_estimate,
    paired_gap,
    paired_test,
    ratio_of_means,
)

NAN = math.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def limits(estimate: Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


# --- means and gaps


def test_gap_is_the_mean_difference_in_points() -> None:
    gap = paired_gap([1, 1, 0, 1], [1, 0, 0, 0.5])
    assert (gap.value, gap.n, gap.unit) == (37.5, 4, "points")


def test_items_and_not_clusters_are_weighted_equally() -> None:
    assert mean_estimate([1, 1, 1, 0], ["a", "a", "a", "b"]).value == 75


def test_t_interval_on_independent_items_is_student_s() -> None:
    text, speech = rng(1).random(30), rng(2).random(30)
    expected = scipy.stats.ttest_rel(text, speech).confidence_interval()
    assert limits(paired_gap(text, speech)) == pytest.approx([100 * expected.low, 100 * expected.high])


def test_t_interval_on_clusters_of_one_size_is_student_s_on_cluster_means() -> None:
    scores = rng(1).random((12, 4))
    expected = scipy.stats.ttest_1samp(scores.mean(axis=1), 0).confidence_interval()
    made = mean_estimate(scores.ravel(), np.repeat(np.arange(12), 4))
    assert limits(made) == pytest.approx([100 * expected.low, 100 * expected.high])


def test_t_interval_on_uneven_clusters_agrees_with_hand_arithmetic() -> None:
    # Mean 2/3; residual sums a: 1 - 2 * 2/3 = -1/3, b: 1 - 2/3 = 1/3; squared error (2 / 1) * (2/9) / 3^2 = (2/9)^2.
    # t(.975, 1) = 12.7062.
    made = mean_estimate([1, 0, 1], ["a", "a", "b"])
    assert limits(made) == pytest.approx([100 * (2 / 3 - 12.7062 * 2 / 9), 100 * (2 / 3 + 12.7062 * 2 / 9)], rel=1e-5)


@pytest.mark.parametrize("n", [2, 30, 400])
def test_standard_error_on_unclustered_items_is_lm_eval_s(n: int) -> None:
    from lm_eval.api.metrics import mean_stderr

    scores = [float(s) for s in rng(3).integers(0, 2, n - 1)] + [0.5]
    (band,) = mean_bands(np.array(scores)[:, None], None, "fraction")
    standard_error = (band.high - band.low) / 2 / scipy.stats.t.ppf(0.975, n - 1)
    assert standard_error == pytest.approx(mean_stderr(scores))
    assert standard_error == pytest.approx(statistics.stdev(scores) / math.sqrt(n))


def test_percentile_interval_agrees_with_scipy_s_bootstrap() -> None:
    text, speech = rng(1).random(80), rng(2).random(80) ** 2
    expected = scipy.stats.bootstrap((100 * (text - speech),), np.mean, n_resamples=20_000, method="percentile", rng=rng(5))
    gap = paired_gap(text, speech)
    assert limits(gap) == pytest.approx(tuple(expected.confidence_interval), abs=0.4)
    assert expected.confidence_interval.high - expected.confidence_interval.low > 10


def test_repeating_every_item_within_its_cluster_changes_no_limit() -> None:
    scores = rng(1).integers(0, 5, 70) / 4
    once = mean_estimate(scores)
    thrice = mean_estimate(np.repeat(scores, 3), np.repeat(np.arange(70), 3))
    assert limits(thrice) == pytest.approx(limits(once))
    assert thrice.n == 210


def test_percentile_interval_of_uneven_clusters_agrees_with_a_plain_loop() -> None:
    generator = rng(4)
    clusters = [str(c) for c in np.repeat(np.arange(60), generator.integers(1, 6, 60))]
    scores = np.clip(np.array([int(c) / 60 for c in clusters]) + generator.normal(0, 0.1, len(clusters)), 0, 1)
    groups = [[s for s, name in zip(scores, clusters, strict=True) if name == c] for c in sorted(set(clusters))]
    means = []
    for _ in range(4000):
        drawn = [groups[i] for i in generator.integers(0, 60, 60)]
        means.append(100 * sum(map(sum, drawn)) / sum(map(len, drawn)))
    assert limits(mean_estimate(scores, clusters)) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), abs=0.6)


@pytest.mark.parametrize(("number", "word"), [(49, "t interval on cluster sums"), (50, "percentile bootstrap")])
def test_method_changes_at_fifty_clusters(number: int, word: str) -> None:
    clusters = np.repeat(np.arange(number), 2)
    method = paired_gap(rng(1).random(2 * number), rng(2).random(2 * number), clusters).method
    assert word in method
    assert f"{number} clusters" in method


@pytest.mark.parametrize("number", [20, 80])
def test_order_of_items_and_names_of_clusters_do_not_matter(number: int) -> None:
    text, speech = rng(1).random(9 * number), rng(2).random(9 * number)
    clusters = np.repeat(np.arange(number), 9)
    order = rng(3).permutation(9 * number)
    renamed = [f"question {1000 - c}" for c in clusters[order]]
    gap, shuffled = paired_gap(text, speech, clusters), paired_gap(text[order], speech[order], renamed)
    assert (shuffled.value, *limits(shuffled)) == pytest.approx((gap.value, *limits(gap)), abs=1e-10)
    if number >= 50:
        assert limits(shuffled) == limits(gap)
        assert limits(paired_gap(text[order], speech[order])) == limits(paired_gap(text, speech))
    assert paired_test(text[order], speech[order], renamed) == paired_test(text, speech, clusters)


def test_seed_alone_decides_the_resamples() -> None:
    scores = rng(1).random(100)
    assert mean_estimate(scores, seed=1) == mean_estimate(scores, seed=1)
    assert limits(mean_estimate(scores, seed=1)) != limits(mean_estimate(scores, seed=2))


@pytest.mark.parametrize("number", [10, 100])
def test_equal_scores_have_an_interval_of_no_width(number: int) -> None:
    made = mean_estimate(np.full(number, 0.75))
    assert (made.low, made.value, made.high) == (75, 75, 75)


def test_item_without_a_score_on_one_side_is_dropped_from_both() -> None:
    gap = paired_gap([1, 1, NAN, 0, 1], [0, NAN, 1, 0, 0], ["a", "b", "c", "d", "e"])
    assert (gap.value, gap.n) == (pytest.approx(200 / 3), 3)
    assert "3 clusters" in gap.method


def test_one_cluster_gives_a_value_and_says_why_there_is_no_interval() -> None:
    gap = paired_gap([1, 1], [0, 1], ["a", "a"])
    assert gap.value == 50
    assert math.isnan(gap.low)
    assert math.isnan(gap.high)
    assert "one cluster" in (gap.why or "")


@pytest.mark.parametrize("scores", [[], [NAN, NAN]])
def test_no_score_at_all_is_absent_and_never_zero(scores: list[float]) -> None:
    for made in (mean_estimate(scores, unit="cosine"), difference(scores, scores, unit="cosine")):
        assert math.isnan(made.value)
        assert (made.n, made.unit, made.why) == (0, "cosine", "no item has a value")


def test_cosine_keeps_its_scale_and_unit() -> None:
    made = difference([0.8, 0.6], [0.3, 0.5], unit="cosine", scale=1.0)
    assert (made.value, made.unit) == (pytest.approx(0.3), "cosine")


def test_unequal_lengths_are_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match=r"text has 3 values and speech has 2"):
        paired_gap([1, 0, 1], [1, 0])
    with pytest.raises(ValueError, match=r"2 values and 3 cluster names"):
        mean_estimate([1, 0], ["a", "b", "c"])


def test_wrong_shapes_and_infinite_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        mean_estimate(np.ones((2, 2)))
    with pytest.raises(ValueError, match="infinite"):
        mean_estimate([1, math.inf])
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        mean_bands([1, 2, 3], None, "cosine")


# --- bands and groups


def test_band_of_each_layer_is_the_interval_of_that_layer_alone() -> None:
    values = rng(1).random((30, 3))
    values[:5, 1] = NAN
    clusters = [str(i % 10) for i in range(30)]
    bands = mean_bands(values, clusters, "cosine")
    for band, column in zip(bands, values.T, strict=True):
        alone = mean_estimate(column, clusters, "cosine", 1.0)
        assert (band.value, *limits(band)) == pytest.approx((alone.value, *limits(alone)))
        assert (band.n, band.unit) == (alone.n, "cosine")


def test_a_band_of_a_group_weighs_its_tasks_equally_whatever_their_sizes() -> None:
    # task means .5 and 1.0 -> .75; standard errors: stdev(0,1)/sqrt(2) = .5 and 0 -> .5/2 tasks = .25; Welch df = 1, t = 12.706
    (band,) = group_bands([([[0.0], [1.0]], None), ([[1.0], [1.0], [1.0], [1.0]], None)], "cosine")
    assert band.value == 0.75
    assert band.high - band.value == pytest.approx(12.7062 * 0.25, rel=1e-4)
    assert band.n == 6


def test_layer_without_values_is_absent_and_with_one_cluster_has_no_interval() -> None:
    empty, single = mean_bands([[NAN, 0.5], [NAN, 0.7], [NAN, NAN]], ["a", "a", "b"], "cosine")
    assert (empty.n, empty.why) == (0, "no item has a value")
    assert math.isnan(empty.value)
    assert single.value == pytest.approx(0.6)
    assert math.isnan(single.low)
    assert "one cluster" in (single.why or "")
    assert [band.why for band in mean_bands(np.empty((0, 2)), None, "cosine")] == ["no item has a value"] * 2


@pytest.mark.parametrize("number", [20, 80])
def test_group_of_one_task_is_that_task(number: int) -> None:
    scores = rng(1).random(number)
    assert group_mean([(scores, None)]) == mean_estimate(scores)


def test_group_weighs_tasks_equally_whatever_their_size() -> None:
    made = group_mean([([1, 1, 1, 1, 1, 0], None), ([0, 0], None)])
    assert (made.value, made.n) == (pytest.approx(100 * (5 / 6) / 2), 8)


def test_t_interval_of_two_independent_tasks_is_welch_s() -> None:
    first, second = rng(1).random(12), rng(2).random(40) * 0.4
    expected = scipy.stats.ttest_ind(first, -second, equal_var=False).confidence_interval()
    assert limits(group_mean([(first, None), (second, None)])) == pytest.approx([50 * expected.low, 50 * expected.high])


@pytest.mark.parametrize("number", [20, 80])
def test_task_repeated_on_the_same_clusters_adds_no_certainty(number: int) -> None:
    scores, names = rng(1).random(number), [f"q{i}" for i in range(number)]
    alone, shared = mean_estimate(scores, names), group_mean([(scores, names), (scores, names)])
    assert limits(shared) == pytest.approx(limits(alone))


@pytest.mark.parametrize("number", [45, 200])
def test_task_repeated_on_clusters_of_its_own_narrows_the_interval_by_root_two(number: int) -> None:
    scores = rng(1).random(number)
    alone = mean_estimate(scores)
    apart = group_mean([(scores, [f"a{i}" for i in range(number)]), (scores, [f"b{i}" for i in range(number)])])
    assert (alone.high - alone.low) / (apart.high - apart.low) == pytest.approx(math.sqrt(2), rel=0.03)


@pytest.mark.parametrize("number", [20, 80])
def test_opposite_tasks_on_shared_clusters_cancel(number: int) -> None:
    scores, names = rng(1).integers(0, 2, number), [f"q{i}" for i in range(number)]
    made = group_mean([(scores, names), (1 - scores, names)])
    assert (made.value, *limits(made)) == pytest.approx((50, 50, 50))


def test_tasks_that_share_clusters_through_a_third_are_resampled_together() -> None:
    chain = [([1, 0], ["a", "b"]), ([0, 1], ["b", "c"]), ([1, 1], ["c", "d"])]
    for order in itertools.permutations(chain):
        method = group_mean(order).method
        assert ("4 clusters" in method, "independent sets" in method) == (True, False)
    assert "6 clusters in 2 independent sets" in group_mean([*chain, ([1, 0], ["e", "f"])]).method


def test_group_with_a_task_without_values_is_absent() -> None:
    made = group_mean([([1, 0], None), ([NAN], None)])
    assert math.isnan(made.value)
    assert made.why == "a task has no item with a value"
    assert group_mean([]).why == "no tasks"


def test_group_with_a_task_of_one_cluster_has_no_interval() -> None:
    made = group_mean([([1, 0, 1], None), ([1, 0], ["a", "a"])])
    assert made.value == pytest.approx(100 * (2 / 3 + 1 / 2) / 2)
    assert math.isnan(made.low)
    assert "one cluster" in (made.why or "")


# --- tests


def test_holm_agrees_with_hand_arithmetic() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert holm([]).tolist() == []


def test_holm_is_statsmodels_s_whatever_the_order_and_the_ties() -> None:
    for seed in range(20):
        p = np.round(rng(seed).random(30) ** 3, 2)
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_leaves_out_absent_p_values_and_refuses_others() -> None:
    assert holm([0.02, NAN, 0.03]) == pytest.approx([0.04, NAN, 0.04], nan_ok=True)
    with pytest.raises(ValueError, match=r"1\.5 is no p-value"):
        holm([0.5, 1.5])


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (1, 0), (8, 2), (5, 5), (60, 31)])
def test_mcnemar_is_the_binomial_test_on_discordant_pairs(lost: int, gained: int) -> None:
    text = [1] * lost + [0] * gained + [1, 0, 1]
    speech = [0] * lost + [1] * gained + [1, 0, 1]
    expected = scipy.stats.binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert mcnemar(text, speech) == pytest.approx(expected)


def test_mcnemar_is_statsmodels_s_exact_test() -> None:
    for seed in range(10):
        text, speech = rng(seed).integers(0, 2, (2, 40))
        table = [[int(np.sum((text == a) & (speech == b))) for b in (0, 1)] for a in (0, 1)]
        assert mcnemar(text, speech) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)


def test_mcnemar_refuses_graded_scores_by_value_and_drops_absent_ones() -> None:
    with pytest.raises(ValueError, match=r"speech holds 0.25"):
        mcnemar([1, 0], [1, 0.25])
    assert mcnemar([1, NAN, 1, 1], [0, 1, 0, NAN]) == pytest.approx(0.5)
    assert math.isnan(mcnemar([], []))


def test_exact_sign_flip_is_scipy_s_paired_permutation_test() -> None:
    text, speech = np.round(rng(1).random(11), 1), np.round(rng(2).random(11) * 0.6, 1)
    expected = scipy.stats.permutation_test(
        (text, speech), lambda a, b, axis: (a - b).sum(axis=axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
    )
    assert 0.001 < expected.pvalue < 0.5
    assert paired_test(text, speech) == pytest.approx(expected.pvalue)


def test_exact_sign_flip_of_clusters_agrees_with_enumeration() -> None:
    text, speech = rng(3).integers(0, 2, 24), np.zeros(24)
    clusters = [str(i % 6) for i in range(24)]
    sums = [sum(int(t) for t, c in zip(text, clusters, strict=True) if c == name) for name in sorted(set(clusters))]
    totals = [abs(sum(s * t for s, t in zip(signs, sums, strict=True))) for signs in itertools.product([1, -1], repeat=6)]
    assert paired_test(text, speech, clusters) == sum(t >= sum(sums) for t in totals) / 64


def test_five_clusters_that_all_lose_have_p_one_sixteenth() -> None:
    assert paired_test([1] * 10, [0] * 10, [i // 2 for i in range(10)]) == 2 / 32


def test_random_sign_flips_agree_with_mcnemar_on_independent_items() -> None:
    text, speech = [1] * 24 + [0] * 12 + [1] * 50, [0] * 24 + [1] * 12 + [1] * 50
    assert paired_test(text, speech) == pytest.approx(mcnemar(text, speech), abs=0.01)


def test_random_sign_flips_never_give_zero() -> None:
    assert paired_test([1] * 15, [0] * 15) in {k / 10_001 for k in range(1, 7)}  # p is 2 / 2**15, so 0.6 of 10,000 flips are expected


@pytest.mark.parametrize("clusters", [20, 40, 400])
def test_a_p_value_that_random_flips_cannot_reach_is_hoeffdings_bound_which_is_above_it(clusters: int) -> None:
    made = paired_test([1] * clusters, [0] * clusters)
    assert made == pytest.approx(2 * math.exp(-clusters / 2))
    assert 2.0 ** (1 - clusters) <= made < 1 / 10_001  # all patterns but the given one and its mirror have a smaller sum
    assert holm([made] * 2)[0] == 2 * made


def test_clusters_that_sum_to_zero_do_not_matter() -> None:
    text, speech = [1, 1, 1, 0], [0, 0, 0, 1]
    more_text, more_speech = [*text, *([0.1, 0.2, 0.3] * 20)], [*speech, *([0.3, 0.2, 0.1] * 20)]
    clusters = ["a", "b", "c", "d", *(f"e{i // 3}" for i in range(60))]
    assert paired_test(more_text, more_speech, clusters) == paired_test(text, speech) == 10 / 16


def test_equal_scores_have_p_one_and_no_scores_none() -> None:
    assert paired_test([1, 0, 0.5], [1, 0, 0.5]) == 1
    assert math.isnan(paired_test([NAN], [1]))


def test_flips_count_both_directions() -> None:
    assert flips([0, 0, 1, 1, 1, NAN], [1, 1, 0, 1, NAN, 1]) == Flips(recovered=2, broken=1)
    with pytest.raises(ValueError, match=r"treated holds 2"):
        flips([0], [2])


# --- AUROC of the flips


def test_auroc_is_mann_whitney_s_among_items_right_in_text() -> None:
    score = np.round(rng(1).random(60), 1)
    text, speech = rng(2).integers(0, 2, 60), rng(3).integers(0, 2, 60)
    kept, lost = score[(text == 1) & (speech == 1)], score[(text == 1) & (speech == 0)]
    made = flip_auroc(score, text, speech)
    assert made.value == pytest.approx(scipy.stats.mannwhitneyu(kept, lost).statistic / (len(kept) * len(lost)))
    assert (made.n, made.unit) == (int(text.sum()), "AUROC")


@pytest.mark.parametrize("digits", [1, 6])
def test_auroc_is_scikit_learn_s_among_items_right_in_text(digits: int) -> None:
    score = np.round(rng(4).normal(size=200), digits)
    text, speech = rng(5).integers(0, 2, (2, 200))
    expected = roc_auc_score(speech[text == 1], score[text == 1])
    assert flip_auroc(score, text, speech).value == pytest.approx(expected)


def test_auroc_interval_is_de_long_s() -> None:
    kept, lost = [0.9, 0.7, 0.7, 0.4, 0.6], [0.5, 0.7, 0.1]
    wins = np.array([[1.0 if k > low else 0.5 if k == low else 0.0 for low in lost] for k in kept])
    # t(.975, 2) = 4.302653, for three lost items
    half = 4.302653 * math.sqrt(wins.mean(axis=1).var(ddof=1) / 5 + wins.mean(axis=0).var(ddof=1) / 3)
    made = flip_auroc([*kept, *lost, 0.2], [1] * 8 + [0], [1] * 5 + [0] * 3 + [0])
    assert limits(made) == pytest.approx([max(wins.mean() - half, 0), min(wins.mean() + half, 1)], rel=1e-6)
    assert "DeLong's variance over 8 clusters, df 2" in made.method


def test_repeating_items_within_their_clusters_changes_no_auroc_limit() -> None:
    score, speech = rng(1).random(40), rng(2).integers(0, 2, 40)
    once = flip_auroc(score, np.ones(40), speech)
    thrice = flip_auroc(np.repeat(score, 3), np.ones(120), np.repeat(speech, 3), np.repeat(np.arange(40), 3))
    assert limits(thrice) == pytest.approx(limits(once))
    assert once.low < once.value < once.high


def test_auroc_interval_counts_the_kept_and_lost_items_of_a_cluster_together() -> None:
    # One kept and one lost item in each of 30 clusters: Obuchowski's variance is that of the sums of the two placements.
    shared = rng(1).normal(size=30)
    kept, lost = shared + rng(2).normal(0.5, 0.5, 30), shared + rng(3).normal(0, 0.5, 30)
    wins = kept[:, None] > lost
    half = 2.045230 * math.sqrt((wins.mean(axis=1) + wins.mean(axis=0)).var(ddof=1) / 30)  # t(.975, 29)
    made = flip_auroc([*kept, *lost], [1] * 60, [1] * 30 + [0] * 30, [*range(30), *range(30)])
    assert limits(made) == pytest.approx([wins.mean() - half, wins.mean() + half], rel=1e-6)


def test_low_score_of_the_lost_items_gives_auroc_one() -> None:
    assert flip_auroc([0.9, 0.8, 0.2, 0.1], [1, 1, 1, 1], [1, 1, 0, 0]).value == 1
    assert flip_auroc([0.9, 0.8, 0.2, 0.1], [1, 1, 1, 1], [0, 0, 1, 1]).value == 0


@pytest.mark.parametrize(
    ("text", "speech", "why"), [([1, 1], [1, 1], "kept"), ([1, 1], [0, 0], "lost"), ([0, 0], [1, 0], "no item is right in text")]
)
def test_auroc_with_an_empty_class_is_absent(text: list[int], speech: list[int], why: str) -> None:
    made = flip_auroc([0.1, 0.2], text, speech)
    assert math.isnan(made.value)
    assert why in (made.why or "")


def test_auroc_with_one_lost_item_has_no_interval_and_drops_absent_scores() -> None:
    made = flip_auroc([0.9, 0.8, 0.1, NAN], [1, 1, 1, 1], [1, 1, 0, 0])
    assert (made.value, made.n) == (1, 3)
    assert math.isnan(made.low)
    assert "one cluster only" in (made.why or "")


# --- ratios


def test_a_ratio_of_means_is_not_the_mean_of_ratios() -> None:
    ratio = ratio_of_means([([1, 0, 1, 0], [1, 1, 1, 0], None)])
    assert ratio.value == pytest.approx(2 / 3)
    assert (ratio.n, ratio.unit) == (4, "ratio")
    # means .5 and .25 over means 1 and .5
    group = ratio_of_means([([1, 0], [1, 1], None), ([1, 0, 0, 0], [1, 1, 0, 0], None)])
    assert group.value == pytest.approx((0.5 + 0.25) / (1 + 0.5))
    assert group.n == 6


def test_few_clusters_give_student_s_interval_of_the_linearised_ratio() -> None:
    speech, base = rng(1).random(30), rng(2).random(30) + 0.5
    ratio = ratio_of_means([(speech, base, None)])
    rest = (speech - speech.mean() / base.mean() * base) / base.mean()
    half = scipy.stats.t.ppf(0.975, 29) * rest.std(ddof=1) / math.sqrt(30)
    assert limits(ratio) == pytest.approx((ratio.value - half, ratio.value + half))
    assert "linearised ratio" in ratio.method


def test_many_clusters_give_the_paired_percentile_interval_of_scipy() -> None:
    base = rng(3).random(300) + 0.2
    speech = base * 0.8 + 0.1 * rng(4).random(300)
    ours = ratio_of_means([(speech, base, None)], n_boot=20_000)
    theirs = scipy.stats.bootstrap(
        (speech, base), lambda a, b, axis: a.mean(axis) / b.mean(axis), paired=True, method="percentile", n_resamples=20_000, rng=rng(5)
    ).confidence_interval
    assert limits(ours) == pytest.approx((theirs.low, theirs.high), abs=2e-4)
    alone = np.subtract(*limits(ratio_of_means([(speech, rng(6).permutation(base), None)])))
    assert abs(np.subtract(*limits(ours))) < 0.3 * abs(alone)  # it is the pairing that makes it narrow


@pytest.mark.parametrize("n", [40, 200])
def test_items_said_twice_tell_no_more_than_once(n: int) -> None:
    speech, base = rng(1).random(n), rng(2).random(n) + 0.5
    once = ratio_of_means([(speech, base, None)])
    twice = ratio_of_means([(np.tile(speech, 2), np.tile(base, 2), list(range(n)) * 2)])
    assert limits(twice) == pytest.approx(limits(once))
    names = list(range(n))
    in_two_tasks = ratio_of_means([(speech, base, names), (speech, base, names)])
    assert limits(in_two_tasks) == pytest.approx(limits(once))
    assert twice.n == in_two_tasks.n == 2 * n


def test_the_order_of_items_changes_no_bit_of_a_ratio() -> None:
    speech, base = rng(1).random(80), rng(2).random(80) + 0.5
    order = rng(3).permutation(80)
    assert ratio_of_means([(speech[order], base[order], None)]) == ratio_of_means([(speech, base, None)])


def test_equal_scores_give_a_ratio_of_exactly_one() -> None:
    for n in (6, 90):
        scores = rng(1).integers(2, size=n) | (np.arange(n) % 2 == 0)
        ratio = ratio_of_means([(scores, scores, None)])
        assert (ratio.value, *limits(ratio)) == (1, 1, 1)


def test_nothing_is_divided_by_zero() -> None:
    nothing = ratio_of_means([([1, 0], [0, 0], None)])
    assert math.isnan(nothing.value)
    assert (nothing.why, nothing.unit, nothing.n) == ("what it is divided by is 0", "ratio", 2)
    rare = np.zeros(60)
    rare[0] = 1  # a third of all resamples do not draw it
    some = ratio_of_means([(np.ones(60), rare, None)])
    assert some.value == pytest.approx(60)
    assert math.isnan(some.low)
    assert some.why == "what it is divided by is 0 in some resamples, so there is no interval"


def test_a_ratio_leaves_out_items_without_a_value_on_either_side() -> None:
    ratio = ratio_of_means([([1, 0, NAN, 1], [1, 1, 0, NAN], None)])
    assert (ratio.value, ratio.n) == (0.5, 2)
    assert ratio_of_means([([NAN], [1], None)]).why == "no item has a value"
    assert ratio_of_means([([NAN], [1], None), ([1], [1], None)]).why == "a task has no item with a value"
    assert ratio_of_means([]).why == "no tasks"
    assert ratio_of_means([([1, 0], [1, 1], ["a", "a"])]).why == "one cluster only, so there is no interval"
    with pytest.raises(ValueError, match="above has 1 values and below has 2"):
        ratio_of_means([([1], [1, 1], None)])
