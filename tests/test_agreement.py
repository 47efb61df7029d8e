"""Cohen's kappa against hand arithmetic, scikit-learn, statsmodels, a plain bootstrap, properties and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from lsgap_bench.agreement import cohen_kappa, group_kappa
from lsgap_bench.schema import Estimate

NAN = math.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def answers(n: int, seed: int = 1, labels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Two who agree in more than half of the items."""
    first = rng(seed).integers(0, labels, n)
    return first, np.where(rng(seed + 100).random(n) < 0.5, first, rng(seed + 200).integers(0, labels, n))


def limits(estimate: Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def test_kappa_agrees_with_hand_arithmetic() -> None:
    # The same in 7 of 8; A in 5/8 and 4/8, B in 3/8 and 4/8, so pe = 1/2 and kappa = (7/8 - 1/2) / (1/2).
    made = cohen_kappa("AAAAABBB", "AAAABBBB")
    assert (made.value, made.n, made.unit) == (0.75, 8, "kappa")


@pytest.mark.parametrize("labels", [2, 4, 30])
def test_kappa_is_scikit_learn_s(labels: int) -> None:
    for seed in range(5):
        first, second = answers(120, seed, labels)
        assert cohen_kappa(first, second, n_boot=0).value == pytest.approx(cohen_kappa_score(first, second))


def test_labels_that_one_alone_gives_count_as_disagreement() -> None:
    first, second = list("ABCABCAXX"), list("ABCABCAYZ")
    assert cohen_kappa(first, second).value == pytest.approx(cohen_kappa_score(first, second))
    assert cohen_kappa("AB", "CD").value == 0


def test_standard_error_of_independent_items_is_statsmodels_s() -> None:
    first, second = answers(40)
    table = np.zeros((4, 4))
    np.add.at(table, (first, second), 1)
    made, expected = cohen_kappa(first, second), cohens_kappa(table)
    error = (made.high - made.low) / 2 / scipy.stats.t.ppf(0.975, 39)
    # statsmodels divides by n, an interval of a mean over clusters by n - 1
    assert (made.value, error * math.sqrt(39 / 40)) == pytest.approx((expected.kappa, expected.std_kappa))
    assert "t interval on cluster sums, 40 clusters, df 39, of the linearised kappa" in made.method


def test_percentile_interval_agrees_with_a_plain_loop_over_uneven_clusters() -> None:
    generator = rng(3)
    names = np.repeat(np.arange(60), generator.integers(1, 6, 60))
    first, second = answers(len(names))
    members = [np.flatnonzero(names == name) for name in range(60)]
    kappas = []
    for _ in range(1000):
        drawn = np.concatenate([members[k] for k in generator.integers(0, 60, 60)])
        kappas.append(cohen_kappa(first[drawn], second[drawn], n_boot=0).value)
    made = cohen_kappa(first, second, names)
    assert limits(made) == pytest.approx(tuple(np.percentile(kappas, [2.5, 97.5])), abs=0.015)
    assert "percentile bootstrap over 60 clusters, 10000 resamples, seed 0" in made.method


@pytest.mark.parametrize("number", [30, 90])
def test_repeating_every_item_within_its_cluster_changes_no_limit(number: int) -> None:
    first, second = answers(number)
    once = cohen_kappa(first, second)
    thrice = cohen_kappa(np.tile(first, 3), np.tile(second, 3), list(range(number)) * 3)
    assert (thrice.value, *limits(thrice)) == pytest.approx((once.value, *limits(once)))
    assert thrice.n == 3 * number


@pytest.mark.parametrize("number", [30, 90])
def test_sides_order_and_names_do_not_matter(number: int) -> None:
    first, second = answers(2 * number)
    names = np.arange(2 * number) % number
    made = cohen_kappa(first, second, names)
    order = rng(9).permutation(2 * number)
    renamed = [f"question {1000 - name}" for name in names[order]]
    other = cohen_kappa(second[order], first[order], renamed)
    assert (other.value, other.n) == pytest.approx((made.value, made.n))
    assert limits(other) == pytest.approx(limits(made), abs=0.01)
    same_sides = cohen_kappa(first[order], second[order], renamed)
    assert limits(same_sides) == pytest.approx(limits(made), abs=1e-12)


def test_item_that_either_left_unanswered_is_dropped() -> None:
    made = cohen_kappa(["A", "B", None, "A", NAN, "B"], ["A", "B", "A", None, "B", "A"])
    assert made.n == 3
    assert made.value == pytest.approx(cohen_kappa_score(["A", "B", "B"], ["A", "B", "A"]))


@pytest.mark.parametrize(
    ("first", "second", "n", "why"),
    [
        ("AAA", "AAA", 3, "all answers are one and the same, so chance explains them"),
        ([None, "A"], ["A", None], 0, "no item has both answers"),
        ([], [], 0, "no item has both answers"),
    ],
)
def test_kappa_that_is_not_defined_is_absent_and_never_one(first: str, second: str, n: int, why: str) -> None:
    made = cohen_kappa(first, second)
    assert math.isnan(made.value)
    assert (made.n, made.unit, made.why) == (n, "kappa", why)


def test_constant_against_varying_answers_is_zero_and_full_agreement_one_without_width() -> None:
    assert cohen_kappa("AAAA", "AABA").value == 0
    for number in (10, 100):
        made = cohen_kappa("AB" * number, "AB" * number)
        assert (made.low, made.value, made.high) == (1, 1, 1)


def test_interval_is_cut_at_one() -> None:
    made = cohen_kappa("AB" * 10 + "A", "AB" * 10 + "B")
    assert made.value < 1 == made.high


def test_one_cluster_gives_a_value_and_says_why_there_is_no_interval() -> None:
    made = cohen_kappa("AABB", "AABA", "qqqq")
    assert made.value == pytest.approx(0.5)
    assert math.isnan(made.low)
    assert made.why == "one cluster only, so there is no interval"


def test_rare_second_label_leaves_no_interval() -> None:
    answered = ["A"] * 99 + ["B"]  # more than a third of the resamples do not draw it
    made = cohen_kappa(answered, answered)
    assert made.value == 1
    assert math.isnan(made.low)
    assert made.why == "chance explains all answers in too many resamples, so there is no interval"


def test_unequal_lengths_are_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match=r"first has 3 answers and second has 2"):
        cohen_kappa("ABC", "AB")
    with pytest.raises(ValueError, match=r"2 values and 3 cluster names"):
        cohen_kappa("AB", "AB", "abc")


