"""What intervals and tests promise, counted in simulations: 95 % coverage, at most 7 % false alarms; with clusters and shared answers."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
import scipy.stats

from lsgap_bench.stats import flip_auroc, group_mean, holm, mcnemar, paired_gap, paired_test, ratio_of_means

pytestmark = pytest.mark.slow


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def simulated_items(clusters: int, gap: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Questions of differing difficulty, each answered once in text and by 3 to 7 voices in speech; the text score is every voice's."""
    voices = generator.integers(3, 8, clusters)
    right = generator.uniform(0.35, 0.95, clusters)
    names = np.repeat(np.arange(clusters), voices)
    text = (generator.random(clusters) < right)[names].astype(float)
    speech = (generator.random(len(names)) < (right - gap)[names]).astype(float)
    return text, speech, names


@pytest.mark.parametrize("clusters", [20, 60, 200])
def test_interval_covers_the_true_gap_in_93_percent_of_simulations(clusters: int) -> None:
    generator, covered, runs = rng(clusters), 0, 2000
    for _ in range(runs):
        gap = paired_gap(*simulated_items(clusters, 0.1, generator), n_boot=2000)
        covered += gap.low <= 10 <= gap.high
    print(f"coverage at {clusters} clusters: {covered / runs:.4f}")
    assert covered / runs >= 0.93


@pytest.mark.parametrize("clusters", [20, 60, 200])
def test_sign_flip_test_errs_in_at_most_7_percent_of_simulations_without_a_gap(clusters: int) -> None:
    generator, rejected, runs = rng(clusters), 0, 2000
    for _ in range(runs):
        rejected += paired_test(*simulated_items(clusters, 0.0, generator)) < 0.05
    print(f"type-I error at {clusters} clusters: {rejected / runs:.4f}")
    assert rejected / runs <= 0.07


@pytest.mark.parametrize("clusters", [25, 100])
def test_interval_covers_the_true_ratio_in_93_percent_of_simulations(clusters: int) -> None:
    generator, covered, rounds = rng(7), 0, 1000
    for _ in range(rounds):
        names = np.repeat(np.arange(clusters), 3)
        skill = np.repeat(generator.normal(0, 1, clusters), 3)
        base = (skill + generator.normal(0, 1, len(names)) < 1.0).astype(float)  # right in 76.0 % of all items
        speech = base * (generator.random(len(names)) < 0.8)  # of those, 80 %
        ratio = ratio_of_means([(speech, base, names)], n_boot=1000)
        covered += ratio.low <= 0.8 <= ratio.high
    print(f"coverage of the ratio at {clusters} clusters: {covered / rounds:.4f}")
    assert 0.93 <= covered / rounds <= 0.975


class Accent(NamedTuple):
    """One task: the same questions in one accent."""

    gaps: np.ndarray
    names: np.ndarray


def accents(clusters: int, gap: float, generator: np.random.Generator) -> list[Accent]:
    """Three tasks on the same questions: one text answer each, 1 to 4 voices of an accent, which hears worse by more or less than `gap`."""
    right = generator.uniform(0.4, 0.9, clusters)
    text = (generator.random(clusters) < right).astype(float)
    tasks = []
    for more in (-0.1, 0.0, 0.1):
        names = np.repeat(np.arange(clusters), generator.integers(1, 5, clusters))
        speech = generator.random(len(names)) < (right - gap - more)[names]
        tasks.append(Accent(text[names] - speech, names))
    return tasks


@pytest.mark.parametrize("clusters", [20, 60, 200])
def test_interval_covers_the_true_mean_gap_of_tasks_that_share_questions(clusters: int) -> None:
    """Beside them a task of its own questions, half as many, with a gap of 20 points; the mean of the four is 12.5."""
    generator, covered, rounds = rng(clusters), 0, 1000
    for _ in range(rounds):
        shared = [(task.gaps, task.names) for task in accents(clusters, 0.1, generator)]
        text, speech, names = simulated_items(clusters // 2, 0.2, generator)
        made = group_mean([*shared, (text - speech, [f"own {name}" for name in names])], n_boot=1000)
        covered += made.low <= 12.5 <= made.high
    print(f"coverage of the group mean at {clusters} shared clusters: {covered / rounds:.4f}")
    assert covered / rounds >= 0.93


@pytest.mark.parametrize("clusters", [20, 60, 200])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_interval_covers_the_true_auroc_of_the_flips(clusters: int, shift: float) -> None:
    """Normal scores, those of kept items higher by `shift`, with a share of the question's own: AUROC = Phi(shift / sqrt(2))."""
    generator, covered, rounds = rng(clusters), 0, 1500
    truth = scipy.stats.norm.cdf(shift / math.sqrt(2))
    for _ in range(rounds):
        names = np.repeat(np.arange(clusters), generator.integers(3, 8, clusters))
        text = (generator.random(clusters) < 0.8)[names]
        kept = generator.random(len(names)) < generator.uniform(0.4, 0.95, clusters)[names]
        own, rest = generator.normal(size=clusters)[names], generator.normal(size=len(names))
        made = flip_auroc(shift * kept + math.sqrt(0.3) * own + math.sqrt(0.7) * rest, text, kept, names)
        covered += made.low <= truth <= made.high
    print(f"coverage of AUROC {truth:.2f} at {clusters} clusters: {covered / rounds:.4f}")
    assert covered / rounds >= 0.93


def idle_grid(clusters: int, voices: int, conditions: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plain scores (items,), those under interventions that neither help nor harm (conditions, items), and clusters (items,)."""
    names = np.repeat(np.arange(clusters), voices)
    right = generator.uniform(0.1, 0.9, clusters)[names]
    plain = generator.random(len(names)) < right
    turned = generator.random((conditions, len(names))) < 0.3
    treated = np.where(turned, generator.random((conditions, len(names))) < right, plain)
    return plain.astype(float), treated.astype(float), names


@pytest.mark.parametrize("clusters", [20, 60])
def test_holm_over_a_grid_of_sign_flip_tests_errs_in_at_most_7_percent_of_families(clusters: int) -> None:
    """All conditions are compared with the same plain speech, so their tests are correlated."""
    generator, families, rounds = rng(clusters), 0, 500
    for _ in range(rounds):
        plain, treated, names = idle_grid(clusters, 4, 12, generator)
        families += bool((holm([paired_test(row, plain, names) for row in treated]) < 0.05).any())
    print(f"family-wise error of Holm over 12 sign-flip tests at {clusters} clusters: {families / rounds:.4f}")
    assert families / rounds <= 0.07


@pytest.mark.parametrize("items", [60, 500])
def test_holm_over_a_grid_of_mcnemar_tests_errs_in_at_most_7_percent_of_families(items: int) -> None:
    generator, families, single, rounds = rng(items), 0, 0, 2000
    for _ in range(rounds):
        plain, treated, _ = idle_grid(items, 1, 12, generator)
        p = [mcnemar(row, plain) for row in treated]
        families += bool((holm(p) < 0.05).any())
        single += p[0] < 0.05
    print(f"McNemar at {items} items: type-I error {single / rounds:.4f}, family-wise with Holm over 12 {families / rounds:.4f}")
    assert families / rounds <= 0.07
    assert single / rounds <= 0.07
