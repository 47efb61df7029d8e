"""A judge's votes: each asked for once and kept, read or asked for again, counted, priced, and in an order that tells nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_server import Fault, Served, completion, judged_of, served

from lsgap_bench.errors import UsageError
from lsgap_bench.panel import Panel, panel_of
from lsgap_bench.schema import Ask

PROMPTS = ("rate the sea", "rate the lake", "rate the river")


def asks(prompts: Sequence[str] = PROMPTS, read: Callable[[str], Any] = lambda reply: int(reply) if reply.isdigit() else None) -> list[Ask]:
    return [Ask(prompt, read) for prompt in prompts]


@pytest.fixture
def server() -> Iterator[Served]:
    with served("4") as running:
        yield running


@pytest.fixture
def panel(server: Served, tmp_path: Path) -> Callable[..., Panel]:
    def make(**more: Any) -> Panel:
        made = panel_of("chat", {**server.arguments, "cache": str(tmp_path / "votes"), "retries": 1, **more})
        assert made is not None
        return made

    return make


def test_every_prompt_gets_as_many_votes_as_are_asked_for_each_with_a_seed_of_its_own(server: Served, panel: Callable[..., Panel]) -> None:
    poll = panel(votes=3).poll(asks())
    assert poll.votes == {prompt: [4, 4, 4] for prompt in PROMPTS}
    sent = sorted((judged_of(body), body["seed"]) for body in server.bodies)
    assert sent == sorted((prompt, seed) for prompt in PROMPTS for seed in range(3))


def test_answers_that_are_alike_share_their_votes(server: Served, panel: Callable[..., Panel]) -> None:
    panel(votes=3).poll(asks(["rate the sea"] * 5))
    assert len(server.bodies) == 3


def test_what_was_voted_is_not_asked_for_again_and_more_votes_are_added_to_it(server: Served, panel: Callable[..., Panel]) -> None:
    first = panel(votes=2).poll(asks())
    second = panel(votes=3).poll(asks())
    assert [(len(poll.asked), len(poll.kept)) for poll in (first, second)] == [(6, 0), (3, 6)]
    assert len(server.bodies) == 9


@pytest.mark.parametrize("changed", [{"model": "made/other"}, {"temperature": 0.7}, {"max_tokens": 17}, {"omit": "seed"}])
def test_a_vote_is_kept_for_the_same_judge_only(server: Served, panel: Callable[..., Panel], changed: dict[str, Any]) -> None:
    panel(votes=1).poll(asks())
    assert len(panel(votes=1, **changed).poll(asks()).asked) == 3


@pytest.mark.parametrize("unchanged", [{"concurrency": 1}, {"timeout": 7}, {"price_input": 1.0, "price_output": 2.0}])
def test_how_the_server_is_asked_does_not_make_another_judge(
    server: Served, panel: Callable[..., Panel], unchanged: dict[str, Any]
) -> None:
    panel(votes=1).poll(asks())
    assert len(panel(votes=1, **unchanged).poll(asks()).asked) == 0


def test_another_server_is_another_judge_even_by_the_same_name(panel: Callable[..., Panel]) -> None:
    panel(votes=1).poll(asks())
    with served("2") as other:
        assert panel(votes=1, base_url=other.url).poll(asks()).votes["rate the sea"] == [2]


def test_a_reply_that_cannot_be_read_is_asked_for_once_more_and_then_given_up(server: Served, panel: Callable[..., Panel]) -> None:
    replies = {("rate the sea", 0): "hm", ("rate the lake", 0): "hm", ("rate the lake", 1000): "hm"}
    server.answer = lambda body: replies.get((judged_of(body), body["seed"]), "3")
    poll = panel(votes=1).poll(asks())
    assert poll.votes == {"rate the sea": [3], "rate the lake": [None], "rate the river": [3]}
    assert (poll.unread, poll.again, len(poll.asked)) == (1, 2, 5)
    again = panel(votes=1).poll(asks())
    assert (again.votes, len(again.asked)) == (poll.votes, 0)


def test_the_order_of_the_requests_is_the_same_whatever_the_order_of_the_answers(
    server: Served, panel: Callable[..., Panel], tmp_path: Path
) -> None:
    orders = []
    for k, prompts in enumerate([PROMPTS, PROMPTS[::-1], (*PROMPTS[1:], PROMPTS[0])]):
        server.bodies.clear()
        panel(votes=3, concurrency=1, cache=str(tmp_path / str(k))).poll(asks(prompts))
        orders.append([(judged_of(body), body["seed"]) for body in server.bodies])
    assert orders[0] == orders[1] == orders[2]
    assert [prompt for prompt, _ in orders[0]] != [prompt for prompt in PROMPTS for _ in range(3)]


def test_what_it_costs_is_said_before_and_after(server: Served, panel: Callable[..., Panel], capsys: pytest.CaptureFixture[str]) -> None:
    server.usage = {"prompt_tokens": 1000, "completion_tokens": 2}
    judge = panel(votes=2, price_input=3.0, price_output=10.0)
    judge.poll(asks(["x" * 4000]))
    before, after = [line for line in capsys.readouterr().err.splitlines() if line.startswith("judge made/parrot") and "vote/s" not in line]
    assert (
        before == f"judge made/parrot at {server.url}: 2 votes to ask for, 0 kept from before; about 2000 tokens in, 6 out, cost 0.0061 USD"
    )
    assert after == "judge made/parrot: 2 votes given, 2000 tokens in, 4 out, cost 0.0060 USD"  # 2000 * 3 + 4 * 10 millionths


def test_a_record_keeps_what_this_run_took_apart_from_what_all_its_votes_took(server: Served, panel: Callable[..., Panel]) -> None:
    server.answer = lambda body: completion("4", usage=server.usage, model="parrot-1")
    judge = panel(votes=2, price_input=1.0, price_output=1.0)
    judge.poll(asks(PROMPTS[:1]))
    entry = judge.entry(judge.poll(asks(PROMPTS)))
    assert (entry["judge"], entry["model"], entry["where"], entry["votes"], entry["prompts"]) == ("chat", "made/parrot", server.url, 2, 3)
    assert (entry["kept"], entry["asked"]["votes"], entry["all"]["votes"]) == (2, 4, 6)
    assert (entry["asked"]["prompt_tokens"], entry["all"]["prompt_tokens"]) == (40, 60)
    assert entry["all"]["cost"]["value"] == pytest.approx(72e-6)
    assert entry["served_by"] == {"parrot-1": 6}


def test_tokens_that_a_server_does_not_tell_are_absent_with_the_reason(server: Served, panel: Callable[..., Panel]) -> None:
    server.answer = lambda body: completion("4")
    judge = panel(votes=1, price_input=1.0, price_output=1.0)
    spent = judge.entry(judge.poll(asks()))["asked"]
    assert (spent["prompt_tokens"], spent["cost"]["value"]) == (None, None)
    assert spent["cost"]["why"] == "the server did not tell all token counts"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(401, '{"error": {"message": "no such key"}}'), "401 Unauthorized: no such key"),
        (Fault(429, '{"error": {"message": "slow down"}}'), "gave no answer after 2 tries, at last: 429 Too Many Requests: slow down"),
        (Fault(503), "gave no answer after 2 tries, at last: 503 Service Unavailable"),
        (Fault(200, "this is no JSON"), "gave no answer after 2 tries, at last: this is no chat completion: this is no JSON"),
    ],
)
def test_after_a_failure_in_one_line_the_votes_so_far_are_kept(
    server: Served, panel: Callable[..., Panel], fault: Fault, said: str
) -> None:
    server.faults = [None, None, *[fault] * 9]
    with pytest.raises(UsageError) as refused:
        panel(votes=1, concurrency=1).poll(asks())
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    server.faults = []
    poll = panel(votes=1).poll(asks())
    assert (len(poll.kept), len(poll.asked)) == (2, 1)


def test_a_server_that_fails_for_a_moment_is_asked_again(server: Served, panel: Callable[..., Panel]) -> None:
    server.faults = [Fault(429), Fault(500)]
    assert panel(votes=1, retries=3).poll(asks()).unread == 0


def test_ctrl_c_loses_no_vote_that_has_come(server: Served, panel: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch) -> None:
    judge = panel(votes=1, concurrency=1)
    put, kept = judge.cache.put, threading.Event()

    def interrupted(key: str, said: Any) -> None:
        if kept.is_set():
            raise KeyboardInterrupt
        put(key, said)
        kept.set()

    monkeypatch.setattr(judge.cache, "put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        judge.poll(asks())
    assert len(panel(votes=1).poll(asks()).kept) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("chta", {}, "no judge is called 'chta'; did you mean 'chat'?"),
        ("chat", {"model": "x", "base_url": "http://127.0.0.1:1/v1", "votes": 0}, "votes=0 is no whole number from 1 on"),
        ("chat", {"model": "x", "base_url": "http://127.0.0.1:1/v1", "votes": "three"}, "votes=three is no whole number"),
        (
            "chat",
            {"model": "x", "base_url": "http://127.0.0.1:1/v1", "voets": 3},
            "--judge_args: got an unexpected keyword argument 'voets'; see `lsgap ls judges`",
        ),
        ("chat", {"base_url": "http://127.0.0.1:1/v1"}, "--judge_args: missing 1 required positional argument: 'model'"),
        (None, {"votes": 3}, "judge_args are given, but no judge is asked for; add --judge chat"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(name: str | None, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        panel_of(name, arguments)
    assert said in str(refused.value)


def test_no_judge_is_asked_unless_one_is_named() -> None:
    assert panel_of(None, {}) is None
