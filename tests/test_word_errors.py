"""What counts as an error of a transcript, and what the two sides may differ in."""

from __future__ import annotations

import random

import pytest

from lsgap_bench.word_errors import WordErrors, normalized, word_errors

SAID = "which animal is larger"


@pytest.mark.parametrize(
    ("transcript", "errors"),
    [
        (SAID, 0),
        ("which animals is larger", 1),  # a substitution
        ("which is larger", 1),  # a deletion
        ("which animal is the larger", 1),  # an insertion
        ("", 4),
        ("a b c d e f", 6),  # four substitutions, two insertions: more errors than words
    ],
)
def test_substitutions_deletions_and_insertions_count_alike_against_the_words_that_were_said(transcript: str, errors: int) -> None:
    assert word_errors(SAID, transcript) == WordErrors(errors, 4)


def distance(one: list[str], other: list[str]) -> int:
    """Levenshtein's, row by row."""
    above = list(range(len(other) + 1))
    for k, word in enumerate(one, 1):
        row = [k]
        for j, against in enumerate(other, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (word != against)))
        above = row
    return above[-1]


def test_the_errors_are_the_edit_distance_between_the_words() -> None:
    draw = random.Random(0)
    for _ in range(50):
        said, heard = ([draw.choice(["cat", "dog", "horse"]) for _ in range(draw.randint(1, 8))] for _ in range(2))
        assert word_errors(" ".join(said), " ".join(heard)) == WordErrors(distance(said, heard), len(said))


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Is it Monday?  Yes.", "is it monday yes"),
        ("Anna has twenty-one keys.", "anna has 21 keys"),
        ("A thousand and two days", "a 1,002 days"),
        ("What's the answer?", "what is the answer"),
        ("What\N{RIGHT SINGLE QUOTATION MARK}s the answer?", "what's the answer"),
        ("Well, uh, yes", "well yes"),
        ("A caf\N{LATIN SMALL LETTER E WITH ACUTE}", "a cafe"),
        ("(A) dog. [B] cat.", "A dog, B cat"),
    ],
)
def test_case_punctuation_numerals_contractions_fillers_and_brackets_are_no_errors(said: str, heard: str) -> None:
    found = word_errors(said, heard)
    assert found is not None
    assert found.errors == 0


def test_what_stands_in_brackets_is_text_on_both_sides() -> None:
    assert word_errors("yes", "yes [laughs]") == WordErrors(1, 1)  # the base reads it, too
    assert normalized("(A) dog") == "a dog"


def test_british_and_american_spellings_are_two_words() -> None:
    assert word_errors("what colour is it", "what color is it") == WordErrors(1, 4)


def test_where_nothing_was_said_there_is_nothing_to_count() -> None:
    assert word_errors("?!", "yes") is None
