from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import demo_run
import numpy as np
import pytest

from lsgap_bench.estimates import (
    TaskTable,
    curve_rows,
    group_result,
    mean_over_layers,
    sample_rows,
    task_result,
    task_table,
)
from lsgap_bench.schema import SIDES

PATCHED = "speech+angle_projection:bottom3@0"
NAN = math.nan


def made(
    scores: Mapping[str, Sequence[float]],
    clusters: Sequence[str] | None = None,
    curves: Mapping[str, Sequence[Sequence[float]]] | None = None,
    task: str = "t",
    chance: float = 0.5,
) -> TaskTable:
    n = len(next(iter(scores.values()), ()))
    columns = {name: np.array(values, dtype=np.float64) for name, values in scores.items()}
    sides = {side: np.array((curves or {}).get(side, np.zeros((n, 3))), dtype=np.float64) for side in SIDES}
    return TaskTable(
        task=task,
        version="1.0",
        items=[f"{task}/{k}" for k in range(n)],
        clusters=list(clusters or (f"{task} {k}" for k in range(n))),
        chance=np.full(n, chance),
        scores=columns,
        extracted={name: np.ones(n) for name in columns},
        replaced={name: np.full(n, 2.0 if "+" in name else NAN) for name in columns},
        curves={"pooled_cosine": sides} if curves else {},
    )


TEXT, SPEECH, TREATED = [1, 1, 1, 0, 1, 1], [1, 0, 0, 0, 1, 0], [1, 1, 0, 1, 0, 0]
FULL = made({"text": TEXT, "speech": SPEECH, PATCHED: TREATED})


def test_scores_gap_and_gain_are_the_means_of_the_items() -> None:
    result = task_result(FULL)
    assert result.n == 6
    assert result.scores["text"].value == pytest.approx(100 * 5 / 6)
    assert result.scores["speech"].value == pytest.approx(100 * 2 / 6)
    assert result.gap.value == pytest.approx(50)
    assert result.interventions[PATCHED].gain.value == pytest.approx(100 / 6)


def test_recovered_and_broken_count_the_items_an_intervention_turned() -> None:
    result = task_result(FULL).interventions[PATCHED]
    assert (result.recovered, result.broken) == (2, 1)  # items 1 and 3; item 4
    assert result.replaced == 2.0


def test_mcnemar_is_used_for_single_items_right_or_wrong() -> None:
    p = task_result(FULL).p_value
    assert p.test == "exact McNemar"
    assert p.value == pytest.approx(2 * 0.5**3)  # three discordant pairs, all one way


def test_dependent_items_and_graded_scores_take_the_sign_flip_test() -> None:
    dependent = made({"text": TEXT, "speech": SPEECH}, clusters=["a", "a", "b", "b", "c", "c"])
    graded = made({"text": [0.5, *TEXT[1:]], "speech": SPEECH, PATCHED: TREATED})
    for table in (dependent, graded):
        assert task_result(table).p_value.test == "sign flip of cluster sums"
    turned = made({"text": TEXT, "speech": [0.5, *SPEECH[1:]], PATCHED: TREATED})
    assert task_result(turned).interventions[PATCHED].recovered is None


def test_the_interval_of_dependent_items_is_wider() -> None:
    values = [1.0, 1.0, 0.0, 0.0] * 6
    alone = task_result(made({"text": values})).scores["text"]
    twins = task_result(made({"text": values}, clusters=[f"c{k // 2}" for k in range(24)])).scores["text"]
    assert twins.high - twins.low > 1.3 * (alone.high - alone.low)


def test_with_one_form_there_is_no_gap_and_the_reason_is_given() -> None:
    for form in ("text", "speech"):
        result = task_result(made({form: TEXT}))
        assert math.isnan(result.gap.value)
        assert result.gap.why == "only one form was run"
        assert math.isnan(result.p_value.value)
        group = group_result([made({form: TEXT})])
        assert group.gap.why == "only one form was run"
        assert group.scores[form].value == pytest.approx(result.scores[form].value)


def test_unknown_chance_is_none() -> None:
    assert task_result(made({"text": TEXT}, chance=NAN)).chance is None
    assert task_result(made({"text": TEXT}, chance=0.25)).chance == 0.25


# -------------------------------------------------------------------------------------------------- groups


def test_a_group_is_the_unweighted_mean_of_its_tasks() -> None:
    small = made({"text": [1, 1], "speech": [0, 1], PATCHED: [1, 1]}, task="small")
    group = group_result([FULL, small])
    assert group.tasks == ["t", "small"]
    assert group.scores["text"].value == pytest.approx((100 * 5 / 6 + 100) / 2)
    assert group.gap.value == pytest.approx((50 + 50) / 2)
    assert group.scores["text"].n == 8
    patched = group.interventions[PATCHED]
    assert patched.gain.value == pytest.approx((100 / 6 + 50) / 2)
    assert (patched.recovered, patched.broken) == (3, 1)


