"""Runs whose scorers need a judge: without one a dash with the reason, with one the same numbers at once or afterwards."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from chat_server import Body, Fault, Served, completion, judged_of, served, text_of, wav_of
from made_tasks import spoken_rows, write_task

from lsgap_bench import leaderboard
from lsgap_bench.cli import main
from lsgap_bench.comparison_checks import notes, refuse_difference
from lsgap_bench.comparison_runs import read_runs
from lsgap_bench.errors import UsageError
from lsgap_bench.records import RECORD, SAMPLES, read_lines, read_record
from lsgap_bench.rescoring import rescore
from lsgap_bench.run import dry_run, evaluate

ITEMS = 3
ANSWERS = {row["question"]: row["answer"] for row in spoken_rows(4)}
TASKS = ["made_open", "made_qa", "made_plain"]
WHY = "voicebench_open needs a judge; add --judge chat --judge_args base_url=...,model=..., or judge the stored answers: lsgap rescore RUN"


def parrot(body: Body) -> dict[str, Any] | str:
    """Both the model, which reads well and hears nothing, and the judge, which likes what is said of horses less."""
    prompt = judged_of(body)
    if prompt is None:
        words = text_of(body)
        return ANSWERS[words] if words else "a horse" if any((wav_of(body) or b"")[44:]) else "nothing"
    liked = "a horse" not in prompt
    said = ("yes" if liked else "no") if "<reference>" in prompt else ("5" if liked else "2")
    return completion(said, usage={"prompt_tokens": 100, "completion_tokens": 1}, model="parrot-1")


class Ran(NamedTuple):
    """A run without a judge in its folder, and the server that it asked."""

    folder: Path
    server: Served
    tasks: Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("judged")
    for name, scorer in zip(TASKS, ("voicebench_open", "voicebench_qa", "exact"), strict=True):
        write_task(folder, name=name, scorer=scorer, family=name, other_scorers=["contains"] if scorer == "voicebench_qa" else [])
    with served(parrot) as server:
        evaluate(**arguments(server, folder), output_path=folder / "run")
        yield Ran(folder / "run", server, folder)


def arguments(server: Served, tasks: Path) -> dict[str, Any]:
    return {
        "model": "chat-api",
        "model_args": server.arguments,
        "tasks": TASKS,
        "include_path": [str(tasks)],
        "limit": ITEMS,
        "metrics": ["modality_gap"],
    }


def judge_args(server: Served, cache: Path, **more: Any) -> dict[str, Any]:
    return {**server.arguments, "model": "judge-1", "cache": str(cache), **more}


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the votes of `judged` are kept."""
    return tmp_path_factory.mktemp("votes")


@pytest.fixture(scope="module")
def judged(ran: Ran, votes: Path) -> Path:
    """The run with its answers judged afterwards."""
    out = ran.folder.with_name("judged")
    priced = judge_args(ran.server, votes, price_input=1.0, price_output=1.0)
    rescore(ran.folder, output_path=out, judge="chat", judge_args=priced)
    return out


def test_without_a_judge_the_answers_are_kept_and_the_scores_are_a_dash_with_the_reason(ran: Ran) -> None:
    record = read_record(ran.folder / RECORD)
    task = record.tasks["made_open"]
    for absent in (*task.scores.values(), task.gap):
        assert math.isnan(absent.value)
        assert str(absent.why).startswith(WHY)
    assert str(record.overall.gap.why).startswith(f"made_open: {WHY}")
    assert record.tasks["made_plain"].scores["text"].value == 100.0
    rows = [row for row in read_lines(ran.folder / SAMPLES) if row["task"] == "made_open"]
    assert all(row["score"] is None and row["unjudged"].startswith(WHY) for row in rows)
    assert {row["answer"] for row in rows if row["condition"] == "speech"} == {"a horse"}
    assert "judge" not in record.provenance
    assert not [body for body in ran.server.bodies if judged_of(body) is not None]


def test_the_leaderboard_takes_an_unjudged_run_and_shows_the_reason(ran: Ran, tmp_path: Path) -> None:
    leaderboard.add(ran.folder, tmp_path / "records")
    _, page = leaderboard.build(tmp_path / "records", tmp_path / "site")
    assert "voicebench_open needs a judge" in page.read_text()


