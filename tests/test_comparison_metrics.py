"""The gap against a metric over models: scipy's correlations and intervals, and none where models are too few."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from scipy import stats

from lsgap_bench.comparison_metrics import MANY, gap_against_metrics, warning
from lsgap_bench.schema import Estimate, Representation, absent

GAPS = (10.0, 4.0, 7.0, 1.0, 3.0)
VALUES = (0.2, 0.5, 0.35, 0.7, 0.3)


def measured(value: float, above: float = 0.1) -> Representation:
    near = Estimate(above, above - 0.01, above + 0.01, 9, "cosine")
    return Representation(Estimate(value, value - 0.05, value + 0.05, 9, "cosine"), {}, {"same_task": near}, [], {}, {}, "cosine")


def against(values: Sequence[float], gaps: Sequence[float], metric: str = "pooled_cosine"):  # type: ignore[no-untyped-def]
    models = {f"m{k}": {metric: measured(value, value / 2)} for k, value in enumerate(values)}
    return gap_against_metrics(models, {f"m{k}": Estimate(gap, n=9) for k, gap in enumerate(gaps)})


def test_correlations_are_scipys_with_fishers_interval_and_their_n() -> None:
    value, same, other = against(VALUES, GAPS)
    pearson = stats.pearsonr(VALUES, GAPS)
    assert value.pearson.value == pytest.approx(pearson.statistic)
    interval = pearson.confidence_interval(0.95)  # Fisher's
    assert (value.pearson.low, value.pearson.high) == pytest.approx((interval.low, interval.high))
    assert value.spearman.value == pytest.approx(stats.spearmanr(VALUES, GAPS).statistic)
    assert (value.pearson.n, value.spearman.n) == (5, 5)
    assert same.label == "pooled_cosine above same_task"
    assert same.pearson.value == pytest.approx(pearson.statistic)  # half of every value
    assert other.pearson.n == 0
    assert "too few" in str(other.pearson.why)


def test_two_models_have_points_and_no_correlation() -> None:
    value = against(VALUES[:2], GAPS[:2])[0]
    assert [e.value for e in value.values.values()] == [0.2, 0.5]
    assert math.isnan(value.pearson.value)
    assert value.pearson.why == "2 different points are too few for a correlation; it takes 3"
    assert warning([value]) == ""


def test_one_model_twice_is_one_point() -> None:
    twice = against((*VALUES[:2], VALUES[1]), (*GAPS[:2], GAPS[1]))[0]
    assert (math.isnan(twice.pearson.value), twice.pearson.n) == (True, 3)
    assert str(twice.pearson.why).startswith("2 different points")


def test_three_models_have_a_correlation_without_interval() -> None:
    value = against(VALUES[:3], GAPS[:3])[0]
    assert math.isfinite(value.pearson.value)
    assert math.isnan(value.pearson.low)
    assert value.pearson.why == "3 models leave no interval"


def test_a_model_without_a_gap_is_not_counted() -> None:
    models = {f"m{k}": {"pooled_cosine": measured(v)} for k, v in enumerate(VALUES)}
    gaps = {f"m{k}": Estimate(g, n=9) for k, g in enumerate(GAPS)} | {"m0": absent("speech was not run")}
    value = gap_against_metrics(models, gaps)[0]
    assert value.pearson.n == 4
    assert value.pearson.value == pytest.approx(stats.pearsonr(VALUES[1:], GAPS[1:]).statistic)


def test_models_that_do_not_differ_have_no_correlation() -> None:
    value = against((0.5, 0.5, 0.5), GAPS[:3])[0]
    assert (math.isnan(value.pearson.value), value.pearson.why) == (True, "a side does not vary over the models")


def test_a_metric_that_one_model_lacks_is_left_out() -> None:
    models = {"a": {"x": measured(0.1), "y": measured(0.2)}, "b": {"y": measured(0.3)}}
    assert {of.metric for of in gap_against_metrics(models, {"a": Estimate(1), "b": Estimate(2)})} == {"y"}


def test_few_models_are_said_to_be_few_with_how_many_correlations_were_tried() -> None:
    said = warning(against(VALUES, GAPS))
    assert said == "5 models are few: the correlations describe these models alone, and of 3 some are large by chance."
    many = [k / MANY for k in range(MANY)]
    assert warning(against(many, [g**2 for g in many])) == ""
