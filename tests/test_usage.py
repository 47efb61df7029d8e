"""Tokens, tries and cost of requests, against arithmetic by hand."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import made_pair

from lsgap_bench.schema import Pair
from lsgap_bench.usage import prices_of, usage_lines, usage_of, usage_warnings

PRICES = {"input": 2.0, "output": 10.0}


def request(name: str, **more: Any) -> dict[str, Any]:
    return {"request": name, "tries": 1, "seconds": 1.0, "prompt_tokens": 100, "completion_tokens": 10, **more}


def pair(number: int = 0, **usage: dict[str, Any]) -> Pair:
    made = made_pair("t", number, dict.fromkeys(usage, 1.0))
    for condition, of in usage.items():
        made.observations[condition].__dict__["usage"] = of  # frozen for everyone else
    return made


def totals(*usage: dict[str, Any], prices: dict[str, float] | None = None) -> dict[str, Any]:
    pairs = [pair(k, speech=of) for k, of in enumerate(usage)]
    return usage_of(pairs, {"lslm": prices or {}})["lslm"]


def test_an_answer_that_several_voices_share_counts_once() -> None:
    shared = request("a", tries=3)
    found = usage_of([pair(0, text=shared, speech=request("b")), pair(1, text=shared, speech=request("c"))], {})["lslm"]
    assert (found["requests"], found["tries"], found["prompt_tokens"], found["completion_tokens"]) == (3, 5, 300, 30)


def test_every_system_has_its_own_totals_and_a_model_that_is_run_here_has_none() -> None:
    found = usage_of([pair(0, speech=request("a"), base=request("b"), cascade=request("c", prompt_tokens=7))], {})
    assert {system: of["prompt_tokens"] for system, of in found.items()} == {"lslm": 100, "base": 100, "cascade": 7}
    assert usage_of([made_pair("t", 0, {"speech": 1.0})], {}) == {}


def test_the_cost_is_tokens_times_prices_per_million() -> None:
    assert totals(request("a"), request("b"), prices=PRICES)["cost"]["value"] == pytest.approx((200 * 2 + 20 * 10) / 1e6)
    audio = totals(request("a", audio_tokens=60), prices={**PRICES, "audio_input": 40.0})["cost"]["value"]
    assert audio == pytest.approx((40 * 2 + 60 * 40 + 10 * 10) / 1e6)


@pytest.mark.parametrize(
    ("usage", "prices", "why"),
    [
        (request("a"), {}, "no prices were given"),
        (request("a"), {"input": 1.0}, "no prices were given"),
        (request("a", completion_tokens=None), PRICES, "did not tell all token counts"),
        (request("a", audio_tokens=60), PRICES, "60 of the tokens are audio, and no price_audio_input was given"),
        (request("a"), {**PRICES, "audio_input": 40.0}, "did not tell how many tokens are audio"),
    ],
)
def test_a_cost_that_is_not_known_is_absent_with_the_reason(usage: dict[str, Any], prices: dict[str, float], why: str) -> None:
    cost = totals(usage, prices=prices)["cost"]
    assert cost["value"] is None
    assert why in cost["why"]


def test_counts_that_some_answers_came_without_are_absent_and_never_a_part_of_the_sum() -> None:
    found = totals(request("a"), {"request": "b", "tries": 1, "seconds": 1.0})
    assert (found["prompt_tokens"], found["tokens_why"]) == (None, "1 of 2 answers came without token counts")
    assert "tokens - (1 of 2 answers came without token counts)" in usage_lines({"lslm": found})[0]


def test_cut_answers_more_tries_and_who_answered_are_counted() -> None:
    found = totals(
        request("a", finish_reason="length", served_by="m-1", tries=2), request("b", served_by="m-1"), request("c", served_by="m-2")
    )
    assert (found["cut_at_length"], found["served_by"]) == (1, {"m-1": 2, "m-2": 1})
    (line,) = usage_lines({"lslm": found})
    assert line.startswith("lslm: 3 requests, tried again 1 times, 300 tokens asked, 30 answered, cut at their limit 1, cost - (no prices")


def test_logprobs_that_did_not_come_are_warned_of() -> None:
    missing = {"lslm": totals(request("a", logprobs=False), request("b", logprobs=True))}
    assert usage_warnings(missing) == ["lslm: logprobs were asked for, and 1 of 2 answers came without: these were read freely"]
    assert usage_warnings({"lslm": totals(request("a", logprobs=True))}) == []
    assert usage_warnings({"lslm": totals(request("a"))}) == []


def test_the_prices_are_those_of_the_model_and_of_the_base() -> None:
    known = prices_of({"prices": PRICES}, {"cascade": {"base": {"prices": {"input": 1.0}}}})
    assert known == {"lslm": PRICES, "base": {"input": 1.0}, "cascade": {"input": 1.0}}
    assert prices_of({}, {}) == {"lslm": {}, "base": {}, "cascade": {}}