# --- groups


def test_group_is_the_unweighted_mean_of_the_tasks_kappas() -> None:
    first, second = answers(90), answers(20, seed=7, labels=2)
    made = group_kappa([(*first, None), (*second, None)])
    assert made.value == pytest.approx((cohen_kappa_score(*first) + cohen_kappa_score(*second)) / 2)
    assert made.n == 110


@pytest.mark.parametrize("number", [30, 90])
def test_task_repeated_on_the_same_clusters_adds_no_certainty_and_on_others_root_two(number: int) -> None:
    first, second = answers(number)
    names = [f"q{k}" for k in range(number)]
    alone = cohen_kappa(first, second, names)
    shared = group_kappa([(first, second, names), (first, second, names)])
    assert limits(shared) == pytest.approx(limits(alone))
    apart = group_kappa([(first, second, names), (first, second, [f"other {name}" for name in names])])
    assert (alone.high - alone.low) / (apart.high - apart.low) == pytest.approx(math.sqrt(2), rel=0.05)
    assert f"{2 * number} clusters in 2 independent sets" in apart.method


def test_group_with_a_task_without_kappa_is_absent() -> None:
    assert group_kappa([]).why == "no tasks"
    assert group_kappa([("AB", "AB", None), ("A", [None], None)]).why == "a task has no item with both answers"
    constant = group_kappa([("AB", "AB", None), ("AA", "AA", None)])
    assert (constant.n, constant.why) == (4, "in a task all answers are one and the same, so chance explains them")


# --- simulation


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [20, 60, 200])
def test_interval_covers_the_true_kappa_in_93_percent_of_simulations(clusters: int) -> None:
    """Four labels; a question's text answer is shared by its 3 to 7 voices.

    Either side is right with the question's own probability q, uniform on .3..1, else one of the three wrong labels. By symmetry pe = 1/4;
    po = E[q**2] + E[(1 - q)**2] / 3 = (1 - .3**3) / 2.1 + .7**2 / 9.
    """
    po = (1 - 0.3**3) / 2.1 + 0.7**2 / 9
    truth = (po - 0.25) / 0.75
    generator, covered, rounds = rng(clusters), 0, 3000
    for _ in range(rounds):
        names = np.repeat(np.arange(clusters), generator.integers(3, 8, clusters))
        right, q = generator.integers(0, 4, clusters), generator.uniform(0.3, 1, clusters)

        def answer(of: np.ndarray, q: np.ndarray = q, right: np.ndarray = right) -> np.ndarray:
            missed = generator.random(len(of)) >= q[of]
            return (right[of] + missed * generator.integers(1, 4, len(of))) % 4

        text, speech = answer(np.arange(clusters))[names], answer(names)
        made = cohen_kappa(text, speech, names, n_boot=1000)
        covered += made.low <= truth <= made.high
    print(f"coverage of kappa {truth:.3f} at {clusters} clusters: {covered / rounds:.4f}")
    assert covered / rounds >= 0.93
