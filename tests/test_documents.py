"""Targets, options and chances of one document, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from lsgap_bench.documents import check_options, check_rendered, resolve_target, word_spans
from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Span
from lsgap_bench.task_config import fraction

WORDS, DIGITS = ("mouse", "whale", "cow"), ("1", "2", "3")


@pytest.mark.parametrize(
    ("target", "options", "column", "expected"),
    [
        ("whale", WORDS, False, "whale"),
        (1, WORDS, False, "whale"),
        (0, WORDS, True, "mouse"),
        ("B", WORDS, False, "whale"),
        ("c", WORDS, True, "cow"),
        ("2", DIGITS, True, "2"),  # text of a column is the option's text
        (2, DIGITS, True, "3"),  # a number of a column is the option's number, as in lm-eval
        (3, DIGITS, False, "3"),  # no option has the number 3
        (7, ("5", "7"), False, "7"),
        ("B", ("B", "A"), False, "B"),  # text before letter
        ("anything", (), False, "anything"),
        (42, (), True, "42"),
        (True, ("False", "True"), True, "True"),
    ],
)
def test_a_target_is_an_options_text_number_or_letter(target: Any, options: tuple[str, ...], column: bool, expected: str) -> None:
    assert resolve_target(target, options, column, "file: item 0") == expected


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("venus", WORDS, "'venus', which is none of the options"),
        (3, WORDS, "none of the options"),
        (-1, WORDS, "none of the options"),
        ("D", WORDS, "none of the options"),
        (1, DIGITS, "the number of '2' and the text of '1'"),
        (None, WORDS, "gives nothing"),
        ("  ", (), "gives nothing"),
        (["mouse", "rat"], (), "gives a list"),
    ],
)
def test_a_target_that_says_nothing_clear_is_refused(target: Any, options: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=f"file: item 0: .*{said}"):
        resolve_target(target, options, column=False, where="file: item 0")


@pytest.mark.parametrize("options", [(), ("a",), ("a", "a"), ("a", " ")])
def test_options_must_be_two_or_more_different_texts(options: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="file: item 0"):
        check_options(options, "file: item 0")


def test_the_word_none_is_refused_where_it_stands_for_an_empty_column_only() -> None:
    check_rendered("doc_to_text", "{{q}} {{context or ''}}", "None of these?", {"q": "None of these?", "other": None}, "file: item 0")
    with pytest.raises(UsageError, match="file: item 0: doc_to_text gives 'so: None', because column 'q' is empty"):
        check_rendered("doc_to_text", "so: {{q}}", "so: None", {"q": None}, "file: item 0")


@pytest.mark.parametrize("value", ["a quarter", 1.5, -0.1, None, "nan"])
def test_a_chance_that_is_no_fraction_is_refused(value: Any) -> None:
    with pytest.raises(UsageError, match="the caller's words"):
        fraction(value, "the caller's words")


def test_a_rendered_chance_is_a_number() -> None:
    assert fraction("0.25", "file: item 0") == 0.25


def test_word_times_are_given_as_mappings_or_pairs_and_null_where_unknown() -> None:
    given = [{"start": 0.0, "end": 0.3}, None, [0.5, 1], {"start": None, "end": None}]
    assert word_spans(given, " which is\nlarger ? ", "where") == (Span(0.0, 0.3), None, Span(0.5, 1.0), None)
    assert word_spans(None, "which is larger ?", "where") == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([[0, 1]], r"f.yaml: item 3: words has 1 entries for the 2 words of 'a cow'; give one per word, null if unknown"),
        ("0-1", "has 0 entries for the 2 words"),
        ([[0, 1], [2, 1]], r"\[2, 1\] is no time of the word 'cow'; give start and end in seconds, 0 <= start <= end"),
        ([[0, 1], {"start": 1}], "is no time of the word 'cow'"),
        ([[-0.1, 1], None], "is no time of the word 'a'"),
        ([[True, 2], None], "is no time of the word 'a'"),
    ],
)
def test_word_times_that_make_no_sense_are_refused(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        word_spans(given, "a cow", "f.yaml: item 3: words")
