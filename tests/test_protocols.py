"""Choices and protocols: what is listed, what each takes, what is refused in one line, and what a record's entry says."""

from __future__ import annotations

from typing import Any

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.interventions.functional import parse_selection
from lsgap_bench.measures import LAYERS
from lsgap_bench.protocols import (
    BEYOND,
    CHOICES,
    DEFAULT,
    LEFT_ALONE,
    PROTOCOLS,
    SILENT,
    choices_of,
    in_words,
    observed_otherwise,
    protocol_called,
)
from lsgap_bench.registry import interventions, metrics
from lsgap_bench.schema import Condition
from lsgap_bench.settings import Settings

PAPER = PROTOCOLS["emnlp2025"]
OURS = PROTOCOLS[DEFAULT]
AS_ASKED = {"tasks": ["emnlp2025"], "conditions": list(PAPER.conditions)}


def test_these_are_the_choices_that_can_be_made() -> None:
    assert {name: choice.values for name, choice in CHOICES.items() if len(choice.values) > 1} == {
        "layers": ("1..L", "0..L", "1..L-1"),
        "path": ("cosine", "euclidean"),
        "shared_position": ("best", "first", "last"),
        "edited_selection": ("each", "first"),
        "final_norm": ("included", "excluded"),
        "unread": ("chance", "wrong"),
    }
    assert set(LAYERS) == set(CHOICES["layers"].values)


@pytest.mark.parametrize("name", list(CHOICES))
def test_every_choice_says_what_it_means_and_where_the_paper_fixes_it_or_that_it_does_not(name: str) -> None:
    choice = CHOICES[name]
    assert choice.name == name
    assert choice.meaning
    assert choice.paper in (SILENT, BEYOND) or choice.paper.startswith("section")
    assert len(set(choice.values)) == len(choice.values)


def test_without_a_word_every_choice_is_at_its_default() -> None:
    assert OURS.settled({}) == PAPER.settled({}) == {name: choice.values[0] for name, choice in CHOICES.items()}


def test_a_choice_that_is_asked_for_is_taken_and_the_others_stay() -> None:
    settled = OURS.settled({"layers": "0..L", "shared_position": "last"})
    assert {name for name in settled if settled[name] != CHOICES[name].default} == {"layers", "shared_position"}
    assert settled["layers"] == "0..L"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"layer": "1..L"}, "no choice is called 'layer'; did you mean 'layers'?"),
        ({"layers": "2..L"}, "choice layers=2..L: write 1..L or 0..L or 1..L-1"),
        ({"layers": 0}, "choice layers=0: write"),
        ({"pooling": "max"}, "choice pooling=max: it is 'mean' and cannot be changed"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused_in_one_line(asked: dict[str, Any], said: str) -> None:
    for protocol in PROTOCOLS.values():
        with pytest.raises(UsageError) as caught:
            protocol.settled(asked)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_papers_protocol_refuses_what_contradicts_it_and_takes_what_says_the_same() -> None:
    with pytest.raises(UsageError, match=r"protocol emnlp2025 fixes layers=1\.\.L, so layers=0\.\.L needs another protocol, such as lsgap"):
        PAPER.settled({"layers": "0..L"})
    with pytest.raises(UsageError, match="protocol emnlp2025 fixes the metrics, see `lsgap ls protocols`; leave out --metrics"):
        PAPER.metrics_of(["pooled_cosine"])
    with pytest.raises(UsageError, match="leave out --metrics"):
        PAPER.metrics_of([])
    assert PAPER.settled({"layers": "1..L", "path": "cosine"}) == PAPER.settled({})
    assert PAPER.metrics_of(list(reversed(PAPER.metrics))) == list(reversed(PAPER.metrics))
    assert PAPER.metrics_of(None) == PAPER.metrics


def test_the_default_protocol_leaves_the_metrics_to_the_run() -> None:
    assert OURS.metrics_of(None) is None
    assert OURS.metrics_of(["pooled_cosine"]) == ["pooled_cosine"]
    assert OURS.metrics_of([]) == []


def test_the_papers_metrics_and_interventions_are_there() -> None:
    assert all(name in metrics for name in PAPER.metrics)
    edits = [Condition.parse(name) for name in PAPER.conditions[2:]]
    assert PAPER.conditions[:2] == ("text", "speech")
    assert {(c.intervention, c.selection, c.layer) for c in edits} == {
        (plugin, tokens, 0) for plugin in ("angle_projection", "length_normalization") for tokens in ("bottom3", "all")
    }
    for edit in edits:
        assert edit.intervention in interventions
        parse_selection(str(edit.selection))


def test_an_unknown_protocol_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match="no protocol is called 'emnlp25'; did you mean 'emnlp2025'"):
        protocol_called("emnlp25")


