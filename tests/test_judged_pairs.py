"""A run's answers put to a judge: blind, each text once, verdicts on what waits for one, and none where there is no judge."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Body, Served, judged_of, served

from lsgap_bench.errors import UsageError
from lsgap_bench.judged_pairs import OF_CHECKS, check_judge, judged_pairs
from lsgap_bench.judging import paired
from lsgap_bench.panel import Panel, panel_of
from lsgap_bench.schema import Clip, Item, Observation, Pair

TELLING = ("hush-model", "hush-task", "hush-accent", "hush-cluster", "hush-option", "hush-prompt", "hush-system")
RULES = {"hush-task": "voicebench_open"}


def item(number: int) -> Item:
    clip = Clip("c" * 64, 16_000, 16_000, bytes)
    fields = {"accent": "hush-accent", "options": ("hush-option",)}
    return Item(f"hush-task/{number}", "hush-task", f"Question {number}?", clip, "hush-option", "hush-cluster", "f", fields=fields)


def pair(number: int, rule: str = "voicebench_open", **answers: str) -> Pair:
    """An item that waits for its verdicts. answers: condition -> answer, `silence` and `other` for those of the checks."""
    of = item(number)
    names = {"silence": "speech=silence", "other": "speech=other"}
    seen = {
        (name := names.get(condition, condition)): Observation(of.id, name, answer, "hush-prompt", 3, "0" * 64)
        for condition, answer in answers.items()
    }
    return paired(of, seen, rule)


def rated(body: Body) -> str:
    """A longer answer is a better one."""
    answer = str(judged_of(body)).split("<answer>\n")[1].split("\n</answer>")[0]
    return str(min(len(answer), 5))


@pytest.fixture
def server() -> Iterator[Served]:
    with served(rated) as running:
        yield running


@pytest.fixture
def panel(server: Served, tmp_path: Path) -> Callable[..., Panel]:
    def make(**more: Any) -> Panel:
        made = panel_of("chat", {**server.arguments, "model": "hush-model", "cache": str(tmp_path / "votes"), "concurrency": 1, **more})
        assert made is not None
        return made

    return make


def test_every_answer_that_waits_gets_a_verdict_and_those_of_the_checks_none(server: Served, panel: Callable[..., Panel]) -> None:
    waiting = pair(0, text="abcde", speech="ab", silence="", other="abc", base="abcd", cascade="a")
    assert waiting.verdicts == {}
    assert "voicebench_open needs a judge; add --judge chat" in waiting.unjudged["speech"]
    ((made,), entry) = _only(judged_pairs({"hush-task": [waiting]}, RULES, panel(), "chance"))
    assert {name: verdict.score for name, verdict in made.verdicts.items()} == {"text": 1.0, "speech": 0.4, "base": 0.8, "cascade": 0.2}
    assert made.unjudged == {"speech=silence": OF_CHECKS, "speech=other": OF_CHECKS}
    assert (entry["answers"], entry["prompts"], entry["without_score"], entry["tasks"]) == (4, 4, 0, RULES)
    assert len(server.bodies) == 4 * 3


def test_no_request_tells_anything_of_item_task_condition_or_model_but_the_judges_own_name(
    server: Served, panel: Callable[..., Panel]
) -> None:
    judged_pairs({"hush-task": [pair(k, text=f"answer {k}", speech=f"other {k}") for k in range(4)]}, RULES, panel(), "chance")
    for body in server.bodies:
        assert body.keys() == {"model", "messages", "temperature", "max_tokens", "seed"}
        assert [turn.keys() for turn in body["messages"]] == [{"role", "content"}]
        sent = json.dumps(body["messages"])
        assert not [word for word in TELLING if word in sent]
        assert not [word for word in ("speech", "spoken", "audio", "voice", "transcri") if word in sent.lower()]


def test_the_requests_are_the_same_in_the_same_order_when_text_and_speech_change_places(
    server: Served, panel: Callable[..., Panel], tmp_path: Path
) -> None:
    sent = []
    for swapped in (False, True):
        server.bodies.clear()
        text, speech = ("two", "one") if swapped else ("one", "two")
        pairs = [pair(k, text=f"{text} {k}", speech=f"{speech} {k}") for k in range(4)]
        judged_pairs({"hush-task": pairs}, RULES, panel(cache=str(tmp_path / str(swapped))), "chance")
        sent.append([json.dumps(body, sort_keys=True) for body in server.bodies])
    assert sent[0] == sent[1]
    assert len(sent[0]) == 4 * 2 * 3


def test_the_same_words_get_the_same_verdict_on_either_side_from_the_same_votes(server: Served, panel: Callable[..., Panel]) -> None:
    drawn = iter("12345" * 3)
    server.answer = lambda body: next(drawn)  # a judge that never says the same again
    ((made,), _) = _only(judged_pairs({"hush-task": [pair(0, text="same", speech="same", cascade="other")]}, RULES, panel(), "chance"))
    assert made.verdicts["text"] == made.verdicts["speech"] != made.verdicts["cascade"]
    assert len(server.bodies) == 2 * 3


def test_an_answer_without_a_readable_vote_has_no_score_and_counts_as_not_extracted(server: Served, panel: Callable[..., Panel]) -> None:
    server.answer = lambda body: "I will not rate this" if "bad words" in str(judged_of(body)) else "3"
    pairs = [pair(0, text="bad words", speech="good words")]
    for unread in ("chance", "wrong"):
        ((made,), entry) = _only(judged_pairs({"hush-task": pairs}, RULES, panel(), unread))
        assert math.isnan(made.verdicts["text"].score)
        assert made.verdicts["text"].extracted is False
        assert made.verdicts["speech"].score == pytest.approx(0.6)
        assert (entry["unread"], entry["without_score"], entry["asked_again"]) == (3, 1, 3)


def test_without_a_judge_answers_keep_waiting_and_nothing_is_said_of_one() -> None:
    pairs = {"hush-task": [pair(0, text="a", speech="b")]}
    assert judged_pairs(pairs, RULES, None, "chance") == (pairs, {})


def test_other_tasks_are_left_as_they_are(panel: Callable[..., Panel]) -> None:
    others = [pair(1, rule="exact", text="hush-option", speech="b")]
    made = judged_pairs({"hush-task": [pair(0, text="a")], "t": others}, {**RULES, "t": "exact"}, panel(), "chance")
    assert made.pairs["t"] is others
    assert others[0].unjudged == {}


def test_a_judge_that_no_task_needs_is_refused_before_anything_is_run(panel: Callable[..., Panel]) -> None:
    with pytest.raises(UsageError, match=r"judge chat is given, but no task's scorer needs one \(choice, exact\); leave it out"):
        check_judge(panel(), {"a": "exact", "b": "choice"})
    check_judge(panel(), {"a": "exact", "b": "voicebench_open"})
    check_judge(None, {"a": "exact"})


def _only(judged: Any) -> tuple[list[Pair], dict[str, Any]]:
    return judged.pairs["hush-task"], judged.entry
