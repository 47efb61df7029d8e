"""The Alignment Path Score through `evaluate`: known answers by hand, ragged states, arrays and tensors, the null within what was given."""

from __future__ import annotations

import doctest
import math
from typing import Any

import evaluate
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import lsgap_bench

pytestmark = pytest.mark.usefixtures("evaluate_cache")
HALF = math.sqrt(0.5)
SPEECH = [[[1.0, 0.0], [0.0, 2.0]], [[0.0, 3.0]], [[-1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]]]
TEXT = [[[5.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]], [[-2.0, 0.0]]]
SCORES = [(1 + HALF) / 2, (1 + HALF) / 2, 1.0]  # cosines by hand
# the two long items are of equal length, hence each other's partners; the short one has either of them
NULLS = [(1 + HALF) / 2, (0 + HALF) / 2]


def load(**settings: Any) -> Any:
    return evaluate.load(lsgap_bench.evaluate_module("alignment_path_score"), **settings)


def cosine_score(speech: NDArray[np.float64], text: NDArray[np.float64]) -> float:
    """From the formula alone."""
    cosines = (text / np.linalg.norm(text, axis=1, keepdims=True)) @ (speech / np.linalg.norm(speech, axis=1, keepdims=True)).T
    return float(cosines.max(axis=1).mean())


def ragged(count: int, width: int = 16) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(3 + k, width)) for k in range(count)], [rng.normal(size=(1 + k % 3, width)) for k in range(count)]


def test_the_scores_of_known_states_and_of_their_null() -> None:
    result = load().compute(speech_states=SPEECH, text_states=TEXT)
    assert result["scores"] == pytest.approx(SCORES)
    assert result["alignment_path_score"] == pytest.approx(np.mean(SCORES))
    assert result["n"] == 3
    # speech -1 0 against 5 0, 1 1: (-1 - .7071) / 2; against 0 1, 1 1: (0 - .7071) / 2
    short = (result["null"] * 3 - sum(NULLS)) * 2
    assert short == pytest.approx(-1 - HALF) or short == pytest.approx(-HALF)
    assert result["above_null"] == pytest.approx(result["alignment_path_score"] - result["null"])
    assert result["low"] < result["alignment_path_score"] < result["high"]
    assert not [key for key in result if "why" in key]


def test_the_euclidean_score_of_known_states() -> None:
    result = load().compute(speech_states=SPEECH, text_states=TEXT, similarity="euclidean")
    # 5 0 to 1 0: 4; 1 1 to 1 0: 1 | 0 1 to 0 3: 2; 1 1 to 0 3: √5 | -2 0 to -1 0: 1
    assert result["scores"] == pytest.approx([2.5, 1 + math.sqrt(5) / 2, 1.0])


def test_states_of_any_length_give_what_the_formula_gives_within_float32() -> None:
    speech, text = ragged(12)
    result = load().compute(speech_states=speech, text_states=text)
    assert result["scores"] == pytest.approx([cosine_score(s, t) for s, t in zip(speech, text, strict=True)], abs=1e-6)


def test_states_added_in_batches_give_what_they_give_at_once() -> None:
    speech, text = ragged(9)
    metric, at_once = load(), load().compute(speech_states=speech, text_states=text)
    metric.add(speech_states=speech[0], text_states=text[0])
    for start in (1, 5):
        metric.add_batch(speech_states=speech[start : start + 4], text_states=text[start : start + 4])
    assert metric.compute() == at_once


@pytest.mark.parametrize(
    "made",
    [
        lambda s: np.asarray(s, dtype=np.float32),
        lambda s: np.asarray(s, dtype=np.float16),
        torch.tensor,
        lambda s: torch.tensor(s, dtype=torch.bfloat16),
        lambda s: torch.tensor(s, requires_grad=True),
        tuple,
    ],
)
def test_states_may_be_arrays_or_tensors_also_such_as_a_model_gives_them(made: Any) -> None:
    metric = load()
    metric.add_batch(speech_states=[made(s) for s in SPEECH], text_states=[made(t) for t in TEXT])
    assert metric.compute()["scores"] == pytest.approx(SCORES)


def test_one_batch_may_be_a_single_tensor() -> None:
    speech = torch.eye(3).expand(2, 3, 3)
    assert load().compute(speech_states=speech, text_states=speech[:, :2])["scores"] == [1.0, 1.0]


def test_an_item_alone_has_no_null_and_says_why() -> None:
    result = load().compute(speech_states=SPEECH[:1], text_states=TEXT[:1])
    assert result["alignment_path_score"] == pytest.approx(SCORES[0])
    assert math.isnan(result["null"])
    assert math.isnan(result["above_null"])
    assert result["null_why"] == result["above_null_why"] == "no item of another cluster with another text was given"
    assert result["why"] == "one cluster only, so there is no interval"


@pytest.mark.parametrize("clusters", [["q", "q"], None])
def test_the_same_question_in_another_voice_is_no_null(clusters: list[str] | None) -> None:
    text = TEXT[:2] if clusters else TEXT[:1] * 2  # said by name, or seen from equal text states
    result = load().compute(speech_states=SPEECH[:2], text_states=text, clusters=clusters)
    assert result["null_why"] == "no item of another cluster with another text was given"


def test_the_null_is_the_text_of_the_nearest_length() -> None:
    ones, other = [[1.0, 0.0]], [[0.0, 1.0]]
    text = [ones * 2, other * 3, ones * 9]
    result = load().compute(speech_states=[ones * 4] * 3, text_states=text)
    assert result["scores"] == [1.0, 0.0, 1.0]
    assert result["null"] == pytest.approx((0.0 + 1.0 + 0.0) / 3)  # 2 -> 3, 3 -> 2, 9 -> 3


def test_an_item_without_tokens_has_no_score_and_is_no_null() -> None:
    speech, text = [[], *SPEECH[:2], np.zeros((0, 2))], [TEXT[2], *TEXT[:1], [], np.zeros((0, 2))]
    result = load().compute(speech_states=speech, text_states=text)
    assert [math.isnan(score) for score in result["scores"]] == [True, False, True, True]
    assert (result["n"], result["null_n"]) == (1, 1)


@pytest.mark.parametrize(
    ("speech", "said"),
    [
        ([[1.0, 2.0]], "speech_states of item 0 of the batch have shape (2,); give (tokens, width)"),
        ([[[1.0, 2.0], [1.0]]], "speech_states of item 0 of the batch: they are no table of numbers"),
        ([[[1.0, 2.0, 3.0]]], "widths [2, 3]"),
        ([["what"]], "no table of numbers"),
        (torch.zeros(1, 1, 2, 2), "have shape (1, 2, 2)"),
        (None, "speech_states are missing"),
        (SPEECH, "Mismatch in the number of speech_states (3) and text_states (1)"),
    ],
)
def test_what_are_no_states_is_refused_in_one_line_when_it_is_added(speech: Any, said: str) -> None:
    with pytest.raises(ValueError, match="states") as error:
        load().add_batch(speech_states=speech, text_states=TEXT[:1])
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_similarity_is_refused() -> None:
    with pytest.raises(ValueError, match="similarity is 'dot'; write 'cosine' or 'euclidean'"):
        load().compute(speech_states=SPEECH, text_states=TEXT, similarity="dot")


def test_the_example_of_the_documentation_is_true() -> None:
    example = doctest.DocTestParser().get_doctest(load().inputs_description, {}, "alignment_path_score", None, 0)
    assert doctest.DocTestRunner().run(example).failed == 0
