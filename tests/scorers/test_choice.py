"""The scorer `choice`: a table of answers and the option that each of them names, made by hand."""

from __future__ import annotations

import pytest

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError

ANIMALS = ["cat", "dog", "cow", "cat food"]  # A, B, C, D
ARTICLES = ["a mouse", "the whale", "neither"]
LETTERS = ["a", "b", "c", "d"]
YES = ["yes", "no"]
NOTHING = None


@pytest.mark.parametrize(
    ("response", "options", "named"),
    [
        # a letter
        ("B", ANIMALS, "dog"),
        ("b", ANIMALS, "dog"),
        ("B.", ANIMALS, "dog"),
        ("(c)", ANIMALS, "cow"),
        ("[C]", ANIMALS, "cow"),
        ("**B**", ANIMALS, "dog"),
        ("B) dog", ANIMALS, "dog"),
        ("B: dog", ANIMALS, "dog"),
        ("B - dog", ANIMALS, "dog"),
        ("B\nbecause it barks", ANIMALS, "dog"),
        ("B because it barks", ANIMALS, "dog"),
        ("A.", ANIMALS, "cat"),
        ("A", ANIMALS, "cat"),
        # a stated letter
        ("The answer is B", ANIMALS, "dog"),
        ("The answer is (B).", ANIMALS, "dog"),
        ("the correct answer would be C, I think", ANIMALS, "cow"),
        ("Answer: B", ANIMALS, "dog"),
        ("Well, the answer to this question is: C.", ANIMALS, "cow"),
        ("I would choose option B", ANIMALS, "dog"),
        ("The answer is A because it purrs", ANIMALS, "cat"),
        ("B. The answer is B.", ANIMALS, "dog"),
        # an option's text
        ("dog", ANIMALS, "dog"),
        ("DOG!", ANIMALS, "dog"),
        ("It is the dog, of course.", ANIMALS, "dog"),
        ("A dog", ANIMALS, "dog"),  # begins with an article, not with option A
        ("a cow", ANIMALS, "cow"),
        ("The answer is a dog", ANIMALS, "dog"),
        ("I think it is a cow", ANIMALS, "cow"),
        ("A whale", ARTICLES, "the whale"),
        ("cat food", ANIMALS, "cat food"),  # not `cat`
        ("It eats cat food.", ANIMALS, "cat food"),
        ("Yes, it is.", YES, "yes"),
        ("No", YES, "no"),
        ("I do not know", YES, NOTHING),  # `no` is no part of `not` or `know`
        # options that are letters
        ("a", LETTERS, "a"),
        ("A", LETTERS, "a"),
        ("The answer is d.", LETTERS, "d"),
        ("e", LETTERS, NOTHING),
        ("b", ["b", "a"], "b"),  # text before letter
        # none, or several
        ("", ANIMALS, NOTHING),
        ("   ", ANIMALS, NOTHING),
        ("a horse", ANIMALS, NOTHING),
        ("dogma", ANIMALS, NOTHING),
        ("the cat or the dog", ANIMALS, NOTHING),
        ("Option A is wrong and option B too", ANIMALS, NOTHING),
        ("cat, not cat food", ANIMALS, NOTHING),
        ("E", ANIMALS, NOTHING),
        ("C'est la vie", ANIMALS, NOTHING),
        # other scripts
        ("Ответ: кот", ["кот", "пёс"], "кот"),
        ("ÉTÉ", ["été", "hiver"], "été"),
    ],
)
def test_an_answer_names_the_option_that_a_person_would_read_in_it(response: str, options: list[str], named: str | None) -> None:
    for target in options:
        verdict = scorers.get("choice")(response, {"id": "x", "target": target, "options": options})
        assert verdict.prediction == named
        assert verdict.extracted is (named is not None)
        assert verdict.correct is (named == target)
        assert verdict.score == (1 / len(options) if named is None else float(named == target))


def test_the_target_may_be_the_letter() -> None:
    assert scorers.get("choice")("the dog", {"id": "x", "target": "B", "options": ANIMALS}).correct
    assert not scorers.get("choice")("the dog", {"id": "x", "target": "a", "options": ANIMALS}).correct


def test_an_answer_that_is_not_extracted_scores_the_items_own_chance() -> None:
    assert scorers.get("choice")("no idea at all", {"id": "x", "target": "cat", "options": ANIMALS, "chance": 0.5}).score == 0.5


@pytest.mark.parametrize(("response", "letter"), [("B", "B"), ("The answer is (d).", "D"), ("C. the cow", "C"), ("hm", None)])
def test_without_options_in_the_data_a_letter_is_read(response: str, letter: str | None) -> None:
    verdict = scorers.get("choice")(response, {"id": "x", "target": "B"})
    assert (verdict.prediction, verdict.correct) == (letter, letter == "B")
    assert verdict.score == float(letter == "B")


def test_a_target_that_is_no_option_is_refused_with_the_item() -> None:
    with pytest.raises(UsageError, match="item 7: the target 'horse' is neither an option nor its letter; options: cat, dog"):
        scorers.get("choice")("cat", {"id": "item 7", "target": "horse", "options": ANIMALS})


def test_a_target_of_an_item_without_options_must_be_a_letter() -> None:
    with pytest.raises(UsageError, match=r"item 7: the target 'E9' .*; the item has no options, so give the letter, A to Z"):
        scorers.get("robust_mcq")("A", {"id": "item 7", "target": "E9"})
