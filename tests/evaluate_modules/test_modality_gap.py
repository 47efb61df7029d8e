"""The modality gap through `evaluate`: known answers by hand, in one go and in batches, in one process and in several."""

from __future__ import annotations

import doctest
import math
import multiprocessing
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from scipy.stats import t as student

import lsgap_bench
from lsgap_bench.errors import UsageError

pytestmark = pytest.mark.usefixtures("evaluate_cache")
TEXT, SPEECH = [1, 1, 1, 1, 0, 1, 1, 0], [1, 0, 0, 1, 0, 0, 1, 1]  # 6 and 4 of 8 right: 75, 50; three lost, one won


def load(**settings: Any) -> Any:
    return evaluate.load(lsgap_bench.evaluate_module("modality_gap"), **settings)


def test_the_gap_of_known_scores_in_points() -> None:
    result = load().compute(text_scores=TEXT, speech_scores=SPEECH)
    assert (result["text"], result["speech"], result["modality_gap"], result["n"]) == (75.0, 50.0, 25.0, 8)
    differences = np.subtract(TEXT, SPEECH)
    half = 100 * student.ppf(0.975, 7) * differences.std(ddof=1) / math.sqrt(8)
    assert (result["low"], result["high"]) == pytest.approx((25 - half, 25 + half))
    assert result["p_value"] == pytest.approx(binomtest(1, 4).pvalue)
    assert result["test"] == "exact McNemar"
    assert "why" not in result
    assert all(type(value) in (float, int, str) for value in result.values())


def test_items_added_one_by_one_or_in_batches_give_what_they_give_at_once() -> None:
    at_once, metric = load().compute(text_scores=TEXT, speech_scores=SPEECH), load()
    for start in (0, 3):
        metric.add_batch(text_scores=TEXT[start : start + 3], speech_scores=SPEECH[start : start + 3])
    for text, speech in zip(TEXT[6:], SPEECH[6:], strict=True):
        metric.add(text_scores=text, speech_scores=speech)
    assert metric.compute() == at_once


def test_a_second_epoch_starts_from_nothing() -> None:
    metric = load()
    metric.add_batch(text_scores=[1, 1], speech_scores=[0, 0])
    assert metric.compute()["modality_gap"] == 100.0
    metric.add_batch(text_scores=[1, 0], speech_scores=[1, 0])
    assert metric.compute()["modality_gap"] == 0.0


@pytest.mark.parametrize(
    "made",
    [
        np.array,
        torch.tensor,
        lambda v: torch.tensor(v, dtype=torch.bfloat16),
        lambda v: [bool(x) for x in v],
        lambda v: list(torch.tensor(v)),
    ],
)
def test_scores_may_be_arrays_tensors_or_truth_values(made: Any) -> None:
    assert load().compute(text_scores=made(TEXT), speech_scores=made(SPEECH))["modality_gap"] == 25.0


def test_dependent_items_are_tested_by_their_clusters() -> None:
    # two questions, four voices each; one question is lost by every voice: sums 4 and 0, so both signs of the one give |4|: p = 1
    metric = load()
    metric.add_batch(text_scores=[1] * 4, speech_scores=[0] * 4, clusters=["a"] * 4)
    metric.add_batch(text_scores=[1] * 4, speech_scores=[1] * 4, clusters=["b"] * 4)
    result = metric.compute()
    assert (result["modality_gap"], result["n"], result["p_value"], result["test"]) == (50.0, 8, 1.0, "sign flip of cluster sums")
    half = 100 * student.ppf(0.975, 1) * np.std([1.0, 0.0], ddof=1) / math.sqrt(2)
    assert result["high"] - result["low"] == pytest.approx(2 * half)


def test_items_without_a_cluster_stand_alone_beside_others_that_have_one() -> None:
    metric = load()
    metric.add(text_scores=1.0, speech_scores=0.5, clusters="a")
    metric.add(text_scores=1.0, speech_scores=0.5, clusters="a")
    metric.add_batch(text_scores=[1.0, 1.0], speech_scores=[0.5, 0.5])
    assert "3 clusters" in metric.compute()["method"]


