"""Scores and paired differences over tasks, against hand arithmetic, scipy, and sign flips that are counted one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pytest
from scipy import stats

from lsgap_bench.comparison_places import places_of
from lsgap_bench.task_tables import TaskTable


def table(
    task: str, clusters: Sequence[str] = (), systems: Mapping[str, Sequence[float]] | None = None, **scores: Sequence[float]
) -> TaskTable:
    n = len(next(iter(scores.values())))
    return TaskTable(
        task=task,
        version="1.0",
        items=[f"{task}/{k}" for k in range(n)],
        clusters=list(clusters) or [f"{task} {k}" for k in range(n)],
        chance=np.full(n, np.nan),
        scores={condition: np.array(values, dtype=np.float64) for condition, values in scores.items()},
        extracted={},
        replaced={},
        systems={name: np.array(values, dtype=np.float64) for name, values in (systems or {}).items()},
    )


REFERENCE = {
    "numbers": table("numbers", text=(1, 1, 1, 0), speech=(1, 0, 0, 0)),
    "days": table("days", text=(1, 1), speech=(1, 0)),
}
OTHER = {
    "numbers": table("numbers", text=(1, 1, 0, 0), speech=(1, 1, 0, 0)),
    "days": table("days", text=(1, 1), speech=(0, 0)),
}
PLACES = {"Overall": ["numbers", "days"], "numbers": ["numbers"], "days": ["days"]}


def test_scores_and_differences_are_those_of_hand_arithmetic() -> None:
    overall, numbers, days = places_of({"ref": REFERENCE, "new": OTHER}, PLACES)
    assert {q: e.value for q, e in numbers.scores["ref"].items()} == {"text": 75, "speech": 25, "gap": 50}
    assert {q: e.value for q, e in numbers.scores["new"].items()} == {"text": 50, "speech": 50, "gap": 0}
    assert {q: p.difference.value for q, p in numbers.differences["new"].items()} == {"text": -25, "speech": 25, "gap": -50}
    assert {q: p.difference.value for q, p in days.differences["new"].items()} == {"text": 0, "speech": -50, "gap": 50}
    assert {q: p.difference.value for q, p in overall.differences["new"].items()} == {"text": -12.5, "speech": -12.5, "gap": 0}
    assert (overall.n, overall.tasks, numbers.n) == (6, ("numbers", "days"), 4)
    assert "ref" not in overall.differences


def test_an_interval_is_the_paired_t_interval_of_the_items_differences() -> None:
    (numbers,) = places_of({"ref": REFERENCE, "new": OTHER}, {"numbers": ["numbers"]})
    found = numbers.differences["new"]["gap"].difference
    expected = stats.ttest_1samp([0, -100, -100, 0], 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.method.startswith("paired t interval")
    assert found.n == 4


def test_one_task_is_tested_by_mcnemar_where_it_can_be_and_by_sign_flips_else() -> None:
    (numbers,) = places_of({"ref": REFERENCE, "new": OTHER}, {"numbers": ["numbers"]})
    found = {q: p.p_value for q, p in numbers.differences["new"].items()}
    assert (found["text"].test, found["text"].value) == ("exact McNemar", 1.0)  # one discordant item
    assert (found["gap"].test, found["gap"].value) == ("sign flip of cluster sums", 0.5)  # two items of one sign: 2 of 4 patterns


def flipped(weighted: Sequence[float]) -> float:
    """Share of the sign patterns whose sum is at least as far from 0; weighted: one number per cluster."""
    sums = [sum(s * w for s, w in zip(signs, weighted, strict=True)) for signs in product((1, -1), repeat=len(weighted))]
    return float(np.mean([abs(s) >= abs(sum(weighted)) - 1e-12 for s in sums]))


def test_several_tasks_are_tested_with_the_weight_of_each_item_in_the_mean_of_tasks() -> None:
    overall = places_of({"ref": REFERENCE, "new": OTHER}, PLACES)[0].differences["new"]
    assert overall["speech"].p_value.value == flipped([1 / 4, -1 / 2])  # items 1 of both tasks; the others do not differ
    assert overall["gap"].p_value.value == flipped([-1 / 4, -1 / 4, 1 / 2]) == 1.0
    assert overall["text"].p_value.value == 1.0
    worse = {"numbers": table("numbers", text=(0, 0, 0, 0)), "days": table("days", text=(1, 0))}
    better = {"numbers": table("numbers", text=(1, 1, 1, 1)), "days": table("days", text=(0, 0))}
    (place,) = places_of({"ref": worse, "new": better}, {"all": ["numbers", "days"]}, ["text"])
    assert place.differences["new"]["text"].p_value.value == flipped([1 / 4] * 4 + [-1 / 2]) == 24 / 32  # 12 / 32 if items weighed the same


def test_tasks_that_share_clusters_are_flipped_together() -> None:
    voices = {v: table(v, ["q1", "q2", "q3"], text=(0, 0, 0), speech=(0, 0, 0)) for v in ("a", "b")}
    better = {v: table(v, ["q1", "q2", "q3"], text=(1, 1, 1), speech=(0, 0, 0)) for v in ("a", "b")}
    (place,) = places_of({"ref": voices, "new": better}, {"all": ["a", "b"]})
    assert place.differences["new"]["text"].p_value.value == 2 / 2**3
    apart = {v: table(v, text=(0, 0, 0), speech=(0, 0, 0)) for v in ("a", "b")}
    (place,) = places_of({"ref": apart, "new": {v: table(v, text=(1, 1, 1), speech=(0, 0, 0)) for v in ("a", "b")}}, {"all": ["a", "b"]})
    assert place.differences["new"]["text"].p_value.value == 2 / 2**6


def test_holm_counts_every_difference_of_the_call() -> None:
    clear = {"t": table("t", text=(1,) * 10, speech=(1,) * 10)}
    worse = {"t": table("t", text=(1,) * 10, speech=(0,) * 10)}
    (place,) = places_of({"ref": clear, "worse": worse, "same": clear}, {"t": ["t"]})
    found = [(p.p_value.value, p.p_holm) for of in place.differences.values() for p in of.values()]
    p = 2 / 2**10  # ten items of one sign, in speech and in the gap; the other four p-values are 1
    assert found == [(1, 1), (p, pytest.approx(6 * p)), (p, pytest.approx(6 * p)), (1, 1), (1, 1), (1, 1)]


def test_a_model_against_itself_differs_by_nothing() -> None:
    for place in places_of({"ref": REFERENCE, "again": REFERENCE}, PLACES):
        for paired in place.differences["again"].values():
            assert (paired.difference.value, paired.p_value.value, paired.p_holm) == (0, 1, 1)


def test_an_item_without_a_score_on_either_side_is_in_no_difference() -> None:
    ours = {"t": table("t", text=(1, 1, 0), speech=(1, math.nan, 0))}
    theirs = {"t": table("t", text=(0, 1, 0), speech=(0, 1, 0))}
    (place,) = places_of({"ref": ours, "new": theirs}, {"t": ["t"]})
    assert place.differences["new"]["speech"].difference.value == -50
    assert place.differences["new"]["speech"].difference.n == 2
    assert place.differences["new"]["text"].difference.n == 3


def test_what_was_not_run_is_absent_with_a_reason() -> None:
    text_only = {"t": table("t", text=(1, 0))}
    (place,) = places_of({"ref": text_only, "new": text_only}, {"t": ["t"]})
    assert place.scores["new"]["speech"].why == "speech was not run"
    assert place.scores["new"]["gap"].why == "speech was not run"
    assert math.isnan(place.differences["new"]["gap"].difference.value)
    assert math.isnan(place.differences["new"]["gap"].p_holm)
    assert place.differences["new"]["text"].p_holm == 1
    empty = {"t": text_only["t"], "u": table("u", text=(), speech=())}
    (both,) = places_of({"ref": empty, "new": empty}, {"all": ["t", "u"]}, ["text"])
    assert both.differences["new"]["text"].difference.why == "a task has no item with a value"
    assert math.isnan(both.differences["new"]["text"].p_value.value)


def test_conditions_and_companion_systems_are_quantities_too() -> None:
    first = {"t": table("t", systems={"base": (1, 1)}, text=(1, 1), **{"speech+identity:all@0": (0, 0)})}
    second = {"t": table("t", systems={"base": (0, 1)}, text=(1, 1), **{"speech+identity:all@0": (0, 1)})}
    (place,) = places_of({"ref": first, "new": second}, {"t": ["t"]}, ["speech+identity:all@0", "base"])
    assert {q: p.difference.value for q, p in place.differences["new"].items()} == {"speech+identity:all@0": 50, "base": -50}
