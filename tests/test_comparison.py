"""Run folders to a comparison: the records' own numbers, paired differences, names, groups, other conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_comparison import OTHER, REFERENCE, provenance, rewrite, system, with_words

from lsgap_bench.comparison import Comparison, compare
from lsgap_bench.records import read_record, read_tables
from lsgap_bench.schema import Record

MakeRun = Callable[..., Path]


@pytest.fixture
def runs(tmp_path: Path, make_run: MakeRun) -> list[Path]:
    """Three models; the third answers as the first."""
    made = [
        make_run(tmp_path / name, scores, system=system(name), provenance=provenance())
        for name, scores in (("alpha", REFERENCE), ("beta", OTHER), ("gamma", REFERENCE))
    ]
    return [with_words(folder) for folder in made]


def values(found: Comparison, place: str, model: str) -> dict[str, float]:
    of = next(p for p in found.places if p.name == place)
    return {quantity: paired.difference.value for quantity, paired in of.differences[model].items()}


def test_differences_are_from_the_first_run(runs: list[Path]) -> None:
    found = compare(runs)
    assert found.reference == "alpha"
    assert [place.name for place in found.places] == ["Overall", "numbers", "days"]  # the group `mini` is all tasks: said once
    assert values(found, "numbers", "beta") == {"text": -25, "speech": 25, "gap": -50}
    assert values(found, "Overall", "beta") == {"text": -12.5, "speech": -12.5, "gap": 0}
    assert values(found, "Overall", "gamma") == {"text": 0, "speech": 0, "gap": 0}
    turned = compare(runs[::-1])
    assert values(turned, "numbers", "beta") == values(found, "numbers", "beta")
    assert values(compare(runs[1::-1]), "numbers", "alpha") == {"text": 25, "speech": -25, "gap": 50}


def test_scores_are_those_of_the_records(runs: list[Path]) -> None:
    found = compare(runs)
    for folder, model in zip(runs, found.models, strict=True):
        record = read_record(folder / "record.json")
        for place in found.places:
            of = record.overall if place.name == "Overall" else record.tasks[place.name]
            shown = place.scores[model.name]
            assert (shown["text"], shown["speech"]) == (of.scores["text"], of.scores["speech"])
            assert shown["gap"].value == of.gap.value
        for metric, of in record.overall.representation.items():
            assert (model.representation[metric].value, model.representation[metric].above_null) == (of.value, of.above_null)


def test_items_are_joined_by_their_id_and_not_by_their_order(runs: list[Path]) -> None:
    before = values(compare(runs), "numbers", "beta")
    samples = runs[1] / "samples.jsonl"
    samples.write_text("".join(reversed(samples.read_text(encoding="utf-8").splitlines(keepends=True))), encoding="utf-8")
    assert values(compare(runs), "numbers", "beta") == before


def test_one_run_under_two_tags_differs_by_nothing(tmp_path: Path, make_run: MakeRun) -> None:
    twice = [
        make_run(tmp_path / f"run{step}", REFERENCE, system=system("alpha"), provenance=provenance(), tags={"step": step, "run": "a"})
        for step in (1, 2)
    ]
    found = compare(twice)
    assert [model.name for model in found.models] == ["alpha (step=1)", "alpha (step=2)"]
    for place in found.places:
        for paired in place.differences["alpha (step=2)"].values():
            assert (paired.difference.value, paired.p_value.value, paired.p_holm) == (0, 1, 1)


def test_names_are_made_unique_by_tags_then_folder_then_path(tmp_path: Path, make_run: MakeRun) -> None:
    where = ("a/run", "b/run", "c", "d", "e")
    tags = ({}, {}, {}, {"step": 2}, {})
    names = ("alpha", "alpha", "alpha", "alpha", "beta")
    made = [
        make_run(tmp_path / path, REFERENCE, system=system(name), provenance=provenance(), tags=tag)
        for path, tag, name in zip(where, tags, names, strict=True)
    ]
    first, second, *others = (model.name for model in compare(made).models)
    assert (first, second) == (f"alpha ({made[0]})", f"alpha ({made[1]})")
    assert others == ["alpha (c)", "alpha (step=2)", "beta"]


def test_groups_that_say_something_else_stand_between_overall_and_tasks(
    tmp_path: Path, make_run: MakeRun, make_record: Callable[..., Record]
) -> None:
    three = {"numbers": REFERENCE["numbers"], "days": REFERENCE["days"], "months": REFERENCE["days"]}
    whole = make_record(three).overall
    members = {"calendar": ["days", "months"], "twin": ["months", "days"], "single": ["days"], "all": list(three)}
    groups = {name: replace(whole, tasks=tasks) for name, tasks in members.items()}
    made = [make_run(tmp_path / name, three, system=system(name), provenance=provenance(), groups=groups) for name in ("x", "y")]
    assert [place.name for place in compare(made).places] == ["Overall", "calendar", "numbers", "days", "months"]
    assert [place.name for place in compare(made, ["calendar"]).places] == ["Overall", "days", "months"]


def test_other_conditions_that_all_models_ran_are_compared_over_all_tasks(tmp_path: Path, make_run: MakeRun) -> None:
    helped = {task: {**of, "speech+identity:all@0": of["text"], "base": of["text"]} for task, of in REFERENCE.items()}
    same = {task: {**of, "speech+identity:all@0": of["speech"], "base": of["text"]} for task, of in REFERENCE.items()}
    made = [make_run(tmp_path / n, s, system=system(n), provenance=provenance()) for n, s in (("alpha", same), ("beta", helped))]
    others = compare(made).others
    assert others is not None
    assert others.name == "Overall"
    differences = {condition: paired.difference.value for condition, paired in others.differences["beta"].items()}
    assert differences == {"speech+identity:all@0": 50, "base": 0}  # the gap of alpha, over both tasks: (50 + 50) / 2


def test_questions_have_one_hash_per_task_for_all_models(runs: list[Path], tmp_path: Path, make_run: MakeRun) -> None:
    hashes = compare(runs).questions
    assert set(hashes) == {"numbers", "days"}
    assert compare(runs[::-1]).questions == hashes
    others = [with_words(make_run(tmp_path / f"o{k}", OTHER, provenance=provenance()), words="asked {}") for k in range(2)]
    assert compare(others).questions["days"] != hashes["days"]


def test_metrics_stand_beside_the_gap(runs: list[Path]) -> None:
    found = compare(runs)
    assert {of.metric for of in found.against} == {"alignment_path_score", "pooled_cosine"}
    value = found.against[0]
    assert value.values["beta"].value == pytest.approx(found.models[1].representation[value.metric].value.value)
    assert value.pearson.n == 3
    assert value.pearson.why == "1 different points are too few for a correlation; it takes 3"  # curves and overall gaps are the same


def test_the_tables_of_a_run_are_those_that_the_leaderboard_reads(runs: list[Path]) -> None:
    tables = read_tables(runs[0], {"numbers": "1.0", "days": "1.0"})
    assert [len(table.items) for table in tables] == [4, 2]
    assert [place.n for place in compare(runs).places] == [6, 4, 2]


def test_agreement_is_the_kappa_of_two_models_answers_on_each_side(runs: list[Path]) -> None:
    for run in runs:
        rewrite(run, lambda row: {**row, "answer": "A" if row["score"] else "B"})
    found = compare(runs, tasks=["numbers"]).agreement["cohen_kappa"]
    # Text: AAAB and AABB; speech: ABBB and AABB. Either way 3 of 4 are the same, and 1/2 would be by chance.
    assert {model: {side: kappa.value for side, kappa in of.items()} for model, of in found.items()} == {
        "beta": {"text": pytest.approx(0.5), "speech": pytest.approx(0.5)},
        "gamma": {"text": 1.0, "speech": 1.0},
    }
    over_both = compare(runs).agreement["cohen_kappa"]["beta"]["text"]
    assert "chance explains them" in str(over_both.why)  # in days all answers are A


def test_where_a_model_did_not_run_a_side_there_is_no_agreement_on_it(tmp_path: Path, make_run: MakeRun) -> None:
    runs = [
        with_words(make_run(tmp_path / name, {"numbers": scores}, system=system(name), provenance=provenance()))
        for name, scores in (("alpha", REFERENCE["numbers"]), ("beta", {"text": (1, 1, 0, 0)}))
    ]
    found = compare(runs).agreement["cohen_kappa"]["beta"]["speech"]
    assert (math.isnan(found.value), found.why) == (True, "speech was not run")


def test_runs_that_no_judge_has_judged_say_so_in_every_number(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    why = "days needs a judge; add --judge"

    def unjudged(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "score": None, "extracted": None, "unjudged": why} if row["task"] == "days" else row

    made = [rewrite(make_run(tmp_path / name, OTHER, system=system(name), provenance=provenance()), unjudged) for name in ("alpha", "beta")]
    found = compare(made)
    overall, numbers, days = found.places
    assert found.notes == ()
    assert {of.why for sides in found.agreement.values() for of in sides["beta"].values()} == {why}
    assert {of.why for scores in days.scores.values() for of in scores.values()} == {why}
    assert {(of.difference.why, of.p_value.test) for of in days.differences["beta"].values()} == {(why, why)}
    assert {of.why for of in overall.scores["alpha"].values()} == {f"days: {why}"}
    assert overall.differences["beta"]["gap"].difference.why == f"days: {why}"
    assert numbers.scores["alpha"]["gap"].why is None
