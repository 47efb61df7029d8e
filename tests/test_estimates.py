from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import demo_run
import numpy as np
import pytest

from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.measures import mean_over_layers
from lsgap_bench.run_rows import curve_rows, sample_rows
from lsgap_bench.schema import SIDES, Observation, Pair, Verdict
from lsgap_bench.task_tables import TaskTable, task_table

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
FULL_TOO = made({"text": TEXT, "speech": SPEECH, PATCHED: TREATED}, task="u")


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


def test_items_that_a_control_has_no_answer_for_are_left_out_of_its_gain() -> None:
    control = f"{PATCHED}=wrong_transcript"
    # against plain speech 1 0 0 0 1 0: one recovered, one broken, and two items without a partner
    result = task_result(made({"text": TEXT, "speech": SPEECH, control: [0, 1, NAN, 0, 1, NAN]})).interventions[control]
    assert (result.gain.n, result.gain.value) == (4, 0)
    assert result.score.value == pytest.approx(50)
    assert (result.recovered, result.broken) == (1, 1)
    assert (result.p_value.test, result.p_value.value) == ("exact McNemar", 1)


def test_a_control_that_no_item_has_an_answer_for_is_absent_with_the_reason() -> None:
    control = f"{PATCHED}=wrong_transcript"
    table = made({"text": TEXT, "speech": SPEECH, control: [NAN] * 6})
    result = task_result(table).interventions[control]
    assert math.isnan(result.gain.value)
    assert result.gain.why == result.score.why == result.p_value.test == "no item has a value"
    assert (result.recovered, result.broken) == (None, None)
    assert group_result([table, FULL_TOO]).interventions.get(control) is None
    assert group_result([table]).interventions[control].recovered is None


def test_a_sample_without_an_answer_is_null_with_the_reason_and_comes_back_as_absent() -> None:
    name = f"{PATCHED}=wrong_transcript"
    item = demo_run.items(2)[0]
    seen = {"text": 1.0, "speech": 0.0, name: None}
    pairs = [
        Pair(
            item,
            {c: Observation(item.id, c, "a", "p", 3, "0", absent=None if score is not None else "no partner") for c, score in seen.items()},
            {c: Verdict("a", score, bool(score), True) for c, score in seen.items() if score is not None},
        )
    ]
    rows = {row["condition"]: row for row in sample_rows(pairs)}
    assert {key for key, value in rows[name].items() if value is None} >= {"answer", "score", "correct", "content_tokens"}
    assert rows[name]["why"] == "no partner"
    assert "why" not in rows["speech"]
    table = task_table(item.task, "1.0", rows.values(), [])
    assert math.isnan(table.scores[name][0])
    assert math.isnan(task_result(table).fail_rate[name])


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


@pytest.mark.parametrize(("layers", "means"), [("1..L", [2, 2, NAN]), ("0..L", [3.75, 13 / 3, 9]), ("1..L-1", [1.5, 1, NAN])])
def test_the_choice_of_layers_decides_which_columns_are_averaged(layers: str, means: list[float]) -> None:
    curves = np.array([[9, 1, 2, 3], [9, 1, NAN, 3], [9, NAN, NAN, NAN]])
    assert mean_over_layers(curves, layers) == pytest.approx(means, nan_ok=True)
    assert mean_over_layers(np.array([[5.0], [NAN]]), layers) == pytest.approx([5, NAN], nan_ok=True)  # a metric of the logits


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


# -------------------------------------------------------------------------------------------------- base and cascade

BASE, CASCADE = [1, 1, 1, 1, 1, 0], [1, 1, 0, 0, 1, 0]


def beside(table: TaskTable, **systems: Sequence[float]) -> TaskTable:
    return dataclasses.replace(table, systems={name: np.array(values, dtype=np.float64) for name, values in systems.items()})


def test_erosion_and_recovery_are_those_of_the_items() -> None:
    result = task_result(beside(FULL, base=BASE, cascade=CASCADE))
    assert result.base.value == pytest.approx(100 * 5 / 6)
    assert result.cascade.value == pytest.approx(50)
    assert result.erosion.value == pytest.approx(0)  # item 3 lost, item 5 won
    assert result.erosion.low < 0 < result.erosion.high
    assert result.recovery.value == pytest.approx((2 / 6) / (5 / 6))
    assert (result.erosion.unit, result.recovery.unit) == ("points", "ratio")


def test_a_groups_recovery_is_the_ratio_of_the_unweighted_means() -> None:
    small = made({"text": [1, 1], "speech": [0, 1]}, task="small")
    group = group_result([beside(FULL, base=BASE, cascade=CASCADE), beside(small, base=[1, 0], cascade=[0, 0])])
    assert group.base.value == pytest.approx(100 * (5 / 6 + 1 / 2) / 2)
    assert group.erosion.value == pytest.approx(100 * (0 - 1 / 2) / 2)
    assert group.recovery.value == pytest.approx((2 / 6 + 1 / 2) / (5 / 6 + 1 / 2))


def test_what_of_the_four_was_not_run_says_so() -> None:
    only_cascade = task_result(beside(FULL, cascade=CASCADE))
    assert only_cascade.cascade.value == pytest.approx(50)
    assert {only_cascade.base.why, only_cascade.erosion.why, only_cascade.recovery.why} == {"this system was not run"}
    written = task_result(beside(made({"text": TEXT}), base=BASE))
    assert written.recovery.why == "speech was not run"
    assert written.erosion.value == pytest.approx(0)
    spoken = group_result([beside(made({"speech": SPEECH}), base=BASE)])
    assert spoken.erosion.why == "text was not run"
    assert spoken.recovery.value == pytest.approx(0.4)
    wrong = task_result(beside(FULL, base=[0] * 6))
    assert wrong.recovery.why == "what it is divided by is 0"


def test_a_task_without_items_leaves_base_and_recovery_of_its_group_absent() -> None:
    group = group_result([beside(FULL, base=BASE, cascade=CASCADE), made({}, task="empty")])
    for estimate in (group.base, group.cascade, group.erosion, group.recovery):
        assert math.isnan(estimate.value)
        assert estimate.why == "a task has no item with a value"


def test_samples_of_other_systems_are_no_conditions_of_the_model_and_older_samples_are_all_its_own() -> None:
    rows = rows_of({"text": 4, "speech": 4})
    others = [{**row, "system": "base" if row["condition"] == "text" else "cascade", "score": 0.0} for row in rows]
    table = task_table("t", "1", [*({**row, "system": "lslm"} for row in rows), *others], [])
    assert set(table.scores) == {"text", "speech"}
    assert table.scores["speech"].tolist() == [1.0] * 4
    assert {name: values.tolist() for name, values in table.systems.items()} == {"base": [0.0] * 4, "cascade": [0.0] * 4}
    assert set(table.extracted) == {"text", "speech", "base", "cascade"}
    assert task_table("t", "1", rows, []).systems == {}
