"""Nulls weighed against values, answer metrics beside theirs, agreement of systems: against hand arithmetic and scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from lsgap_bench.measures import agreements, answer_measures, null_share, null_warnings, representation
from lsgap_bench.schema import SIDES, Estimate, Representation
from lsgap_bench.task_tables import TaskTable, task_table

NAN = math.nan


def measured(value: float, same_task: float, other_task: float) -> Representation:
    null = {"same_task": Estimate(same_task), "other_task": Estimate(other_task)}
    return Representation(Estimate(value), null, {}, [], {}, {}, "")


def test_the_share_of_a_null_is_null_over_value_and_of_a_distance_value_over_null() -> None:
    assert null_share(measured(0.8, 0.6, 0.2), True, "same_task") == pytest.approx(0.75)
    assert null_share(measured(3.0, 4.0, 30.0), False, "other_task") == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("of", "higher"), [(measured(0.8, 0.8, 0.8), None), (measured(-0.1, 0.3, 0.3), True), (measured(0.5, -0.2, NAN), True)]
)
def test_a_share_that_means_nothing_is_absent(of: Representation, higher: bool | None) -> None:
    assert math.isnan(null_share(of, higher, "same_task"))


def test_a_warning_names_what_its_null_explains_most_of_the_largest_share_first() -> None:
    found = {
        "pooled_cosine": measured(0.8, 0.6, 0.2),
        "alignment_path_score": measured(0.8, 0.72, 0.3),
        "pooled_euclidean": measured(4.0, 5.0, 40.0),
        "linear_cka": measured(0.8, 0.1, 0.1),
        "next_token_kl": measured(0.1, 8.0, 9.0),
        "text_norm": measured(9.0, 9.0, 9.0),
    }
    (line,) = null_warnings(found)
    assert "the same_task null explains most of alignment_path_score 90 %, pooled_euclidean 80 %, pooled_cosine 75 %: read" in line
    assert null_warnings({"linear_cka": found["linear_cka"]}) == []


def sample(item: int, condition: str, answer: str, task: str = "t", system: str = "lslm", measure: float | None = None) -> dict[str, Any]:
    """One row of samples.jsonl of a question with the options a and b."""
    return {
        "task": task,
        "item": f"{task}/{item}",
        "cluster": f"{task} {item}",
        "chance": 0.5,
        "system": system,
        "condition": condition,
        "answer": answer,
        "prediction": answer,
        "option_logprobs": {"a": -1.0, "b": -1.0},
        "score": float(answer == "a"),
        "extracted": True,
        "content_tokens": 5,
        "replaced": None,
        "measures": None if measure is None else {"option_margin": measure},
    }


def table(rows: Sequence[Mapping[str, Any]], task: str = "t") -> TaskTable:
    return task_table(task, "1", rows, [])


def test_an_answer_metric_stands_beside_what_a_deaf_model_gets_on_the_items_that_have_both() -> None:
    rows = [sample(k, "speech", "a", measure=value) for k, value in enumerate([2.0, 4.0, 6.0, 8.0])]
    rows += [sample(k, "speech=other", "a", measure=value) for k, value in ((1, 1.0), (3, -1.0))]
    of = answer_measures([table(rows)])["option_margin"]
    assert (of.value.value, of.value.n) == (5.0, 4)
    assert (of.null.value, of.null.n) == (0.0, 2)
    assert (of.above_null.value, of.above_null.n) == (6.0, 2)
    assert of.unit == "nats"


def test_an_answer_metric_without_any_value_says_why_and_a_group_takes_the_tasks_that_have_it() -> None:
    with_options = table([sample(k, "speech", "a", measure=float(k)) for k in range(4)])
    without = table([sample(k, "speech", "a", task="u", measure=NAN) for k in range(3)], task="u")
    assert answer_measures([without])["option_margin"].value.why == "no item of this task has options"
    group = answer_measures([with_options, without])["option_margin"]
    assert (group.value.value, group.value.n) == (1.5, 4)


def test_agreement_is_cohens_kappa_of_the_options_places() -> None:
    rng = np.random.default_rng(0)
    text, speech = (rng.choice(["a", "b"], 60).tolist() for _ in range(2))
    base = [t if k % 3 else s for k, (t, s) in enumerate(zip(text, speech, strict=True))]
    rows = [sample(k, c, answers[k]) for c, answers in (("text", text), ("speech", speech)) for k in range(60)]
    rows += [sample(k, "text", base[k], system="base") for k in range(60)]
    found = agreements([table(rows)])["cohen_kappa"]
    assert set(found) == {"base|text", "base|speech", "text|speech"}
    assert found["text|speech"].value == pytest.approx(cohen_kappa_score(text, speech))
    assert found["base|text"].value == pytest.approx(cohen_kappa_score(base, text))


def test_a_metric_of_the_logits_has_one_value_and_no_layers() -> None:
    shared = {"task": "t", "condition": "speech", "metric": "next_token_kl", "unit": "nats"}
    curves = [{**shared, "item": f"t/{k}", **{side: [float(k)] for side in SIDES}} for k in range(5)]
    of = representation([task_table("t", "1", [sample(k, "speech", "a") for k in range(5)], curves)], "next_token_kl")
    assert of.value.value == pytest.approx(2.0)
    assert of.by_layer == pytest.approx([2.0])
    assert not of.layered


def test_a_value_that_grows_with_the_clip_has_rho_one_and_its_distance_above_the_null_none() -> None:
    rows = [{**sample(k, "speech", "a"), "content_tokens": 10 + k} for k in range(12)]
    curves = [
        {
            "task": "t",
            "item": f"t/{k}",
            "condition": "speech",
            "metric": "alignment_path_score",
            "unit": "cosine",
            "matched": [0.0, 0.5 + 0.01 * k + 0.001 * (-1) ** k],
            "same_task": [0.0, 0.4 + 0.01 * k],
            "other_task": [0.0, None],
        }
        for k in range(12)
    ]
    of = representation([task_table("t", "1", rows, curves)], "alignment_path_score", by_length=True)
    assert of.by_length["matched"].value == pytest.approx(1.0)
    assert abs(of.by_length["same_task"].value) < 0.3
    assert math.isnan(of.by_length["other_task"].value)
