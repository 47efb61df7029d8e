"""The HTTP side of `chat-api` against a server that misbehaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from chat_server import Fault, Served, completion, served

from lsgap_bench.errors import UsageError
from lsgap_bench.models import chat_client
from lsgap_bench.models.chat_client import ChatClient, Limits

KEY = "sk-loopback-0123456789"
GOOD = json.dumps(completion("yes"))


def client(server: Served, key: str | None = None, **limits: Any) -> ChatClient:
    return ChatClient(f"{server.url}/chat/completions", key, Limits(**{"backoff": 0.001, "retries": 2, **limits}), local=True)


def asked(server: Served, number: int = 1, **limits: Any) -> list[tuple[int, str, int]]:
    """(place, content, tries) of so many requests, by place."""
    found = client(server, **limits).complete([{"place": k} for k in range(number)])
    return sorted((place, of.plain["choices"][0]["message"]["content"], of.tries) for place, of in found)


@pytest.fixture
def server() -> Iterator[Served]:
    with served() as running:
        yield running


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, '{"error": {"message": "slow down"}}'),
        Fault(408),
        Fault(409),
        Fault(500, "<html>oops</html>"),
        Fault(503),
        Fault(200, GOOD, promised=len(GOOD) + 20),  # cut off
        Fault(200, GOOD[: len(GOOD) // 2]),  # malformed JSON
        Fault(200, ""),
        Fault(200, '{"choices": []}'),
        Fault(200, '{"error": {"message": "overloaded", "code": 502}}'),
        Fault(200, "[1, 2]"),
    ],
)
def test_what_may_pass_is_tried_again(server: Served, fault: Fault) -> None:
    server.faults = [fault, fault]
    assert asked(server) == [(0, "yes", 3)]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(429, '{"error": {"message": "slow down"}}'), "429 Too Many Requests: slow down"),
        (Fault(500, "<html><b>oops</b></html>"), "500 Internal Server Error: oops"),
        (Fault(200, GOOD, promised=len(GOOD) + 20), "RemoteProtocolError: peer closed connection"),
        (Fault(200, '{"cho'), 'this is no chat completion: {"cho'),
        (Fault(200, '{"error": {"message": "overloaded"}}'), "this is no chat completion: overloaded"),
    ],
)
def test_what_does_not_pass_ends_in_one_line_that_says_what_came_and_how_often(server: Served, fault: Fault, said: str) -> None:
    server.faults = [fault] * 3
    with pytest.raises(UsageError) as refused:
        asked(server)
    line = str(refused.value)
    assert said in line
    assert "after 3 tries" in line
    assert "the answers so far are kept: the same command goes on" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(401, '{"error": {"message": "no such key"}}'), "401 Unauthorized: no such key; set the key"),
        (Fault(404, '{"detail": "Not Found"}'), "404 Not Found: Not Found; check base_url"),
        (Fault(400, '{"error": {"message": "temperature is not supported"}}'), "temperature is not supported; see docs/hosted.md"),
        (Fault(422, '{"message": "bad\\nfield"}'), "422 Unprocessable Entity: bad field"),
        (Fault(301, "", {"Location": "/elsewhere"}), "301 Moved Permanently"),
    ],
)
def test_what_will_not_pass_is_asked_once_and_told_in_the_servers_own_words(server: Served, fault: Fault, said: str) -> None:
    server.faults = [fault, fault]
    with pytest.raises(UsageError, match="refuses: ") as refused:
        asked(server)
    assert said in str(refused.value)
    assert len(server.bodies) == 1


def test_a_server_that_is_too_slow_is_asked_again(server: Served) -> None:
    server.faults = [Fault(200, GOOD, held=True)]
    assert asked(server, timeout=0.15) == [(0, "yes", 2)]


def test_a_server_that_is_not_there_is_named() -> None:
    with served() as gone:
        pass
    with pytest.raises(UsageError, match=r"ConnectError: .*refused"):
        asked(gone)


def test_the_pause_that_a_server_asks_for_is_kept(server: Served) -> None:
    pauses: list[float | None] = []

    class Watched(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            return False

    server.faults = [Fault(429, "", {"Retry-After": "7"})]
    client(server)._insist({}, Watched())
    assert pauses == [7.0]


def test_a_retry_after_is_seconds_or_a_date_and_anything_else_is_nothing() -> None:
    soon = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    assert chat_client._after("2.5") == 2.5
    assert 25 < chat_client._after(soon) <= 30
    assert [chat_client._after(text) for text in (None, "", "later", "-3")] == [0, 0, 0, 0]
    assert chat_client._after("86400") == chat_client.PATIENCE


def test_pauses_double_up_to_a_limit_and_are_drawn_at_random(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    class State:
        outcome = None

        def __init__(self, attempt: int) -> None:
            self.attempt_number = attempt

    running = client(server, backoff=2.0)
    monkeypatch.setattr(chat_client.random, "uniform", lambda low, high: high)
    assert [running._pause(State(k)) for k in (1, 2, 3, 9)] == [2, 4, 8, 60]  # type: ignore[arg-type]
    monkeypatch.setattr(chat_client.random, "uniform", lambda low, high: low)
    assert running._pause(State(3)) == 4  # type: ignore[arg-type]


def test_requests_go_side_by_side_up_to_the_limit() -> None:
    together, most, lock, full = 0, 0, threading.Lock(), threading.Event()

    def answer(body: Any) -> str:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
            if together == 3:
                full.set()
        full.wait(2)
        with lock:
            together -= 1
        return str(body["place"])

    with served(answer) as server:
        assert asked(server, 9, concurrency=3) == [(k, str(k), 1) for k in range(9)]
    assert most == 3


def test_no_more_requests_a_minute_than_allowed(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float | None] = []

    class Watched(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            return False

    pace = client(server, requests_per_minute=30)._pace
    monkeypatch.setattr(chat_client.time, "monotonic", lambda: 100.0)  # all ask at one moment
    for _ in range(4):
        pace.wait(Watched())
    assert pauses == [2.0, 4.0, 6.0]


def test_what_was_under_way_when_a_request_failed_is_handed_out_and_nothing_new_is_asked() -> None:
    refused, under_way = threading.Event(), threading.Event()

    def answer(body: Any) -> Any:
        under_way.set()
        refused.wait(2)
        return "yes"

    with served(answer) as server:
        running = client(server, concurrency=2, retries=0)
        real = server.next

        def one_refused(body: Any, headers: Any) -> Fault:
            if body["place"] != 0:
                return real(body, headers)
            server.bodies.append(body)
            under_way.wait(2)
            refused.set()
            return Fault(403, "not you")

        server.next = one_refused  # type: ignore[method-assign]
        kept: list[int] = []
        with pytest.raises(UsageError, match="not you"):
            kept.extend(place for place, _ in running.complete([{"place": k} for k in range(6)]))
        assert 1 in kept
        assert sorted(kept) == sorted(body["place"] for body in server.bodies if body["place"] != 0)
        assert len(server.bodies) < 6


def test_the_key_is_sent_and_shown_nowhere_even_if_the_server_repeats_it(server: Served) -> None:
    running = client(server, KEY, retries=0)
    server.answer = lambda body: f"your key is {KEY}"
    ((_, done),) = running.complete([{}])
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps(done.plain)
    for fault in (Fault(401, json.dumps({"error": {"message": f"wrong key {KEY}"}})), Fault(500, KEY), Fault(200, KEY)):
        server.faults = [fault]
        with pytest.raises(UsageError) as refused:
            list(running.complete([{}]))
        assert KEY not in str(refused.value)
        assert "[key]" in str(refused.value)
    assert KEY not in repr(running) + repr(running._http.headers)


def test_without_a_key_none_is_sent(server: Served) -> None:
    asked(server)
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize("package", ["httpx", "tenacity"])
def test_a_package_that_is_missing_is_named_with_the_extra(server: Served, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(UsageError, match=rf"is asked with the package {package}; pip install lsgap-bench\[api\]"):
        client(server)