def test_layers_of_a_group_are_unweighted_means_over_tasks_too() -> None:
    low = {"matched": [[0, 0.1, 0.3]] * 4, "other_task": [[0, 0, 0.1]] * 4, "same_task": [[0, 0, 0.2]] * 4}
    high = {"matched": [[0.2, 0.5, 0.7]] * 2, "other_task": [[0, 0.2, 0.3]] * 2, "same_task": [[0, 0.2, 0.4]] * 2}
    tables = [made({"text": [1] * 4}, curves=low, task="a"), made({"text": [1] * 2}, curves=high, task="b")]
    found = group_result(tables).representation["pooled_cosine"]
    assert found.by_layer == pytest.approx([0.1, 0.3, 0.5])
    assert found.value.value == pytest.approx((0.2 + 0.6) / 2)  # layers 1..L, without layer 0
    assert found.null["other_task"].value == pytest.approx((0.05 + 0.25) / 2)
    assert found.above_null["same_task"].value == pytest.approx((0.1 + 0.3) / 2)
    assert np.mean(found.by_layer[1:]) == pytest.approx(found.value.value)
    assert found.by_layer_band["matched"][1] == pytest.approx((0.3, 0.3))  # within each task every item is the same


def test_a_condition_that_a_task_lacks_is_not_in_the_group() -> None:
    group = group_result([FULL, made({"text": [1, 0], "speech": [0, 0]}, task="plain")])
    assert set(group.scores) == {"text", "speech"}
    assert group.interventions == {}


def test_a_task_without_items_makes_the_groups_means_absent_with_the_reason() -> None:
    curves = {side: [[0.1, 0.2, 0.3]] * 6 for side in SIDES}
    filled = made({"text": TEXT, "speech": SPEECH, PATCHED: TREATED}, curves=curves)
    group = group_result([filled, made({}, task="empty")])
    assert group.tasks == ["t", "empty"]
    representation = group.representation["pooled_cosine"]
    gain = group.interventions[PATCHED].gain
    for estimate in (group.scores["text"], group.gap, gain, representation.value):
        assert math.isnan(estimate.value)
        assert estimate.why == "a task has no item with a value"
    assert all(math.isnan(value) for value in representation.by_layer)


def test_no_tasks_make_a_group_without_scores() -> None:
    for tables in ([], [made({})]):
        group = group_result(tables)
        assert group.scores == {}
        assert group.gap.why == "no items are left"
    assert task_result(made({})).gap.why == "no items are left"


# -------------------------------------------------------------------------------------------------- tables and curves


def test_the_mean_over_layers_leaves_out_layer_0_and_layers_without_a_value() -> None:
    curves = np.array([[9, 1, 2, 3], [9, 1, NAN, 3], [9, NAN, NAN, NAN]])
    assert mean_over_layers(curves) == pytest.approx([2, 2, NAN], nan_ok=True)


def rows_of(conditions: Mapping[str, int]) -> list[dict[str, object]]:
    """Sample rows of four items; a condition covers its first items."""
    fixed = {"task": "t", "cluster": "c", "score": 1.0, "extracted": True, "replaced": None, "chance": None}
    return [{**fixed, "item": f"t/{k}", "condition": c} for k in range(4) for c, covered in conditions.items() if k < covered]


def test_the_canary_is_no_score_unless_every_item_was_run_on_it() -> None:
    table = task_table("t", "1", rows_of({"text": 4, "speech": 4, "speech=silence": 2, "speech=other": 4}), [])
    assert set(table.scores) == {"text", "speech", "speech=other"}


def test_items_are_in_the_order_of_their_numbers() -> None:
    rows = [{**row, "item": f"t/{number}"} for row, number in zip(rows_of({"text": 4}), (10, 9, 2, 0), strict=True)]
    assert list(task_table("t", "1", rows, []).items) == ["t/0", "t/2", "t/9", "t/10"]


def test_a_null_that_no_item_has_is_absent_with_the_reason_in_the_record_of_one_task() -> None:
    some = demo_run.evaluation()
    pairs = some.pairs[demo_run.TASKS[0]]
    curves = [{**row, "other_task": [NAN] * len(row["other_task"])} for row in curve_rows(pairs)]
    result = task_result(task_table(demo_run.TASKS[0], "1", sample_rows(pairs), curves))
    found = result.representation["pooled_cosine"]
    for estimate in (found.null["other_task"], found.above_null["other_task"]):
        assert math.isnan(estimate.value)
        assert estimate.why == "no item has a value"
    assert not math.isnan(found.null["same_task"].value)
