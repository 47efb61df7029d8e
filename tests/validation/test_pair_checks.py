from __future__ import annotations

import dataclasses

import pytest
from made_items import made_item

from lsgap_bench.schema import Item
from lsgap_bench.validation.pair_checks import pair_findings

TEN_WORDS = "which of these two animals is larger a dog or"


def lines(*items: Item, cluster: str | None = None) -> list[str]:
    return [("problem: " if finding.problem else "") + finding.line for finding in pair_findings(items, "t.yaml", cluster)]


@pytest.mark.parametrize(("seconds", "fits"), [(0.9, False), (1.1, True), (19.5, True), (20.5, False)])
def test_ten_words_take_one_second_at_least_and_twenty_at_most(seconds: float, fits: bool) -> None:
    assert (lines(made_item(0, TEN_WORDS, seconds=seconds)) == []) is fits


def test_a_clip_too_short_for_its_words_is_a_problem_and_one_too_long_a_warning_with_the_numbers() -> None:
    fast, slow = lines(made_item(0, TEN_WORDS, seconds=0.5), made_item(1, TEN_WORDS, seconds=40.0))
    assert fast == "problem: t.yaml: t/0: 10 words cannot be said in 0.5 s; is this the right clip?"
    assert slow.startswith("t.yaml: t/1: 10 words in 40.0 s are 15 a minute, and people speak 100 to 200")


@pytest.mark.parametrize("text", ["3.14159 + 2.71828", "\u4eca\u5929\u5929\u6c14\u600e\u4e48\u6837" * 3])
def test_digits_and_writing_without_blanks_are_not_taken_for_few_words(text: str) -> None:
    assert lines(made_item(0, text, seconds=6.9)) == []


def test_a_synthesized_item_is_measured_by_the_words_the_voice_was_given() -> None:
    item = made_item(0, "E=mc^2", seconds=7.0)
    assert len(lines(item)) == 1
    assert lines(dataclasses.replace(item, spoken="e equals m times c to the power of two")) == []


def test_one_clip_for_two_questions_is_a_problem_and_the_same_item_twice_a_warning() -> None:
    first = made_item(0, "say cat")
    other, again = made_item(1, "say dog", clip=first.clip), made_item(2, "say cat", clip=first.clip)
    assert lines(first, other)[0].startswith("problem: t.yaml: t/1: its clip is also the clip of 'say cat'")
    assert lines(first, again) == ["t.yaml: t/2: it has the words and the clip of t/0, which counts twice; leave one of the two out"]


def test_an_id_that_comes_twice_is_a_problem_unless_it_groups_the_items() -> None:
    items = [made_item(k, fields={"id": name}) for k, name in enumerate(["a", "b", "a"])]
    assert lines(*items) == [
        "problem: t.yaml: t/2: column 'id' holds 'a', as it does for t/0; give every row its own, or write cluster: id",
    ]
    assert lines(*items, cluster="id") == []


def test_one_question_with_two_targets_is_a_warning_unless_its_options_differ() -> None:
    assert lines(made_item(0, target="cat"), made_item(1, target="dog"))[0].startswith(
        "t.yaml: t/1: its target is 'dog', and 'cat' for the same"
    )
    one, two = (made_item(k, target=options[0], options=options, chance=0.5) for k, options in enumerate([("cat", "dog"), ("hen", "ant")]))
    assert lines(one, two) == []


@pytest.mark.parametrize(
    ("chances", "said"),
    [
        ((0.5, 0.5), "problem: t.yaml: t: its items have 2 to 3 options (t/0, t/1), but chance is 0.5 for all; write chance: auto"),
        ((1 / 2, 1 / 3), "t.yaml: t: its items have 2 to 3 options (t/0, t/1); chance is counted per item"),
        ((None, None), "t.yaml: t: its items have 2 to 3 options (t/0, t/1); write chance: auto to count it per item"),
    ],
)
def test_option_lists_of_several_lengths_need_a_chance_per_item(chances: tuple[float | None, float | None], said: str) -> None:
    lists = (("cat", "dog"), ("cat", "dog", "hen"))
    items = [made_item(k, f"say {k}", options=o, chance=c) for k, (o, c) in enumerate(zip(lists, chances, strict=True))]
    assert lines(*items) == [said]
