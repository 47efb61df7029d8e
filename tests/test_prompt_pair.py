"""Two prompts taken apart, and what a record keeps of them."""

from __future__ import annotations

import dataclasses

import demo_run
import pytest

from lsgap_bench.prompt_pair import Prompts, prompts_check, taken_apart
from lsgap_bench.schema import Pair


def test_two_prompts_are_taken_apart_where_they_differ_in_the_content_alone() -> None:
    assert taken_apart("<s>who ?<e>", "<s><audio><e>", " who ? ") == Prompts("<s>", "<audio>", "<e>")
    for spoken in ("<t><audio><e>", "<s><audio><f>", "<s>"):
        assert taken_apart("<s>who ?<e>", spoken, "who ?") is None
    assert taken_apart("<s>something else<e>", "<s><audio><e>", "who ?") is None


def test_a_spoken_prompt_that_holds_the_question_in_writing_is_no_spoken_prompt() -> None:
    assert taken_apart("<s>who is it ?<e>", "<s><audio> who is it ? <e>", "who is it ?") is None
    assert taken_apart("<s>Audio<e>", "<s>Audio 1: <audio><e>", "Audio") == Prompts("<s>", "Audio 1: <audio>", "<e>")


def pairs(spoken: str) -> list[Pair]:
    """Two items of a finished run, the second with another spoken prompt."""
    first, second = demo_run.evaluation().pairs["lsgap_mini_days"][:2]
    heard = dataclasses.replace(second.observations["speech"], prompt=spoken)
    return [first, dataclasses.replace(second, observations={**second.observations, "speech": heard})]


def test_a_record_keeps_what_stands_around_the_content_in_both_forms() -> None:
    check = demo_run.evaluation().record.checks["prompts"]
    assert check == {
        "n": 18,
        "passed": True,
        "note": None,
        "before": "<|user|>",
        "wrapper": "<|audio_bos|><|AUDIO|><|audio_eos|>",
        "after": "<|answer|>",
    }


@pytest.mark.parametrize("spoken", ["<|user|>listen : <|AUDIO|>", "please <|user|><|AUDIO|><|answer|>"])
def test_prompts_that_differ_elsewhere_fail_and_name_an_item(spoken: str) -> None:
    check = prompts_check(pairs(spoken))
    assert (check["n"], check["passed"]) == (2, False)
    assert check["note"] == "the prompts of 1 items, such as lsgap_mini_days/1, differ in more than the content"


def test_a_run_of_one_form_alone_is_not_checked() -> None:
    (pair,) = demo_run.evaluation().pairs["lsgap_mini_days"][:1]
    assert prompts_check([dataclasses.replace(pair, observations={"text": pair.observations["text"]})])["passed"] is None
