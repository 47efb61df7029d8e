"""What tasks weigh in a group, its means, intervals and tests: hand arithmetic, and the same bits where all weigh the same."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import demo_run
import numpy as np
import pytest
from scipy.stats import t as student
from test_run import DAYS, run, write_task

from lsgap_bench import leaderboard
from lsgap_bench.agreement import group_kappa
from lsgap_bench.differences import group_mean_p_value
from lsgap_bench.errors import UsageError
from lsgap_bench.estimates import group_result
from lsgap_bench.group_weights import Member, group_of, overall_of, weights_in
from lsgap_bench.power import group_detectable
from lsgap_bench.recognition import word_error_rate
from lsgap_bench.records import RECORD, read_record, to_plain
from lsgap_bench.rescoring import rescore
from lsgap_bench.stats import group_bands, group_mean, mean_estimate, ratio_of_means

A, B, C = Member("a"), Member("b"), Member("c")
RNG = np.random.default_rng(7)
MANY = [((RNG.random(60) < p).astype(float), [f"{p} {k}" for k in range(60)]) for p in (0.3, 0.5, 0.9)]
FEW = [(np.array([1.0, 0, 1, 1]), None), (np.array([0.0, 1, 0]), None)]


def test_a_group_in_a_group_is_one_member_and_pools_its_own_items() -> None:
    pooled = Member("pooled", (B, C), by_size=True)
    assert weights_in(Member("g", (A, pooled)), {"a": 7, "b": 1, "c": 3}) == {"a": 0.5, "b": 0.125, "c": 0.375}
    assert weights_in(Member("g", (A, pooled), by_size=True), {"a": 4, "b": 1, "c": 3}) == {"a": 0.5, "b": 0.125, "c": 0.375}
    assert weights_in(pooled, {"b": 0, "c": 0}) == {"b": 0.5, "c": 0.5}


def test_a_task_of_two_members_weighs_what_both_give_it() -> None:
    assert weights_in(Member("g", (A, Member("h", (A, B)))), {"a": 1, "b": 1}) == {"a": 0.75, "b": 0.25}


def test_a_runs_overall_is_the_one_group_asked_for_or_the_mean_of_what_was_asked_for() -> None:
    group = Member("g", (A, B))
    assert overall_of([group], ["a", "b"]) is group
    assert weights_in(overall_of([group], ["a", "b", "c"]), {"a": 9, "b": 9, "c": 9}) == {"a": 0.25, "b": 0.25, "c": 0.5}
    assert overall_of([], ["a", "b"]).members == (A, B)
    assert overall_of([], ["a"]) == A


def test_a_group_that_weighs_its_metrics_in_two_ways_is_refused() -> None:
    rules = [SimpleNamespace(weight_by_size=True), SimpleNamespace(weight_by_size=False)]
    with pytest.raises(UsageError, match="group 'g': weight_by_size is true of some metrics and false of others; say the same of all"):
        group_of(SimpleNamespace(name="g", aggregate_metric_list=rules), [])


# -------------------------------------------------------------------------------------------------- means, intervals, tests


def test_a_weighted_mean_and_its_error_are_those_of_hand_arithmetic() -> None:
    made = group_mean(FEW, weights=[3, 1])
    assert made.value == pytest.approx(100 * (0.75 * 3 / 4 + 0.25 * 1 / 3))
    variances = [np.var(values, ddof=1) / len(values) for values, _ in FEW]
    error = math.sqrt(0.75**2 * variances[0] + 0.25**2 * variances[1])
    terms = [0.75**4 * variances[0] ** 2 / 3, 0.25**4 * variances[1] ** 2 / 2]
    freedom = error**4 / sum(terms)
    assert f"df {freedom:.4g}" in made.method
    assert (made.high - made.low) / 200 == pytest.approx(student.ppf(0.975, freedom) * error)


def test_tasks_weighed_by_their_items_give_the_mean_over_all_items() -> None:
    parts = [(values[: 20 * (k + 1)], names[: 20 * (k + 1)]) for k, (values, names) in enumerate(MANY)]
    pooled = mean_estimate(np.concatenate([values for values, _ in parts]))
    assert group_mean(parts, weights=[20, 40, 60]).value == pytest.approx(pooled.value)


def test_a_task_that_weighs_nothing_changes_nothing_of_a_bootstrap() -> None:
    alone, beside = group_mean(MANY[:1]), group_mean(MANY[:2], weights=[1, 0])
    assert (beside.value, beside.low, beside.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_weights_of_the_same_size_give_the_same_bits_as_none() -> None:
    third = [1 / 3] * 3
    triples = [(values, 1 - values / 2, names) for values, names in MANY]
    answers = [([str(v) for v in values], [str(v) for v in values[::-1]], names) for values, names in MANY]
    counts = [(values, values + 3, names) for values, names in MANY]
    for made in (
        lambda weights: group_mean(MANY, weights=weights),
        lambda weights: group_bands([(np.stack([values, 1 - values], 1), names) for values, names in MANY], "cosine", weights),
        lambda weights: ratio_of_means(triples, weights=weights),
        lambda weights: group_detectable(MANY, weights=weights),
        lambda weights: group_mean_p_value(MANY, weights),
        lambda weights: group_kappa(answers, weights=weights),
        lambda weights: word_error_rate(counts, weights),
    ):
        assert made(third) == made(None)  # type: ignore[no-untyped-call]


def test_every_mean_over_tasks_takes_weights() -> None:
    heavy = [1e9, 1.0]
    ones, zeros = np.array([1.0, 0, 1, 1, 0]), np.array([0.0, 0, 1, 0, 0])
    assert group_bands([(ones[:, None], None), (zeros[:, None], None)], "cosine", heavy)[0].value == pytest.approx(0.6)
    assert ratio_of_means([(ones, ones + 1, None), (zeros, zeros + 5, None)], weights=heavy).value == pytest.approx(3 / 8)
    assert word_error_rate([(ones, ones + 1, list("abcde")), (zeros, zeros + 5, list("fghij"))], heavy).value == pytest.approx(3 / 8)
    same, other = ["x", "y", "x", "y"], ["y", "x", "y", "x"]
    assert group_kappa([(same, same, None), (same, other, None)], weights=heavy).value == pytest.approx(1)
    assert group_kappa([(same, same, None), (same, other, None)]).value == pytest.approx(0)
    alone = group_detectable([(ones, None)])
    assert group_detectable([(ones, None), (zeros, None)], weights=heavy).value == pytest.approx(alone.value)


def test_a_weighted_test_flips_weighted_sums() -> None:
    # two items a task, all differences 1: the sums are 3/4, 3/4, 1/4, 1/4; the observed total is met by 2 of 16 sign patterns
    parts = [(np.ones(2), ["a", "b"]), (np.ones(2), ["c", "d"])]
    assert group_mean_p_value(parts, [3, 1]).value == pytest.approx(2 / 16)
    mixed = [(np.ones(2), ["a", "b"]), (-np.ones(2), ["c", "d"])]  # 3/4 + 3/4 - 1/4 - 1/4 = 1: met where both large ones agree
    assert group_mean_p_value(mixed, [3, 1]).value == pytest.approx(8 / 16)
    assert group_mean_p_value(mixed, [3, 1]).test == "sign flip of cluster sums, tasks weigh as in the mean"
    assert group_mean_p_value(mixed).value == 1


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, math.nan]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"give one weight per task|are no weights"):
        group_mean(FEW, weights=weights)


# -------------------------------------------------------------------------------------------------- records


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the embedded model on a group of one task and of a pooled group of two, of 3, 1 and 3 items."""
    folder = tmp_path_factory.mktemp("nested")
    for name, items in (("alone", DAYS[:3]), ("one", DAYS[:1]), ("three", demo_run.items(7, demo_run.TASKS[1:2])[4:7])):
        write_task(folder, name, items, cluster="id")
    by_size = [{"metric": "text", "aggregation": "mean", "weight_by_size": True}]
    pooled = {"group": "pooled", "task": ["one", "three"], "aggregate_metric_list": by_size}
    (folder / "pooled.yaml").write_text(json.dumps(pooled))
    (folder / "outer.yaml").write_text(json.dumps({"group": "outer", "task": ["alone", "pooled"]}))
    run(folder, "outer", metrics=["pooled_cosine"], output_path=folder / "run")
    return folder / "run"