def test_an_unjudged_run_does_not_take_the_place_of_a_judged_one(ran: Ran, judged: Path, tmp_path: Path) -> None:
    leaderboard.add(ran.folder, tmp_path)
    path = leaderboard.add(judged, tmp_path)
    with pytest.raises(UsageError, match="holds this system under other judges"):
        leaderboard.add(ran.folder, tmp_path)
    assert "judge" in read_record(path).provenance


def test_stored_answers_are_judged_and_the_record_says_by_whom(judged: Path, tmp_path: Path) -> None:
    record = read_record(judged / RECORD)
    opened, qa = record.tasks["made_open"], record.tasks["made_qa"]
    assert (opened.scores["text"].value, opened.scores["speech"].value, opened.gap.value) == pytest.approx((100.0, 40.0, 60.0))
    assert (qa.scores["text"].value, qa.scores["speech"].value) == (100.0, 0.0)
    entry = record.provenance["judge"]
    assert (entry["model"], entry["votes"], entry["tasks"]) == ("judge-1", 3, {"made_open": "voicebench_open", "made_qa": "voicebench_qa"})
    assert entry["rubrics"]["voicebench_qa"]["beside"] == "the judge alone"
    assert set(entry["served_by"]) == {"parrot-1"}
    assert entry["asked"]["cost"]["value"] == pytest.approx(101e-6 * entry["asked"]["votes"])
    rows = [row for row in read_lines(judged / SAMPLES) if row["task"] == "made_open"]
    assert {json.dumps(row["details"]) for row in rows if row["condition"] == "text"} == {'{"ratings": [5, 5, 5]}'}
    assert not [row for row in rows if row["condition"] in ("text", "speech") and "unjudged" in row]
    leaderboard.add(judged, tmp_path / "records")


def test_judged_at_once_or_afterwards_the_numbers_and_samples_are_the_same(ran: Ran, judged: Path, votes: Path, tmp_path: Path) -> None:
    shutil.copyfile(ran.folder / "observations.jsonl", tmp_path / "observations.jsonl")
    ran.server.bodies.clear()
    judge = {"judge": "chat", "judge_args": judge_args(ran.server, votes)}
    at_once = evaluate(**arguments(ran.server, ran.tasks), **judge, output_path=tmp_path).record
    assert ran.server.bodies == []  # all answers and all votes are there
    for part in ("tasks", "overall"):
        plain = [json.loads((folder / RECORD).read_text())[part] for folder in (judged, tmp_path)]
        assert plain[0] == plain[1]
    samples = [read_lines(folder / SAMPLES) for folder in (judged, tmp_path)]
    assert samples[0] == samples[1]
    assert read_record(judged / RECORD).checks["other_clip"] == at_once.checks["other_clip"]


def test_a_run_goes_on_after_a_failure_of_the_judge_without_asking_the_model_again(ran: Ran, tmp_path: Path) -> None:
    folder = shutil.copytree(ran.folder, tmp_path / "run")
    (folder / RECORD).unlink()
    judge = {"judge": "chat", "judge_args": judge_args(ran.server, tmp_path / "votes", concurrency=1, retries=0)}
    ran.server.faults = [None, Fault(401, '{"error": {"message": "bad key"}}')]
    try:
        with pytest.raises(UsageError, match="401 Unauthorized: bad key"):
            evaluate(**arguments(ran.server, ran.tasks), **judge, output_path=folder)
    finally:
        ran.server.faults = []
    assert not (folder / RECORD).exists()
    ran.server.bodies.clear()
    record = evaluate(**arguments(ran.server, ran.tasks), **judge, output_path=folder).record
    assert {judged_of(body) is None for body in ran.server.bodies} == {False}
    assert record.provenance["judge"]["kept"] in range(1, 24)
    assert record.tasks["made_open"].gap.value == pytest.approx(60.0)


def test_another_judge_leaves_no_verdict_of_the_first_one(ran: Ran, judged: Path, votes: Path, tmp_path: Path) -> None:
    ran.server.answer = lambda body: "3" if "<reference>" not in str(judged_of(body)) else "no"
    try:
        second = judge_args(ran.server, votes, model="judge-2", votes=1)
        record = rescore(judged, output_path=tmp_path / "second", judge="chat", judge_args=second).record
    finally:
        ran.server.answer = parrot
    entry = record.provenance["judge"]
    assert (entry["model"], entry["votes"], entry["kept"], list(entry["tasks"])) == ("judge-2", 1, 0, TASKS[:2])
    assert [record.tasks[task].scores["text"].value for task in TASKS[:2]] == [pytest.approx(60.0), 0.0]


