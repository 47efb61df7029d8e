"""Whole runs of a model behind a server: the record, what is absent in it, going on after a failure, a key that leaves no trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from chat_server import Body, Fault, Served, completion, first_tokens, served, text_of, wav_of

from lsgap_bench.cli import main
from lsgap_bench.errors import UsageError
from lsgap_bench.leaderboard import add
from lsgap_bench.rescoring import rescore
from lsgap_bench.run import Evaluation, dry_run, evaluate

TASK = "lsgap_mini_sizes"
ITEMS, QUESTIONS = 6, 3  # every question in two voices
KEY = "sk-run-never-to-be-seen-42"


def listener(body: Body) -> dict[str, Any]:
    """Reads well, and hears of a clip only whether it is silent."""
    words, clip = text_of(body), wav_of(body)
    usage = {"prompt_tokens": 20, "completion_tokens": 1, "prompt_tokens_details": {"audio_tokens": 15 if clip else 0}}
    said = str(words).split()[-2] if words else "a horse" if any((clip or b"")[44:]) else "nothing"
    return completion(said, usage=usage, model="parrot-1")


@pytest.fixture
def server() -> Iterator[Served]:
    with served(listener) as running:
        yield running


def run(server: Served, folder: Path | None = None, **changes: Any) -> Evaluation:
    model_args = {**server.arguments, "price_input": 1.0, "price_output": 2.0, "price_audio_input": 10.0, **changes.pop("model_args", {})}
    return evaluate(**{"model": "chat-api", "model_args": model_args, "tasks": [TASK], "limit": ITEMS, "output_path": folder, **changes})


class Finished(NamedTuple):
    """A run that is over. bodies: all that was asked."""

    evaluation: Evaluation
    folder: Path
    bodies: list[Body]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("hosted") / "run"
    with served(listener) as running:
        return Finished(run(running, folder), folder, running.bodies)


def test_a_run_has_scores_and_a_dash_with_the_reason_for_what_a_server_does_not_show(finished: Finished) -> None:
    record = json.loads((finished.folder / "record.json").read_text())
    assert record["tasks"][TASK]["scores"].keys() == {"text", "speech"} | {"speech=silence", "speech=other"}
    assert record["tasks"][TASK]["gap"]["n"] == ITEMS
    absent = record["overall"]["representation"]["alignment_path_score"]
    assert (absent["value"]["value"], absent["value"]["why"]) == (None, "the model gives answers only, no hidden states")
    assert (absent["by_layer"], absent["above_null"]["same_task"]["value"]) == ([None], None)
    assert record["overall"]["answers"]["option_margin"]["value"]["why"] == "the model gives answers only, no loglikelihoods of options"
    samples = [json.loads(line) for line in (finished.folder / "samples.jsonl").read_text().splitlines()]
    assert {(row["content_tokens"], row["logits_sha256"]) for row in samples} == {(None, "")}
    table = finished.evaluation.table()
    (row,) = (line for line in table.splitlines() if line.startswith("alignment_path_score  "))
    assert row.split()[1:] == ["cosine", *["-", "(1)"] * 5]
    assert "(1) the model gives answers only, no hidden states" in table


def test_what_a_run_took_is_in_its_record(finished: Finished) -> None:
    done = finished.evaluation
    asked = QUESTIONS + 3 * ITEMS  # written once for both voices; spoken, silent, another's clip
    usage = done.record.provenance["usage"]["lslm"]
    assert len(finished.bodies) == usage["requests"] == usage["tries"] == asked
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["audio_tokens"]) == (20 * asked, asked, 15 * 3 * ITEMS)
    dear = 15 * 3 * ITEMS
    assert usage["cost"]["value"] == pytest.approx(((20 * asked - dear) * 1 + dear * 10 + asked * 2) / 1e6)
    assert usage["served_by"] == {"parrot-1": asked}
    assert f"{asked} requests, {20 * asked} tokens asked ({dear} of them audio)" in done.table()
    assert done.record.provenance["device"] == "the server's"


def test_a_dry_run_says_how_many_requests_a_run_makes_and_makes_none(server: Served) -> None:
    told = dry_run(model="chat-api", model_args=server.arguments, tasks=[TASK], limit=ITEMS)
    assert (told.forwards, server.bodies) == ({"text": QUESTIONS, "speech": 3 * ITEMS}, [])
    assert "requests, speech  18" in told.table()
    assert "- (not measured: a dry run sends no request)" in told.table()


def test_checks_that_cannot_be_made_are_no_failures_and_say_why(finished: Finished) -> None:
    checks = finished.evaluation.record.checks
    assert checks["silence"] == {"n": ITEMS, "equal_answers": 0, "passed": True, "note": None}
    for name in ("batch_invariance", "placeholder_mismatch"):
        assert checks[name]["passed"] is None
        assert checks[name]["note"] == "not checked: the model gives answers only, no hidden states"
    assert checks["warnings"] == []


def test_a_model_that_says_the_same_to_every_clip_and_to_silence_is_a_warning(server: Served) -> None:
    server.answer = lambda body: text_of(body) or "I cannot hear"
    done = run(server)
    assert done.record.checks["silence"]["passed"] is False
    assert "all 6 answers are the same for the clip and for silence: the model may be deaf" in done.table()


def test_after_a_failure_the_same_command_goes_on_and_asks_no_answered_question_again(server: Served, tmp_path: Path) -> None:
    def asked() -> list[str]:
        return sorted(json.dumps(body, sort_keys=True) for body in server.bodies)

    whole = run(server, metrics=[])
    everything = asked()
    server.bodies.clear()
    server.faults = [*[None] * 8, *[Fault(500)] * 40]
    few = {"retries": 1, "concurrency": 2}
    with pytest.raises(UsageError, match=r"500 Internal Server Error: \(nothing\); the answers so far are kept: the same command goes on"):
        run(server, tmp_path / "run", metrics=[], model_args=few)
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "try 1 failed (500 Internal Server Error: (nothing)); the next is in" in log
    assert "stopped by UsageError" in log
    server.faults = []
    answered = 8
    server.bodies.clear()
    resumed = run(server, tmp_path / "run", metrics=[], model_args=few)
    assert len(server.bodies) == len(everything) - answered
    usage, fresh = (of.record.provenance["usage"]["lslm"] for of in (resumed, whole))
    assert {k: v for k, v in usage.items() if k != "seconds"} == {k: v for k, v in fresh.items() if k != "seconds"}
    assert resumed.record.overall.gap == whole.record.overall.gap
    server.bodies.clear()
    assert run(server, tmp_path / "run", metrics=[], model_args=few).record.provenance["usage"] == resumed.record.provenance["usage"]
    assert server.bodies == []


def test_an_answer_that_is_withheld_is_absent_and_the_reader_is_told(server: Served) -> None:
    server.answer = lambda body: listener(body) if text_of(body) else completion("", "content_filter")
    done = run(server)
    assert done.record.tasks[TASK].gap.n == 0
    assert any("the server's content filter withheld the answer" in line for line in done.record.checks["warnings"])
    assert done.record.provenance["usage"]["lslm"]["withheld"] == 3 * ITEMS


def test_options_are_answered_freely_and_by_probabilities_where_they_were_asked_for_and_come(server: Served) -> None:
    server.answer = lambda body: completion("it is monday", logprobs=first_tokens(monday=-1.0, sunday=-0.5))
    arguments = {"tasks": ["lsgap_mini_days"], "limit": 2, "metrics": ["option_margin"]}
    free = run(server, **arguments)
    assert {o.answer for pair in free.pairs["lsgap_mini_days"] for o in pair.observations.values()} == {"it is monday"}
    decided = run(server, model_args={"logprobs": True}, **arguments)
    assert {o.answer for pair in decided.pairs["lsgap_mini_days"] for o in pair.observations.values()} <= {
        "monday",
        "sunday",
        "it is monday",
    }
    server.answer = lambda body: completion("it is monday")
    without = run(server, model_args={"logprobs": True}, **arguments)
    assert [line for line in without.record.checks["warnings"] if "logprobs were asked for" in line]
    assert {o.answer for pair in without.pairs["lsgap_mini_days"] for o in pair.observations.values()} == {"it is monday"}


def test_an_intervention_is_refused_by_name_before_anything_is_asked(server: Served, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"condition 'speech\+identity:all@0': the model gives answers only, no hidden states to edit"):
        run(server, tmp_path / "run", conditions=["speech+identity:all@0"])
    assert server.bodies == []
    assert not (tmp_path / "run").exists()


def test_a_base_behind_a_server_reads_the_same_questions(server: Served) -> None:
    other = {**server.arguments, "model": "made/reader"}
    done = run(server, limit=2, systems=["base", "lslm"], base="chat-api", base_args=other)
    assert (done.record.systems["base"]["name"], done.record.systems["base"]["kind"]) == ("reader", "base")
    usage = done.record.provenance["usage"]
    assert {system: of["requests"] for system, of in usage.items()} == {"lslm": 1 + 3 * 2, "base": 1}
    assert done.record.overall.base.n == 2
    assert [body["model"] for body in server.bodies].count("made/reader") == 1


def test_a_run_can_be_rescored_and_added_to_a_leaderboard(finished: Finished, tmp_path: Path) -> None:
    assert add(finished.folder, tmp_path / "records").name == "parrot.json"
    again = rescore(finished.folder, choices={"layers": "0..L"}, output_path=tmp_path / "again")
    why = again.record.overall.representation["pooled_cosine"].value.why
    assert why == "the model gives answers only, no hidden states"


def test_a_key_is_in_no_file_and_on_no_screen_even_if_the_server_repeats_it(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOSTED_KEY", KEY)
    server.answer = lambda body: f"you are {KEY}"
    arguments = f"base_url={server.url},model=parrot,backoff=0.001,retries=0"
    shared = ["run", "--model", "chat-api", "--tasks", TASK, "--limit", "2", "--output_path", str(tmp_path / "run")]
    assert main([*shared, "--model_args", f"{arguments},api_key={KEY}"]) == 2
    assert not (tmp_path / "run").exists()
    server.faults = [Fault(401, f"not with {KEY}")]
    assert main([*shared, "--model_args", f"{arguments},key_env=HOSTED_KEY"]) == 2
    assert main([*shared, "--model_args", f"{arguments},key_env=HOSTED_KEY"]) == 0
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    shown = capfd.readouterr()
    assert KEY not in shown.out + shown.err
    assert "not with [key]" in shown.err
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path.name for path in files if KEY.encode() in path.read_bytes()]