def test_graded_scores_are_tested_by_sign_flips() -> None:
    # differences .5 .25 .25, all of one sign: 2 of 8 sign patterns reach the sum
    result = load().compute(text_scores=[1.0, 0.5, 0.5], speech_scores=[0.5, 0.25, 0.25])
    assert (result["p_value"], result["test"]) == (0.25, "sign flip of cluster sums")


def test_an_absent_score_leaves_its_item_out_of_both_forms() -> None:
    result = load().compute(text_scores=[1, math.nan, 0, 1], speech_scores=[0, 1, 0, math.nan])
    assert (result["text"], result["speech"], result["modality_gap"], result["n"]) == (50.0, 0.0, 50.0, 2)


def test_no_score_at_all_is_absent_with_its_reason() -> None:
    result = load().compute(text_scores=[math.nan], speech_scores=[1])
    assert (result["n"], result["why"]) == (0, "no item has a value")
    assert all(math.isnan(result[key]) for key in ("modality_gap", "low", "high", "text", "speech", "p_value"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ([85.0, 1.0], "text_scores holds 85; scores are fractions from 0 to 1"),
        (["right", "wrong"], "is no list of numbers"),
        ([None, 1.0], "NaN where it is absent"),
        (None, "text_scores: 'None' is no list of numbers"),
        ([1.0], "Mismatch in the number of text_scores (1) and speech_scores (2)"),
    ],
)
def test_what_is_no_score_is_refused_in_one_line_when_it_is_added(text: Any, said: str) -> None:
    with pytest.raises(ValueError, match="score") as error:
        load().add_batch(text_scores=text, speech_scores=[1.0, 1.0])
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_refused_batch_leaves_no_trace() -> None:
    metric = load()
    metric.add_batch(text_scores=[1], speech_scores=[0])
    with pytest.raises(ValueError, match="fractions"):
        metric.add_batch(text_scores=[0, 2], speech_scores=[0, 0])
    assert metric.compute()["n"] == 1


def test_the_example_of_the_documentation_is_true(evaluate_cache: Path) -> None:
    example = doctest.DocTestParser().get_doctest(load().inputs_description, {}, "modality_gap", None, 0)
    assert doctest.DocTestRunner().run(example).failed == 0


def test_the_module_says_what_it_is() -> None:
    metric = load()
    assert metric.name == "modality_gap"
    assert "0-100" in metric.description
    assert "Understanding the Modality Gap" in metric.citation
    assert metric.info.reference_urls == ["https://arxiv.org/abs/2510.12116"]
    assert set(metric.features) == {"text_scores", "speech_scores", "clusters"}


def alone(scores: list[float], answer: Any) -> None:
    answer.put(load(experiment_id="same").compute(text_scores=scores, speech_scores=[0] * len(scores))["modality_gap"])


def share(process_id: int, folder: str, answer: Any) -> None:
    metric = load(num_process=2, process_id=process_id, experiment_id="shared", cache_dir=folder)
    metric.add_batch(text_scores=TEXT[4 * process_id :][:4], speech_scores=SPEECH[4 * process_id :][:4])
    answer.put(metric.compute())


def results_of(target: Any, arguments: list[tuple[Any, ...]]) -> list[Any]:
    fork = multiprocessing.get_context("fork")  # evaluate is already imported
    answer = fork.Queue()
    workers = [fork.Process(target=target, args=(*given, answer)) for given in arguments]
    for worker in workers:
        worker.start()
    found = [answer.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
    return found


def test_two_processes_at_once_do_not_mix_their_items() -> None:
    assert sorted(results_of(alone, [([1, 1],), ([0, 0],)])) == [0.0, 100.0]


def test_the_ranks_of_a_distributed_run_are_put_together_in_the_first(tmp_path: Path) -> None:
    found = results_of(share, [(0, str(tmp_path)), (1, str(tmp_path))])
    (result,) = [one for one in found if one is not None]
    assert (result["modality_gap"], result["n"]) == (25.0, 8)


def test_an_unknown_module_is_named_with_its_neighbours() -> None:
    with pytest.raises(UsageError, match="no evaluate module is called 'modality_gab'; did you mean 'modality_gap'"):
        lsgap_bench.evaluate_module("modality_gab")
