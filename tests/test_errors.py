"""The end of an error line."""

from __future__ import annotations

from lsgap_bench.errors import did_you_mean


def test_a_near_miss_is_answered_with_the_nearest_name() -> None:
    assert did_you_mean("exakt", ["exact", "choice"]) == "did you mean 'exact'?"


def test_what_is_near_to_nothing_is_answered_with_all_names_in_order() -> None:
    assert did_you_mean("zebra", ["choice", "exact"]) == "known: choice, exact"
    assert did_you_mean("zebra", []) == "known: none"
