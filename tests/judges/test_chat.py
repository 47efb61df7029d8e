"""The judge `chat` against a server on loopback: what is sent, what comes back, and a key that nobody sees."""

from __future__ import annotations

from typing import Any

import pytest
from chat_server import Fault, completion, served

from lsgap_bench.errors import UsageError
from lsgap_bench.judges import Question
from lsgap_bench.judges.chat import ChatJudge
from lsgap_bench.registry import judges

KEY = "sk-judge-never-to-be-seen-7"


def test_the_judge_is_found_by_its_name() -> None:
    assert list(judges) == ["chat"]
    assert judges["chat"] is ChatJudge


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ({}, {"temperature": 0.5, "max_tokens": 16, "seed": 3}),
        (
            {"temperature": 0, "max_tokens": 900, "max_tokens_field": "max_completion_tokens"},
            {"temperature": 0, "max_completion_tokens": 900, "seed": 3},
        ),
        ({"omit": "temperature+seed"}, {"max_tokens": 16}),
    ],
)
def test_a_request_holds_the_model_the_prompt_and_the_sampling_and_nothing_else(arguments: dict[str, Any], fields: dict[str, Any]) -> None:
    with served("4") as server:
        judge = ChatJudge(**server.arguments, **arguments)
        assert [(place, said.text) for place, said in judge.replies([Question("rate this", 3)])] == [(0, "4")]
        assert server.bodies == [{"model": "made/parrot", "messages": [{"role": "user", "content": "rate this"}], **fields}]
        assert judge.where == server.url


def test_what_a_reply_took_and_who_gave_it_are_told() -> None:
    said = completion("4", usage={"prompt_tokens": 70, "completion_tokens": 2}, model="parrot-2026", system_fingerprint="fp_9")
    with served(lambda body: said) as server:
        ((_, reply),) = ChatJudge(**server.arguments).replies([Question("rate this", 0)])
    assert {key: reply.usage[key] for key in ("prompt_tokens", "completion_tokens", "served_by")} == {
        "prompt_tokens": 70,
        "completion_tokens": 2,
        "served_by": "parrot-2026 fp_9",
    }


def test_a_refusal_is_a_reply_in_its_own_words_and_a_withheld_one_is_empty() -> None:
    refused = completion(None)
    refused["choices"][0]["message"]["refusal"] = "I cannot rate this."
    for said, text in ((refused, "I cannot rate this."), (completion("4", finish_reason="content_filter"), "")):
        with served(lambda body, said=said: said) as server:
            ((_, reply),) = ChatJudge(**server.arguments).replies([Question("rate this", 0)])
        assert reply.text == text


def test_a_key_goes_into_the_header_and_into_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    with served("4", faults=[None, Fault(401, f'{{"error": {{"message": "bad key {KEY}"}}}}')]) as server:
        judge = ChatJudge(**server.arguments, key_env="JUDGE_KEY")
        list(judge.replies([Question("rate this", 0)]))
        assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
        with pytest.raises(UsageError, match=r"401 Unauthorized: bad key \[key\]; set the key in the environment") as refused:
            list(judge.replies([Question("rate this", 0)]))
    assert KEY not in str(refused.value)
    assert KEY not in repr(vars(judge))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"key": KEY}, "a key is taken from the environment only"),
        ({"api_key": KEY}, "a key is taken from the environment only"),
        ({"base_url": "127.0.0.1:8000"}, "base_url=127.0.0.1:8000 is no address"),
        ({"temperature": -1}, "temperature=-1 is no number from 0 on"),
        ({"max_tokens": 0}, "max_tokens=0 is no number from 1 on"),
        ({"price_input": "cheap"}, "price_input=cheap is no number"),
        ({"omit": "prompt"}, "omit=prompt is not known; write temperature or seed"),
        ({"base_url": "https://example.org/v1", "key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY holds no key for example.org"),
    ],
)
def test_bad_arguments_are_refused_in_one_line_that_shows_no_key(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        ChatJudge(**{"model": "x", "base_url": "http://127.0.0.1:1/v1", **arguments})
    assert said in str(refused.value)
    assert KEY not in str(refused.value)
    assert "\n" not in str(refused.value)