# ------------------------------------------------------------------------------------------------ what a record says


def test_a_run_as_the_protocol_asks_has_no_deviations() -> None:
    assert PAPER.deviations(AS_ASKED) == []
    assert PAPER.deviations({**AS_ASKED, **LEFT_ALONE, "conditions": list(reversed(PAPER.conditions))}) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tasks": ["lsgap_mini", "mine"]}, "tasks: lsgap_mini, mine"),
        ({"conditions": ["text", "speech"]}, "conditions: text, speech"),
        ({"limit": 12}, "limit: 12"),
        ({"gen_kwargs": {"max_new_tokens": 4}}, "gen_kwargs: {'max_new_tokens': 4}"),
        ({"system_instruction": "be brief"}, "system_instruction: be brief"),
        ({"long_clips": "skip"}, "long_clips: skip"),
        ({"skip_bad_items": True}, "skip_bad_items: True"),
        ({"generation": {"a": {"do_sample": True}, "b": {"do_sample": False}}}, "decoding: sampling is on in a"),
    ],
)
def test_what_a_run_does_otherwise_is_one_phrase(change: dict[str, Any], said: str) -> None:
    assert PAPER.deviations({**AS_ASKED, **change}) == [said]


def test_the_default_protocol_fixes_no_tasks_so_only_sampling_deviates_from_it() -> None:
    run = {"tasks": ["mine"], "conditions": ["text"], "limit": 3}
    assert OURS.deviations(run) == []
    assert OURS.deviations({**run, "generation": {"mine": {"do_sample": True}}}) == ["decoding: sampling is on in mine"]


def test_every_setting_that_is_watched_is_one_of_a_run_and_stands_at_its_default() -> None:
    assert {name: getattr(Settings(), name) for name in LEFT_ALONE} == dict(LEFT_ALONE)


def test_a_records_choices_are_read_back_and_an_older_record_has_the_defaults() -> None:
    entry = OURS.entry(OURS.settled({"layers": "0..L"}), {"tasks": [], "conditions": []})
    assert entry["name"] == DEFAULT
    assert entry["choices"].keys() == CHOICES.keys()
    assert choices_of({"protocol": entry}) == OURS.settled({"layers": "0..L"})
    assert choices_of({}) == OURS.settled({})
    with pytest.raises(UsageError, match="choice layers=3: write"):
        choices_of({"protocol": {"name": DEFAULT, "choices": {"layers": "3"}}})


def test_a_line_says_what_is_not_as_usual_and_nothing_where_all_is() -> None:
    assert in_words({}) == ""
    assert in_words({"protocol": OURS.entry(OURS.settled({}), {})}) == ""
    assert in_words({"protocol": OURS.entry(OURS.settled({"layers": "0..L"}), {})}) == "Protocol lsgap; layers=0..L"
    assert in_words({"protocol": PAPER.entry(PAPER.settled({}), AS_ASKED)}) == "Protocol emnlp2025"
    short = PAPER.entry(PAPER.settled({}), {**AS_ASKED, "limit": 5, "tasks": ["mine"]})
    assert in_words({"protocol": short}) == "Protocol emnlp2025; deviations: tasks: mine; limit: 5"


def test_only_choices_that_decide_what_a_model_gives_and_are_not_at_their_defaults_are_part_of_a_key() -> None:
    assert observed_otherwise(OURS.settled({})) == {}
    assert observed_otherwise(OURS.settled({"layers": "0..L", "path": "euclidean"})) == {"path": "euclidean"}