def test_a_run_of_a_nested_group_weighs_by_member_and_inside_by_item(nested: Path) -> None:
    record = read_record(nested / RECORD)
    outer, pooled = record.groups["outer"], record.groups["pooled"]
    assert outer.weights == {"alone": 0.5, "one": 0.125, "three": 0.375}
    assert pooled.weights == {"one": 0.25, "three": 0.75}
    assert to_plain(record.overall) == to_plain(outer)
    assert record.provenance["data"]["one"] == {"source": "json", "from": "files beside the task"}
    for value in (lambda of: of.scores["speech"].value, lambda of: of.representation["pooled_cosine"].value.value):
        of: Any = {name: value(task) for name, task in record.tasks.items()}  # type: ignore[no-untyped-call]
        assert value(outer) == pytest.approx(of["alone"] / 2 + of["one"] / 8 + 3 * of["three"] / 8)  # type: ignore[no-untyped-call]


def test_rescoring_and_the_leaderboard_recompute_a_weighted_group(nested: Path, tmp_path: Path) -> None:
    before, again = read_record(nested / RECORD), rescore(nested, output_path=tmp_path / "again").record
    assert to_plain(again.groups) == to_plain(before.groups)
    assert to_plain(again.overall) == to_plain(before.overall)
    path = leaderboard.add(nested, tmp_path / "records")
    assert leaderboard.check(tmp_path / "records") == []
    plain = json.loads(path.read_text())
    plain["groups"]["outer"]["weights"] = {"alone": 0.5, "one": 0.5, "three": 0.5}
    path.write_text(json.dumps(plain))
    assert "group 'outer' has weights that are not one per task, adding up to 1" in leaderboard.check(tmp_path / "records")[0]


def test_a_record_of_a_version_without_weights_keeps_its_numbers(make_run: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_run(
        tmp_path / "run", {"numbers": {"text": [1, 1, 0, 0], "speech": [1, 0, 0, 0]}, "days": {"text": [1, 1], "speech": [0, 1]}}
    )
    plain = json.loads((folder / RECORD).read_text())
    assert plain["overall"].pop("weights") == plain["groups"]["mini"].pop("weights") == {"numbers": 0.5, "days": 0.5}
    (folder / RECORD).write_text(json.dumps(plain))
    assert leaderboard.add(folder, tmp_path / "records").is_file()


def test_a_group_without_tasks_has_no_weights() -> None:
    assert group_result([]).weights == {}
