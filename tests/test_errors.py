"""The end of an error line."""

from __future__ import annotations

from lsgap_bench.errors import did_you_mean, first_line, with_kind


def test_a_near_miss_is_answered_with_the_nearest_name() -> None:
    assert did_you_mean("exakt", ["exact", "choice"]) == "did you mean 'exact'?"


def test_what_is_near_to_nothing_is_answered_with_all_names_in_order() -> None:
    assert did_you_mean("zebra", ["choice", "exact"]) == "known: choice, exact"
    assert did_you_mean("zebra", []) == "known: none"


def test_of_an_error_the_first_line_is_kept_and_its_kind_where_it_says_nothing() -> None:
    assert first_line(ValueError("\n no such voice \n in 3 files")) == "no such voice"
    assert first_line(AssertionError()) == "AssertionError"
    assert with_kind(ValueError("no such voice\nin 3 files")) == "ValueError: no such voice"
    assert with_kind(AssertionError()) == "AssertionError: no message"
