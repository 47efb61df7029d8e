"""One argument for a grid: braces are written out in order, and what is malformed is named."""

from __future__ import annotations

import pytest

from lsgap_bench.braces import expand, split
from lsgap_bench.errors import UsageError


def test_the_last_brace_turns_fastest() -> None:
    assert expand(["{a,b}:{x,y}@{0,1}"]) == ["a:x@0", "a:x@1", "a:y@0", "a:y@1", "b:x@0", "b:x@1", "b:y@0", "b:y@1"]


def test_a_name_without_braces_stays_as_it_is_and_each_name_comes_once() -> None:
    assert expand(["text", "{speech,text}", "s{}".replace("{}", "{1, 2}"), "s2"]) == ["text", "speech", "s1", "s2"]


def test_one_alternative_alone_is_allowed() -> None:
    assert expand(["a{b}c"]) == ["abc"]


def test_commas_inside_braces_do_not_split() -> None:
    assert split("text, speech+{a,b}:all@{0,1} ,,x{1,2}{3,4},y") == ["text", "speech+{a,b}:all@{0,1}", "x{1,2}{3,4}", "y"]
    assert split("") == []


@pytest.mark.parametrize("name", ["a{b", "ab}", "a{b,{c,d}}", "}a{", "{a}}", "{{a}"])
def test_braces_that_do_not_pair_are_refused_with_the_name(name: str) -> None:
    with pytest.raises(UsageError, match="has a brace without its other half, or one inside another") as caught:
        expand([name])
    assert f"'{name}'" in str(caught.value)


@pytest.mark.parametrize("name", ["a{}", "a{b,}", "a{,b}", "a{b, ,c}"])
def test_an_empty_place_between_braces_is_refused_with_the_name(name: str) -> None:
    with pytest.raises(UsageError, match="empty place between its braces") as caught:
        expand([name])
    assert f"'{name}'" in str(caught.value)
