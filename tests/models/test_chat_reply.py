"""What a chat completion says, read: words, what is no answer, options by their first tokens, token counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from chat_server import completion, first_tokens

from lsgap_bench.models.adapter import Reply
from lsgap_bench.models.chat_reply import WITHHELD, option_scores, reply_of


def read(plain: Mapping[str, Any], *options: str, logprobs: bool = False) -> Reply:
    return reply_of(plain, options, logprobs, {"request": "r", "tries": 1, "seconds": 0.5})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (" a horse\n", "a horse"),
        ("", ""),
        (None, ""),
        ([{"type": "text", "text": "a "}, {"type": "other"}, {"type": "text", "text": "horse"}], "a horse"),
        (7, "7"),
    ],
)
def test_the_words_are_those_of_the_content_and_an_empty_answer_is_an_answer(content: Any, words: str) -> None:
    reply = read(completion(content))
    assert (reply.text, reply.absent) == (words, None)


def test_what_a_model_says_in_refusing_is_its_answer() -> None:
    plain = completion(None)
    plain["choices"][0]["message"]["refusal"] = "I will not"
    assert read(plain).text == "I will not"


def test_an_answer_that_a_content_filter_withheld_is_absent_with_the_reason() -> None:
    reply = read(completion("half an ans", "content_filter"))
    assert (reply.text, reply.absent) == ("", WITHHELD)


def test_token_counts_are_told_as_far_as_the_server_tells_them() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"audio_tokens": 7}}
    told = read(completion("x", "length", usage=usage, model="m-1", system_fingerprint="fp")).usage
    assert told == {
        **{"request": "r", "tries": 1, "seconds": 0.5, "finish_reason": "length", "served_by": "m-1 fp"},
        **{"prompt_tokens": 9, "completion_tokens": 3, "audio_tokens": 7},
    }
    for odd in (None, {}, "much", {"prompt_tokens": None, "prompt_tokens_details": None}):
        assert not {"prompt_tokens", "completion_tokens", "audio_tokens"} & read(completion("x", usage=odd)).usage.keys()


def test_an_option_has_the_probability_of_all_first_tokens_that_begin_it() -> None:
    tokens = {" Yes": math.log(0.5), "ye": math.log(0.2), "no": math.log(0.1), "The": math.log(0.1)}
    scores = option_scores(["yes", "no"], tokens)
    assert scores == pytest.approx({"yes": math.log(0.7), "no": math.log(0.1)})


def test_a_letter_begins_the_option_that_it_is_and_no_longer_one() -> None:
    assert option_scores(["A", "B"], {" b": -0.1, "A": -3.0}) == {"B": pytest.approx(-0.1), "A": pytest.approx(-3.0)}
    assert option_scores(["apple", "banana"], {"B": -0.1}) == {}


def test_options_that_one_token_could_begin_are_not_told_apart() -> None:
    assert option_scores(["twenty one", "twenty two"], {"twenty": -0.1, "no": -4.0}) == {}


def test_the_likeliest_option_is_the_answer_and_the_words_are_kept_beside() -> None:
    plain = completion("it is a dog", logprobs=first_tokens(dog=-2.0, it=-0.1, cat=-3.0))
    reply = read(plain, "cat", "dog", logprobs=True)
    assert reply.text == "dog"
    assert reply.option_logprobs == pytest.approx((-3.0, -2.0))
    assert (reply.usage["said"], reply.usage["logprobs"]) == ("it is a dog", True)


def test_probabilities_of_some_options_only_decide_and_are_not_kept() -> None:
    reply = read(completion("hm", logprobs=first_tokens(dog=-2.0)), "cat", "dog", logprobs=True)
    assert (reply.text, reply.option_logprobs) == ("dog", ())


@pytest.mark.parametrize("given", [None, {"content": []}, {"content": None}, {"content": [{"top_logprobs": [{"token": "a"}]}]}])
def test_without_probabilities_the_words_are_the_answer_and_it_is_told(given: Any) -> None:
    reply = read(completion("it is a dog", logprobs=given), "cat", "dog", logprobs=True)
    assert (reply.text, reply.option_logprobs, reply.usage["logprobs"]) == ("it is a dog", (), False)


def test_a_free_answer_is_never_decided_by_probabilities() -> None:
    assert read(completion("it is a dog", logprobs=first_tokens(cat=-0.1)), logprobs=True).text == "it is a dog"
