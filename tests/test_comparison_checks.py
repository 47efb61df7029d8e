"""What `lsgap compare` refuses, each in one line that names the runs and the remedy, and what it notes instead."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_comparison import OTHER, REFERENCE, changed, provenance, rewrite, system, with_words

from lsgap_bench.comparison import compare
from lsgap_bench.errors import UsageError
from lsgap_bench.measures import null_warnings
from lsgap_bench.schema import Estimate

MakeRun = Callable[..., Path]


@pytest.fixture
def pair(tmp_path: Path, make_run: MakeRun) -> Callable[..., tuple[Path, Path]]:
    """pair(**fields of the second record) -> the run folders of two models on the same items."""

    def make(**changes: Any) -> tuple[Path, Path]:
        first = make_run(tmp_path / "first", REFERENCE, system=system("alpha"), provenance=provenance())
        fields = {"system": system("beta"), "provenance": provenance(), **changes}
        return first, make_run(tmp_path / "second", OTHER, **fields)

    return make


def refused(*runs: Path, tasks: list[str] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        compare(runs, tasks)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def only(make_run: MakeRun, folder: Path, *tasks: str, **fields: Any) -> Path:
    """A run of some of the tasks."""
    return make_run(folder, {task: OTHER[task] for task in tasks}, system=system("beta"), provenance=provenance(), **fields)


def test_one_run_is_no_comparison(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, _ = pair()
    assert "at least two run folders, this is 1" in refused(first)


def test_a_run_given_twice_is_named(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair()
    assert f"{first.resolve()} is given 2 times" in refused(first, second, first.parent / "second" / ".." / "first")


def test_a_record_without_samples_cannot_be_paired(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair()
    said = refused(first, second / "record.json")
    assert f"{second / 'record.json'} holds no samples.jsonl" in said
    assert "give the folder that `lsgap run` wrote" in said
    (second / "samples.jsonl").unlink()
    assert f"{second} holds no samples.jsonl" in refused(first, second)


def test_a_folder_that_is_no_run_is_named(pair: Callable[..., tuple[Path, Path]], tmp_path: Path) -> None:
    first, _ = pair()
    assert str(tmp_path / "nowhere") in refused(first, tmp_path / "nowhere")


def test_a_run_without_paired_tasks_is_refused(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair(tasks={})
    assert f"{second}: no paired task was run" in refused(first, second)


def test_other_versions_of_a_task_are_refused(pair: Callable[..., tuple[Path, Path]], make_record: Callable[..., Any]) -> None:
    tasks = dict(make_record(OTHER).tasks)
    first, second = pair(tasks={**tasks, "days": replace(tasks["days"], version="2.0")})
    assert f"{second} and {first}: days has versions 2.0 and 1.0; run both on the same version" in refused(first, second)


@pytest.mark.parametrize(("key", "what"), [("tasks_sha256", "other task files of the same versions"), ("data_sha256", "other items")])
def test_other_files_and_other_data_are_refused_by_their_hash(pair: Callable[..., tuple[Path, Path]], key: str, what: str) -> None:
    first, second = pair(provenance=provenance({key: "c" * 64}))
    said = refused(first, second)
    assert f"{second} and {first} are on {what} ({key} differs)" in said


def test_a_run_of_fewer_items_is_refused_with_the_limit_as_remedy(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair(provenance=provenance(limit=3))
    rewrite(second, lambda row: None if row["item"] == "numbers/3" else row)
    said = refused(first, second)
    assert "numbers has 3 and 4 items (numbers/3 is in one of the two only); run both with the same --limit" in said


def test_items_that_one_run_left_out_are_refused_with_the_options_that_leave_out(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair()
    rewrite(second, lambda row: None if row["item"] == "numbers/1" else row)
    assert "(numbers/1 is in one of the two only); run both with the same data, --limit, --long_clips" in refused(first, second)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"target": "B"}, "another target ('B' and 'A')"),
        ({"option_logprobs": {"A": -0.1, "C": -2.0}}, "other options (('A', 'C') and ('A', 'B'))"),
        ({"cluster": "elsewhere"}, "another cluster ('elsewhere' and 'days question 1')"),
        ({"chance": 0.5}, "another chance level (0.5 and 0.25)"),
        ({"clip": {"sha256": "9" * 64}}, f"another clip ('{'9' * 64}' and '{'0' * 64}')"),
        ({"text": "Which is smaller?"}, "other words ('Which is smaller?' and 'question days/1')"),
    ],
)
def test_an_item_that_asks_something_else_is_named(pair: Callable[..., tuple[Path, Path]], fields: dict[str, Any], what: str) -> None:
    first, second = map(with_words, pair())
    rewrite(second, changed("days/1", **fields))
    assert f"{second} and {first}: days/1 has {what}; run both on the same data and task files" in refused(first, second)


def test_spaces_around_the_words_are_no_other_words(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = map(with_words, pair())
    rewrite(second, changed("days/1", text=" question days/1\n"))
    assert compare([first, second]).notes == ()


def test_another_system_instruction_is_refused(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair(provenance=provenance(system_instruction="Be brief."))
    assert "have other system instructions ('Be brief.' and None); run both with the same --system_instruction" in refused(first, second)


@pytest.mark.parametrize("facts", [{"name": "alpha"}, {"pretrained": "org/alpha"}])
def test_other_prompts_of_one_model_are_refused_and_shown_where_they_differ(
    pair: Callable[..., tuple[Path, Path]], facts: dict[str, Any]
) -> None:
    first, second = pair(system={**system("beta"), **facts})
    with_words(first, "<|user|>")
    with_words(second, "<|user|>Please answer: ")
    said = refused(first, second)
    assert "are of one model, but their text prompts of numbers/0 differ" in said
    assert "Please answer: question" in said
    assert "run both with the same chat template" in said


def test_prompts_of_two_models_that_differ_by_their_template_are_noted(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair()
    with_words(first, "<|user|>", "<|answer|>")
    with_words(second, "[INST] ", " [/INST]")
    found = compare([first, second])
    (note,) = found.notes
    assert note.startswith("beta and alpha have different prompts around the same words, each of its own chat template")
    assert found.models[0].frames == {"text": ["<|user|>{words}<|answer|>"], "speech": ["<|user|><audio><|answer|>"]}
    assert found.models[1].frames == {"text": ["[INST] {words} [/INST]"], "speech": ["[INST] <audio> [/INST]"]}


def without_words(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "text"}


def test_without_the_words_the_hash_of_the_data_vouches_for_them(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair()
    rewrite(with_words(first, "<|user|>"), without_words)
    rewrite(with_words(second, "[INST] "), without_words)
    found = compare([first, second])
    assert len(found.notes) == 1
    assert found.models[0].frames["text"] == []


def test_without_words_and_hash_other_prompts_are_refused(
    pair: Callable[..., tuple[Path, Path]], make_run: MakeRun, tmp_path: Path
) -> None:
    first, _ = pair()
    rewrite(with_words(first, "<|user|>"), without_words)
    part = only(make_run, tmp_path / "part", "days")
    rewrite(with_words(part, "[INST] "), without_words)
    said = refused(first, part, tasks=["days"])
    assert "text prompts of days/0 differ, and the samples do not hold its words alone" in said
    assert "run both again with this version" in said
    rewrite(with_words(part, "<|user|>"), without_words)
    assert compare([first, part], ["days"]).questions.keys() == {"days"}


def test_other_choices_of_the_measurement_are_refused(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair(provenance=provenance({"protocol": {"choices": {"layers": "0..L"}}}))
    assert "are measured with other choices (layers 0..L and 1..L); run or rescore both with the same --choice" in refused(first, second)


def test_scorers_of_one_name_and_other_code_are_refused(tmp_path: Path, make_run: MakeRun) -> None:
    first, second, third = (
        make_run(
            tmp_path / name,
            OTHER,
            system=system(name),
            provenance=provenance({"scorers": {"days": "mine"}, "scorers_sha256": {"days": code}}),
        )
        for name, code in (("first", "beef"), ("second", "cafe"), ("third", "beef"))
    )
    assert "days is judged by two different scorers of the name mine; rescore both with one of them" in refused(first, second)
    assert compare([first, third]).reference == "first"


@pytest.mark.parametrize("said", [{"days": "exact"}, {}])
def test_other_scorers_are_refused_where_both_are_known_or_a_run_was_rescored(
    tmp_path: Path, make_run: MakeRun, said: dict[str, str]
) -> None:
    def run(name: str, **changes: Any) -> Path:
        return make_run(tmp_path / name, OTHER, system=system(name), provenance=provenance(changes))

    first = run("first", scorers=said)
    second = run("second", scorers={"days": "choice"}, rescored={"command": "lsgap rescore"})
    assert f"days is judged by scorer choice and by scorer {said.get('days')}; rescore one of them" in refused(first, second)
    if not said:
        assert compare([first, run("third", scorers={"days": "choice"})]).notes == ()


def test_other_tasks_are_refused_with_the_shared_ones_to_ask_for(
    pair: Callable[..., tuple[Path, Path]], make_run: MakeRun, tmp_path: Path
) -> None:
    first, _ = pair()
    part = only(make_run, tmp_path / "part", "days")
    said = refused(first, part)
    assert f"{part} and {first} are on different tasks (numbers); compare what all share with --tasks days" in said
    strangers = make_run(tmp_path / "strangers", {"months": OTHER["days"]}, system=system("beta"), provenance=provenance())
    assert "(days, months, numbers); they share none, so nothing can be compared" in refused(first, strangers)


def test_asked_for_alone_a_shared_task_is_compared_and_the_rest_is_said_to_be_left_out(
    pair: Callable[..., tuple[Path, Path]], make_run: MakeRun, tmp_path: Path
) -> None:
    first, _ = pair()
    part = with_words(only(make_run, tmp_path / "part", "days"))
    found = compare([with_words(first), part], ["days"])
    assert [place.name for place in found.places] == ["days"]
    assert found.places[0].differences["beta"]["speech"].difference.value == -50
    assert found.notes[0].startswith("beta and alpha ran different sets of tasks, so their task files cannot be compared by hash")
    assert found.notes[1] == "left out, as --tasks asks: numbers"


def test_another_order_of_tasks_is_the_same_ground(pair: Callable[..., tuple[Path, Path]], make_run: MakeRun, tmp_path: Path) -> None:
    first, _ = pair()
    turned = only(make_run, tmp_path / "turned", "days", "numbers")
    assert [p.name for p in compare([with_words(first), with_words(turned)]).places] == ["Overall", "numbers", "days"]
    rewrite(turned, changed("days/1", text="other"))
    assert "days/1 has other words" in refused(first, turned)


def test_unknown_and_missing_tasks_are_named(pair: Callable[..., tuple[Path, Path]], make_run: MakeRun, tmp_path: Path) -> None:
    first, second = pair()
    assert f"{first}: no task is called 'dayz'; did you mean 'days'?" in refused(first, second, tasks=["dayz"])
    part = only(make_run, tmp_path / "part", "days")
    assert f"{part}: numbers was not run; leave it out of --tasks" in refused(first, part, tasks=["numbers"])
    assert f"{part}: numbers was not run" in refused(first, part, tasks=["mini"])  # a group of the first run


def test_what_may_differ_is_noted(pair: Callable[..., tuple[Path, Path]]) -> None:
    changes = {"seed": 7, "lsgap_bench": "0.2.0", "generation": {"days": {"max_new_tokens": 16, "until": []}}}
    first, second = pair(provenance=provenance(changes), checks={"truncated_clips": 3, "warnings": ["it is odd"]})
    assert compare([first, second]).notes == (
        "beta and alpha generate with max_new_tokens 16 and None",
        "beta and alpha generate with until [] and None",
        "beta and alpha have seeds 7 and 0, so the partners of their nulls and random selections differ",
        "beta and alpha were made by lsgap-bench 0.2.0 and 0.1.0; a scorer may have changed in between",
        "beta warns: truncated clips: 3 clips cut to what the model hears",
        "beta warns: it is odd",
    )


def test_what_the_tables_show_anyway_is_no_note(pair: Callable[..., tuple[Path, Path]], make_record: Callable[..., Any]) -> None:
    explained = null_warnings(make_record(OTHER).overall.representation)
    assert explained  # the made-up nulls are high
    assert compare(pair(checks={"warnings": [*explained, "it is odd"]})).notes == ("beta warns: it is odd",)


def test_conditions_and_metrics_that_one_run_lacks_are_left_out_and_named(tmp_path: Path, make_run: MakeRun) -> None:
    more = {task: {**of, "speech+identity:all@0": of["speech"]} for task, of in REFERENCE.items()}
    first = make_run(tmp_path / "first", more, system=system("alpha"), provenance=provenance())
    second = make_run(tmp_path / "second", OTHER, system=system("beta"), provenance=provenance())
    found = compare([first, second])
    assert found.notes == ("conditions left out, for beta did not run them: speech+identity:all@0",)
    assert found.others is None


def test_items_without_an_answer_are_counted(pair: Callable[..., tuple[Path, Path]]) -> None:
    first, second = pair()
    rewrite(second, lambda row: {**row, "score": None} if (row["item"], row["condition"]) == ("days/0", "speech") else row)
    assert compare([first, second]).notes == ("beta has no speech score on 1 of the 2 items of days, which no difference counts",)


def test_a_copy_of_a_run_is_comparable(pair: Callable[..., tuple[Path, Path]], tmp_path: Path) -> None:
    first, _ = pair()
    shutil.copytree(first, tmp_path / "copy")
    found = compare([first, tmp_path / "copy"])
    assert [model.name for model in found.models] == ["alpha (first)", "alpha (copy)"]
    assert isinstance(found.overall.scores["alpha (copy)"]["gap"], Estimate)


VOICE = {"voice": "espeak:en-us", "speed": 1.0, "engine_version": "1.52", "say": "{{text}}"}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"voice": "espeak:en-gb", "engine_version": "1.53"}, "voice 'espeak:en-gb' and 'espeak:en-us', engine_version '1.53' and '1.52'"),
        ({"say": "{{text}}!"}, "say '{{text}}!' and '{{text}}'"),
    ],
)
def test_clips_of_another_voice_are_refused_by_the_voice(tmp_path: Path, make_run: MakeRun, changes: dict[str, Any], what: str) -> None:
    first, second = (
        make_run(tmp_path / name, OTHER, system=system(name), provenance=provenance({"speech": {"days": told}, "tasks_sha256": name}))
        for name, told in (("first", VOICE), ("second", VOICE | changes))
    )
    rewrite(second, changed("days/1", clip={"sha256": "9" * 64}))
    assert refused(first, second) == f"{second} and {first}: days is said with {what}; run both on the same clips and data"


@pytest.mark.parametrize("key", ["speech", "data"])
def test_another_source_of_the_very_same_items_is_noted(tmp_path: Path, make_run: MakeRun, key: str) -> None:
    first, second, third = (
        make_run(tmp_path / name, OTHER, system=system(name), provenance=provenance({key: {"days": {"commit": commit}}} if commit else {}))
        for name, commit in (("first", "a" * 40), ("second", "b" * 40), ("third", None))
    )
    how = {"speech": "said", "data": "loaded"}[key]
    assert compare([first, second]).notes == (
        f"second and first have the same items of days, though {how} with commit '{'b' * 40}' and '{'a' * 40}'",
    )
    assert compare([first, third]).notes == ()


def test_other_rows_of_another_commit_are_refused_by_the_commit(tmp_path: Path, make_run: MakeRun) -> None:
    first, second = (
        make_run(tmp_path / name, OTHER, system=system(name), provenance=provenance({"data": {"days": {"commit": name}}}))
        for name in ("first", "second")
    )
    rewrite(second, changed("days/0", target="B"))
    assert "days is loaded with commit 'second' and 'first'; run both on the same clips and data" in refused(first, second)
