"""The analysis of made-up checkpoints whose truth is set in made_series: trends, regressions, flips, gains and what is absent."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_series import METRICS, Made, falling, write_series

from lsgap_bench.series import Series, load_series
from lsgap_bench.series_analysis import LOG_STEP, Analysis, Association, analyse
from lsgap_bench.series_gains import parts_of
from lsgap_bench.series_items import Items, flip_results, gain_p_value, read_items

BOTTOM3 = "speech+angle_projection:bottom3@0"
WRONG = f"{BOTTOM3}=wrong_transcript"
LENGTH = "speech+length_normalization:all@1"
QUICK = {"n_boot": 200}


def loaded(folder: Path, made: list[Made]) -> Series:
    return load_series(write_series(folder, made))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    """Three runs of four steps; BOTTOM3 mends 8 of 40 items a task, its wrong-transcript control 2."""
    return loaded(tmp_path_factory.mktemp("series"), falling(gains={BOTTOM3: 8, WRONG: 2, LENGTH: 0}))


@pytest.fixture(scope="module")
def analysis(series: Series) -> Analysis:
    return analyse(series, **QUICK)


def fit_of(analysis: Analysis, predictor: str, subset: str = "all") -> Association:
    return next(a for a in analysis.associations if (a.predictor, a.subset) == (predictor, subset))


def test_the_gap_falls_along_training_in_every_run(analysis: Analysis) -> None:
    trends = {t.quantity: t for t in analysis.training}
    assert (trends["gap"].rho.value, trends["gap"].rising.value, trends["gap"].rho.n) == (-1, 0, 3)
    # lost falls by .12 of the items at each doubling; a task has 40 items, so by 4 or 5 of them
    assert trends["gap"].doubling.value == pytest.approx(-12, abs=0.6)
    assert trends["speech"].doubling.value == pytest.approx(-trends["gap"].doubling.value)
    assert (trends["pooled_cosine"].rho.value, trends["pooled_euclidean"].rho.value) == (1, -1)
    assert trends["text"].rho.n == 0


def test_a_run_of_two_checkpoints_has_no_trend(tmp_path: Path) -> None:
    found = analyse(loaded(tmp_path, falling(("a", "b"), (1, 2), items=6)), **QUICK)
    assert all(math.isnan(t.rho.value) and math.isnan(t.doubling.value) for t in found.training)


def test_a_metric_that_rises_with_depth_is_said_to_rise_by_as_much_as_it_does(analysis: Analysis) -> None:
    trends = {(d.metric, d.quantity): d for d in analysis.depth}
    cosine, distance = trends["pooled_cosine", "value"], trends["pooled_euclidean", "value"]
    assert (cosine.rho.value, cosine.rising.value, cosine.rho.n) == (1, 1, 12)
    assert cosine.change.value == pytest.approx(0.2)
    assert (distance.rho.value, distance.rising.value) == (-1, 0)
    assert distance.change.value == pytest.approx(-0.2)
    assert cosine.rho.unit == "rho"
    assert trends["pooled_cosine", "same_task"].change.value == pytest.approx(0, abs=1e-12)


def test_the_final_norms_layer_can_hide_a_rise_and_is_given_apart(tmp_path: Path) -> None:
    """Rises over layers 1..3 and falls at layer 4: ranks 2 3 4 1, so rho = 1 - 6 * (1 + 1 + 1 + 9) / (4 * 15) = -.2; 1 without layer 4."""
    series = loaded(tmp_path, falling(("a",), layers=4, items=4))
    bent = []
    for c in series.checkpoints:
        of = replace(c.representation["pooled_cosine"], by_layer=[0.0, 0.2, 0.3, 0.4, 0.1])
        bent.append(replace(c, record=replace(c.record, overall=replace(c.record.overall, representation={"pooled_cosine": of}))))
    (trend,) = (d for d in analyse(Series(tuple(bent)), items=False, n_boot=20).depth if d.quantity == "value")
    assert (trend.rho.value, trend.inner.value) == pytest.approx((-0.2, 1))


def test_layer_0_is_no_part_of_the_trend_with_depth(tmp_path: Path) -> None:
    """Layer 0 is 0 in every made-up curve, so with it a falling cosine would not be -1."""
    found = analyse(loaded(tmp_path, falling(rise=-0.2, items=6)), **QUICK)
    assert {d.rho.value for d in found.depth if d.metric == "pooled_cosine" and d.quantity == "value"} == {-1}


def test_the_regressions_are_numpys_on_the_records_numbers(series: Series, analysis: Analysis) -> None:
    gap, cosine = series.values("gap"), series.measured("pooled_cosine", "value")
    assert fit_of(analysis, "pooled_cosine").fit.r2.value == pytest.approx(np.corrcoef(cosine, gap)[0, 1] ** 2)
    assert fit_of(analysis, LOG_STEP).fit.r2.value == pytest.approx(np.corrcoef(series.log_steps, gap)[0, 1] ** 2)
    assert (fit_of(analysis, LOG_STEP).fit.n, fit_of(analysis, LOG_STEP).fit.runs) == (12, 3)


def test_each_layer_has_its_own_r2_and_layer_0_is_never_the_best(series: Series, analysis: Analysis) -> None:
    found = fit_of(analysis, "pooled_cosine")
    layer_3 = [c.representation["pooled_cosine"].by_layer[3] for c in series.checkpoints]
    assert found.by_layer[3] == pytest.approx(np.corrcoef(layer_3, series.values("gap"))[0, 1] ** 2)
    bent = []  # layer 0 as the gap itself, R2 1, is still not a layer of the decoder
    for c in series.checkpoints:
        of = c.representation["pooled_cosine"]
        of = replace(of, by_layer=[c.estimate("gap").value, *of.by_layer[1:]])
        bent.append(replace(c, record=replace(c.record, overall=replace(c.record.overall, representation={"pooled_cosine": of}))))
    best = fit_of(analyse(Series(tuple(bent)), items=False, n_boot=20), "pooled_cosine")
    assert best.by_layer[0] == pytest.approx(1)
    assert best.best_layer in range(1, 7)


def test_the_rivals_are_compared_pooled_and_within_runs(analysis: Analysis) -> None:
    (pooled,) = (c for c in analysis.comparisons if (c.a, c.b, c.within) == ("alignment_path_score", "pooled_cosine", False))
    expected = fit_of(analysis, "alignment_path_score").fit.r2.value - fit_of(analysis, "pooled_cosine").fit.r2.value
    assert pooled.difference.value == pytest.approx(expected)
    assert {c.within for c in analysis.comparisons} == {False, True}


def test_each_strategy_is_analysed_alone(tmp_path: Path) -> None:
    made = [replace(m, tags={"strategy": "lora" if m.run == "c" else "full"}) for m in falling(items=10)]
    found = analyse(loaded(tmp_path, made), by="strategy", **QUICK)
    assert found.subsets == ["all", "strategy=full", "strategy=lora"]
    assert fit_of(found, "pooled_cosine", "strategy=full").fit.n == 8
    assert fit_of(found, "pooled_cosine", "strategy=lora").fit.r2.why == "1 training run is too few for an interval"


def test_a_metric_lower_on_lost_items_tells_the_flips_and_its_null_difference_does_not(analysis: Analysis) -> None:
    flips = {(f.metric, f.quantity): f for f in analysis.flips}
    # lost items lie .05 lower, with a noise of .02: the AUROC of two normals is Phi(.05 / (.02 * sqrt 2)) = .961
    for metric in METRICS:
        assert flips[metric, "value"].net.value == pytest.approx(0.961, abs=0.03)
        assert flips[metric, "value"].mean.n == 12
    assert flips["pooled_cosine", "value"].pooled.n == 12 * 80
    assert set(flips["pooled_cosine", "value"].checkpoints) == {c.name for c in analysis.series.checkpoints}


def items(tasks: list[str], speech: list[float], score: list[float], **changes: object) -> Items:
    n = len(tasks)
    fields = {"clusters": [f"q{k}" for k in range(n)], "text": np.ones(n), "measured": {("m", "value"): np.array(score)}, "gains": {}}
    return Items(tasks=tasks, speech=np.array(speech), **{**fields, **changes})


def test_what_only_the_tasks_difficulty_makes_is_gone_when_net_of_the_task(series: Series) -> None:
    """Within each task kept and lost items have the same scores; the easy task has higher scores and more kept items."""
    easy = [(1, 0.8), (1, 0.9), (1, 0.8), (1, 0.9), (0, 0.8), (0, 0.9)]
    hard = [(1, 0.1), (1, 0.2), (0, 0.1), (0, 0.2), (0, 0.1), (0, 0.2)]
    both = easy + hard
    made = items(["easy"] * 6 + ["hard"] * 6, [kept for kept, _ in both], [score for _, score in both])
    (found,) = flip_results(series.checkpoints[:1], [made])
    # by hand, of 6 kept x 6 lost pairs: kept easy (4) against lost hard (4) 16 wins, against lost easy (2) half of 8; kept hard (2) against
    # lost hard half of 8, against lost easy 0: (16 + 4 + 4) / 36
    assert found.pooled.value == pytest.approx(24 / 36)
    assert found.net.value == pytest.approx(0.5)


def test_graded_answers_are_no_flips(series: Series) -> None:
    (found,) = flip_results(series.checkpoints[:1], [items(["t"] * 3, [0.5, 1, 0], [1, 2, 3])])
    assert "graded" in str(found.pooled.why)


def test_the_mean_gain_is_what_was_mended_and_stands_beside_its_control(analysis: Analysis) -> None:
    gains = {g.condition: g for g in analysis.gains}
    # 8 of 40 items a task at each checkpoint: the first 8 are always among the lost, 20 points; the control mends 2, 5 points
    assert gains[BOTTOM3].gain.value == pytest.approx(20)
    assert gains[BOTTOM3].against["wrong_transcript"].value == pytest.approx(15)
    assert (gains[BOTTOM3].checkpoints, gains[BOTTOM3].runs) == (12, 3)
    assert gains[WRONG].against == {}
    assert gains[LENGTH].gain.value == 0
    assert gains[LENGTH].p == 1


def test_p_values_are_sign_flips_over_questions_adjusted_by_holm(analysis: Analysis) -> None:
    gains = {g.condition: g for g in analysis.gains}
    # 2 mended questions in each of two tasks, all of one sign: 2 of 2**4 patterns are as extreme
    assert gains[WRONG].p == pytest.approx(2 / 16)
    assert gains[WRONG].p_holm == pytest.approx(2 * 2 / 16)
    assert gains[BOTTOM3].p == pytest.approx(2 / 10_001, rel=1.5)
    assert gains[BOTTOM3].p_runs == pytest.approx(2 / 2**3)
    rows = [row for row in analysis.checkpoint_gains if row.condition == WRONG]
    assert len(rows) == 12
    assert {row.p.value for row in rows} == {2 / 16}


def test_items_weigh_in_the_p_value_as_their_task_does_in_the_mean_gain(series: Series) -> None:
    read = read_items(series.checkpoints[0])
    assert not isinstance(read, str)
    assert read.gains[BOTTOM3].sum() == pytest.approx(2 * 0.2)  # tasks x mean gain
    made = items(["a", "b", "b", "b"], [0] * 4, [0] * 4, gains={"c": np.array([0.5, 0.25, 0.25, -0.25])})
    # sum .75; of the 16 sign patterns +-.5 +-.25 +-.25 +-.25 eight reach .75 or more in size
    assert gain_p_value([made], "c") == 0.5
    assert math.isnan(gain_p_value([made], "other"))


def test_without_samples_scores_are_analysed_and_the_reason_is_said(series: Series) -> None:
    alone = load_series([c.source / "record.json" for c in series.checkpoints])
    found = analyse(alone, **QUICK)
    assert found.flips == []
    assert "holds no samples.jsonl" in found.missing["items"]
    assert fit_of(found, "pooled_cosine").fit.n == 12
    assert all(math.isnan(g.p) for g in found.gains)
    assert isinstance(read_items(alone.checkpoints[0]), str)


def test_runs_without_interventions_or_representation_are_analysed_for_what_they_have(tmp_path: Path) -> None:
    found = analyse(loaded(tmp_path, falling(metrics=(), items=6)), **QUICK)
    assert [a.predictor for a in found.associations] == [LOG_STEP]
    assert (found.depth, found.flips, found.gains) == ([], [], [])
    assert found.missing == {"interventions": "no checkpoint ran an intervention"}


def test_the_same_seed_gives_the_same_analysis(series: Series, analysis: Analysis) -> None:
    again = analyse(series, **QUICK)
    assert again.associations[1].fit == analysis.associations[1].fit
    assert again.comparisons[0] == analysis.comparisons[0]


def test_a_conditions_name_has_four_parts() -> None:
    assert parts_of(WRONG) == ("angle_projection", "bottom3", "0", "wrong_transcript")
    assert parts_of(LENGTH) == ("length_normalization", "all", "1", "")