def test_under_a_scorer_without_a_judge_the_record_names_none_for_that_task(judged: Path, tmp_path: Path) -> None:
    record = rescore(judged, {"made_open": "exact"}, output_path=tmp_path / "second").record
    assert record.provenance["judge"]["tasks"] == {"made_qa": "voicebench_qa"}
    assert record.tasks["made_open"].scores["text"].value == 100.0
    rows = read_lines(tmp_path / "second" / SAMPLES)
    assert not [row for row in rows if row["task"] == "made_open" and ("details" in row or "unjudged" in row)]


def test_runs_of_different_judges_are_not_compared(ran: Ran, judged: Path, tmp_path: Path) -> None:
    for changed, said in (
        ({"model": "judge-2"}, "made_open has other judges (model judge-2 and judge-1)"),
        ({"votes": 1}, "made_open has other judges (votes 1 and 3)"),
    ):
        first, other = read_runs([judged, with_judge(judged, tmp_path / str(changed), changed)])
        with pytest.raises(UsageError) as refused:
            refuse_difference(first, other, TASKS)
        assert said in str(refused.value)
        refuse_difference(first, other, ["made_plain"])
    first, other = read_runs([judged, ran.folder])
    with pytest.raises(UsageError, match=r"made_open has no judge's votes in .*run; give both the same judge"):
        refuse_difference(first, other, TASKS)


def test_the_same_judge_on_another_day_is_compared_and_noted(judged: Path, tmp_path: Path) -> None:
    later = with_judge(judged, tmp_path / "later", {"served_by": {"parrot-2": 9}, "where": "https://example.org/v1"})
    runs = read_runs([judged, later])
    refuse_difference(*runs, TASKS)
    assert "b and a have judges that their servers call parrot-2 and parrot-1" in notes(runs, ["a", "b"], TASKS)


def with_judge(run: Path, folder: Path, changed: dict[str, Any]) -> Path:
    """A copy of a run whose record says something else of its judge."""
    plain = json.loads((shutil.copytree(run, folder) / RECORD).read_text())
    plain["provenance"]["judge"] |= changed
    (folder / RECORD).write_text(json.dumps(plain))
    return folder


def test_a_dry_run_says_how_many_votes_there_will_be_and_asks_for_none(ran: Ran, tmp_path: Path) -> None:
    ran.server.bodies.clear()
    told = dry_run(**arguments(ran.server, ran.tasks), judge="chat", judge_args=judge_args(ran.server, tmp_path))
    assert told.votes == 2 * ITEMS * 2 * 3  # tasks, items, forms, votes
    assert "votes of the judge, at most  36" in told.table()
    assert ran.server.bodies == []


def test_the_command_line_judges_stored_answers_and_says_what_that_took(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ",".join(f"{key}={value}" for key, value in judge_args(ran.server, tmp_path / "votes", price_input=1, price_output=1).items())
    asked = ["rescore", str(ran.folder), "--judge", "chat", "--judge_args", given, "--output_path", str(tmp_path / "out")]
    assert main(asked) == 0
    shown = capsys.readouterr()
    assert "Judged by judge-1 at http://127.0.0.1" in shown.out
    assert "12 answers have got a score that had none; gap - -> " in shown.out
    assert "votes to ask for, 0 kept from before; about" in shown.err
    assert main(["ls", "judges"]) == 0
    assert "chat" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--scorer", "voicebench_open"], "scorer 'voicebench_open' needs a judge; add --judge chat"),
        (["--judge", "chat", "--judge_args", "model=x,key=sk-1"], "a key is taken from the environment only"),
        (["--judge", "chat", "--judge_args", "model"], "--judge_args 'model' is no key=value"),
        (["--judge_args", "model=x"], "judge_args are given, but no judge is asked for"),
        (["--judge", "chat", "--judge_args", "model=x,base_url=http://127.0.0.1:9/v1,retries=0"], "gave no answer after 1 tries"),
    ],
)
def test_bad_input_ends_with_one_line_and_no_run_folder(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, asked: list[str], said: str
) -> None:
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path / "cache"))
    assert main(["rescore", str(ran.folder), *asked, "--output_path", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("lsgap: ")
    assert said in line
    assert "sk-1" not in line
    assert not (tmp_path / "out" / RECORD).exists()
