"""`chat-api` as an adapter: what it sends for either form, what it refuses, and that a key leaves no trace."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
from chat_server import Served, completion, first_tokens, served, text_of, wav_of

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import gives, replies
from lsgap_bench.models.chat_api import ChatAPI
from lsgap_bench.schema import Generation
from lsgap_bench.verification import embedded_items, verify

WAVE = np.linspace(-0.5, 0.5, 1600, dtype=np.float32)
GREEDY = Generation(max_new_tokens=7, until=("\n",))


@pytest.fixture
def server() -> Iterator[Served]:
    with served() as running:
        yield running


def adapter(server: Served, **arguments: Any) -> ChatAPI:
    return ChatAPI(**{**server.arguments, **arguments})


# -------------------------------------------------------------------------------------------------- what is sent


@pytest.mark.parametrize("system", [None, "Answer in one word."])
@pytest.mark.parametrize("settings", [GREEDY, Generation(5, do_sample=True, temperature=0.7, top_p=0.9)])
def test_both_forms_are_asked_alike_but_for_the_one_part_of_the_content(server: Served, system: str | None, settings: Generation) -> None:
    lm = adapter(server, logprobs=True)
    for content in ("which is larger", WAVE):
        assert lm.generate(lm.prefill(lm.encode([content], [system])), [settings], [11]) == ["yes"]
    written, spoken = map(copy.deepcopy, server.bodies)
    parts = [body["messages"][-1]["content"].pop() for body in (written, spoken)]
    assert written == spoken
    assert parts[0] == {"type": "text", "text": "which is larger"}
    assert parts[1].keys() == {"type", "input_audio"}
    assert [turn["role"] for turn in written["messages"]] == (["system", "user"] if system else ["user"])
    assert written["messages"][-1]["content"] == []


def test_a_clip_is_sent_as_a_wav_file_of_its_samples(server: Served) -> None:
    lm = adapter(server, sampling_rate=8000)
    lm.generate(lm.prefill(lm.encode([WAVE], [None])), [GREEDY], [0])
    wave, rate = soundfile.read(io.BytesIO(wav_of(server.bodies[0]) or b""), dtype="float32")
    assert rate == 8000
    assert server.bodies[0]["messages"][0]["content"][0]["input_audio"]["format"] == "wav"
    assert np.abs(wave - WAVE).max() < 1 / 2**14  # 16-bit samples


def test_greedy_is_temperature_0_with_a_fixed_seed_and_sampling_has_the_seed_of_its_item(server: Served) -> None:
    lm = adapter(server)
    greedy = lm.body("who", None, GREEDY, 2**40 + 5)
    assert greedy == {
        **{"model": "made/parrot", "messages": [{"role": "user", "content": [{"type": "text", "text": "who"}]}]},
        **{"max_tokens": 7, "temperature": 0, "seed": 0, "stop": ["\n"]},
    }
    drawn = lm.body("who", None, Generation(7, do_sample=True, temperature=0.5), 2**40 + 5)
    assert (drawn["temperature"], drawn["seed"]) == (0.5, 5)


def test_a_field_can_be_renamed_or_left_out_for_a_server_that_refuses_it(server: Served) -> None:
    body = adapter(server, max_tokens_field="max_completion_tokens", omit="temperature+seed").body("who", None, GREEDY, 0)
    assert body.keys() == {"model", "messages", "max_completion_tokens", "stop"}


def test_the_two_prompts_of_a_record_differ_in_the_content_alone(server: Served) -> None:
    lm = adapter(server)
    written, spoken = (lm.encode([content], ["be brief"]).prompts[0] for content in ("who is it", WAVE))
    assert written.replace("who is it", "<clip>") == spoken
    assert "be brief" in spoken


def test_answers_go_to_the_rows_that_were_asked(server: Served) -> None:
    server.answer = lambda body: f"re: {text_of(body)}"
    lm = adapter(server, concurrency=3)
    texts = [f"question {k}" for k in range(8)]
    assert lm.generate(lm.prefill(lm.encode(texts, [None] * 8)), [GREEDY] * 8, [0] * 8) == [f"re: {text}" for text in texts]


def test_options_are_decided_by_the_first_token_where_probabilities_come(server: Served) -> None:
    server.answer = lambda body: completion("hm, a dog", logprobs=first_tokens(cat=-2.0, dog=-1.0))
    lm = adapter(server, logprobs=True)
    ((_, reply),) = replies(lm, lm.prefill(lm.encode(["which"], [None])), [GREEDY], [0], [("cat", "dog")])
    assert (reply.text, reply.option_logprobs) == ("dog", (-2.0, -1.0))
    assert server.bodies[0]["top_logprobs"] == 20


# -------------------------------------------------------------------------------------------------- what it is, what it lacks


def test_it_says_what_is_known_and_nothing_of_what_a_server_does_not_tell(server: Served) -> None:
    info = adapter(server, price_input=2.5).info
    assert (info["name"], info["kind"]) == ("parrot", "lslm")
    assert info["pretrained"] == f"{server.url.removeprefix('http://').removesuffix('/v1')}/made/parrot"
    assert [info[key] for key in ("revision", "dtype", "parameters")] == [None] * 3
    assert info["prices"] == {"input": 2.5}


def test_the_fingerprint_changes_with_what_can_change_an_answer_and_with_nothing_else(server: Served) -> None:
    plain = adapter(server).fingerprint
    assert adapter(server, concurrency=2, timeout=5, retries=1, price_input=1, requests_per_minute=9).fingerprint == plain
    others = [{"model": "b"}, {"base_url": "http://127.0.0.1:1/v1"}, {"logprobs": True}, {"sampling_rate": 8000}, {"omit": "seed"}]
    prints = [adapter(server, **other).fingerprint for other in others]
    assert len({plain, *prints}) == len(others) + 1


def test_it_gives_answers_only_and_says_so_of_all_else(server: Served) -> None:
    lm = adapter(server)
    batch = lm.encode(["two words", "one two three"], [None, None])
    assert [gives(lm, what) for what in ("answers", "options", "states")] == [True, False, False]  # type: ignore[arg-type]
    assert batch.content_mask.sum(1).tolist() == [2, 3]
    for asked in (
        lambda: lm.prefill(batch, lambda layer, hidden: None),
        lambda: lm.token_ids("yes"),
        lambda: lm.score_options(lm.prefill(batch), []),
        lambda: lm.encode_raw(["yes"]),
        lambda: lm.expected_tokens(1.0),
        lambda: lm.content_strings(batch, 0),
    ):
        with pytest.raises(UsageError, match="parrot gives answers only, no "):
            asked()
    assert server.bodies == []


def test_verify_tries_what_can_be_tried_and_gives_the_reason_for_the_rest(server: Served) -> None:
    server.answer = lambda body: "something" if any(wav_of(body)[44:]) else "nothing"  # type: ignore[index]
    lm = adapter(server)
    found = {finding.name: finding for finding in verify(lm, embedded_items(lm))}
    assert {name for name, finding in found.items() if finding.passed} == {"prompts", "hears the clip"}
    assert all(f.passed is None and f.figure == "not tried" and "answers only" in f.advice for f in found.values() if not f.passed)
    server.answer = lambda body: "nothing"
    deaf = {finding.name: finding for finding in verify(lm, embedded_items(lm))}["hears the clip"]
    assert deaf.passed is False
    assert "silence changes 0 of 3 answers" in deaf.figure


# -------------------------------------------------------------------------------------------------- keys and arguments

KEY = "sk-never-to-be-seen-42"


@pytest.mark.parametrize("name", ["key", "api_key"])
def test_a_key_on_the_command_line_is_refused_without_being_repeated(server: Served, name: str) -> None:
    with pytest.raises(UsageError, match="from the environment only") as refused:
        adapter(server, **{name: KEY})
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [{"key_env": KEY}, {"base_url": f"https://me:{KEY}@host/v1"}, {"base_url": f"https://host/v1?key={KEY}"}],
)
def test_a_key_in_a_wrong_place_is_refused_without_being_repeated(server: Served, arguments: dict[str, str]) -> None:
    with pytest.raises(UsageError) as refused:
        adapter(server, **arguments)
    assert KEY not in str(refused.value)


def test_a_server_on_this_machine_gets_a_key_only_if_one_is_named(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-others")
    monkeypatch.setenv("LOCAL_KEY", KEY)
    for arguments in ({}, {"key_env": "LOCAL_KEY"}, {"key_env": "none"}):
        lm = adapter(server, **arguments)
        lm.generate(lm.prefill(lm.encode(["who"], [None])), [GREEDY], [0])
        assert KEY not in repr(lm.__dict__) + json.dumps(lm.info)
    assert [headers.get("Authorization") for headers in server.headers] == [None, f"Bearer {KEY}", None]


def test_a_server_elsewhere_wants_a_key_or_the_word_that_it_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match=r"OPENAI_API_KEY holds no key for api\.openai\.com"):
        ChatAPI("gpt-4o-audio-preview")
    ChatAPI("m", "http://10.0.0.7:8000/v1", key_env="none")
    monkeypatch.setenv("ODD", "two words")
    with pytest.raises(UsageError, match="ODD holds is no key"):
        ChatAPI("m", key_env="ODD")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"base_url": "127.0.0.1:8000"}, "base_url=127.0.0.1:8000 is no address"),
        ({"base_url": "http://[1"}, "is no address"),
        ({"concurrency": 0}, "concurrency=0 is no number from 1 on"),
        ({"timeout": "soon"}, "timeout=soon is no number"),
        ({"retries": True}, "retries=True is no number"),
        ({"requests_per_minute": float("nan")}, "requests_per_minute=nan is no number"),
        ({"price_output": -1}, "price_output=-1 is no number from 0 on"),
        ({"logprobs": "yes"}, "logprobs=yes is neither true nor false"),
        ({"omit": "top_p"}, "omit=top_p is not known; write temperature or seed"),
        ({"max_tokens_field": "n"}, "max_tokens_field=n is not known"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named_with_its_value(server: Served, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        adapter(server, **arguments)
    assert said in str(refused.value)
