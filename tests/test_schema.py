from __future__ import annotations

import dataclasses
import math

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Clip, Condition, Estimate, Item, Observation, Pair, Verdict, absent


@pytest.mark.parametrize(
    ("name", "modality", "clip", "intervention", "selection", "layer", "control"),
    [
        ("text", "text", "own", None, None, None, None),
        ("speech", "speech", "own", None, None, None, None),
        ("speech=silence", "speech", "silence", None, None, None, None),
        ("speech=other", "speech", "other", None, None, None, None),
        ("speech+angle_projection:bottom3@0", "speech", "own", "angle_projection", "bottom3", 0, None),
        ("speech+identity:all@12", "speech", "own", "identity", "all", 12, None),
        ("speech+length_normalization:random3@all", "speech", "own", "length_normalization", "random3", "all", None),
        ("speech+a-b:all@3=wrong_transcript", "speech", "own", "a-b", "all", 3, "wrong_transcript"),
        ("speech+x:top3@all=random_direction", "speech", "own", "x", "top3", "all", "random_direction"),
    ],
)
def test_a_conditions_name_says_all_of_it(
    name: str, modality: str, clip: str, intervention: str | None, selection: str | None, layer: int | str | None, control: str | None
) -> None:
    parsed = Condition.parse(name)
    assert dataclasses.astuple(parsed) == (name, modality, clip, intervention, selection, layer, control, "text", None)


@pytest.mark.parametrize(
    ("name", "modality", "read", "variant", "sound"),
    [
        ("text=spoken_form", "text", "spoken_form", None, "own"),
        ("text=transcript", "text", "transcript", None, "own"),
        ("speech=noise10", "speech", "text", "noise10", "noise10"),
        ("speech=my.own_room-2", "speech", "text", "my.own_room-2", "my.own_room-2"),
    ],
)
def test_a_text_control_says_what_is_read_and_a_variant_what_is_heard(
    name: str, modality: str, read: str, variant: str | None, sound: str
) -> None:
    parsed = Condition.parse(name)
    assert (parsed.modality, parsed.read, parsed.variant, parsed.sound) == (modality, read, variant, sound)
    assert (parsed.clip, parsed.intervention) == ("own", None)


@pytest.mark.parametrize(
    ("control", "advice"), [("wrong_transcrip", "did you mean 'wrong_transcript'?"), ("", "known: random_direction, wrong_transcript")]
)
def test_an_unknown_control_is_named_with_the_nearest_known_one(control: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        Condition.parse(f"speech+x:all@0={control}")
    assert str(caught.value) == f"condition 'speech+x:all@0={control}': no control is called '{control}'; {advice}"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Text",
        "speech=",
        "speech=own",
        "speech+x",
        "speech+x:all",
        "speech+x:all@-1",
        "speech+x:all@every",
        "text+x:all@0",
        "text=wrong_transcript",
    ],
)
def test_a_name_of_no_known_form_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(UsageError, match=r"speech\+angle_projection:bottom3@0"):
        Condition.parse(name)


def test_what_is_frozen_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Condition.parse("text").name = "speech"  # type: ignore[misc]


def test_an_absent_estimate_is_null_on_disk_with_its_reason_and_comes_back() -> None:
    missing = absent("not run", "cosine", 3)
    plain = missing.to_dict()
    assert plain == {"value": None, "low": None, "high": None, "n": 3, "unit": "cosine", "method": "", "why": "not run"}
    back = Estimate.from_dict(plain)
    assert math.isnan(back.value)
    assert back.why == "not run"


def test_a_present_estimate_has_no_why() -> None:
    there = Estimate(1.5, 1.0, 2.0, 10, "points", "bootstrap")
    assert "why" not in there.to_dict()
    assert Estimate.from_dict(there.to_dict()) == there


def test_the_score_under_a_condition_that_was_not_run_is_nan() -> None:
    clip = Clip("0" * 64, 16_000, 24_000, bytes)
    item = Item("t/1", "t", "words", clip, "a", "c", "t")
    pair = Pair(item, {}, {"text": Verdict("a", 1.0, True, True)})
    assert pair.score("text") == 1.0
    assert math.isnan(pair.score("speech"))
    assert clip.seconds == 1.5


@pytest.mark.parametrize(
    ("fields", "voice"),
    [
        ({"voice": "flite:slt", "accent": "us"}, "flite:slt"),
        ({"accent": "gbr", "speaker": 7}, "7"),
        ({"accent": "gbr"}, "gbr"),
        ({"voice": None, "speaker": "", "accent": "ind"}, "ind"),
        ({"speaker": {"id": 3}}, None),
        ({}, None),
    ],
)
def test_who_speaks_is_said_by_the_column_voice_speaker_or_accent(fields: dict[str, object], voice: str | None) -> None:
    assert Item("t/1", "t", "words", Clip("0" * 64, 16_000, 24_000, bytes), "a", "c", "t", fields=fields).voice == voice


def test_an_observation_survives_the_disk() -> None:
    curves = {"m": {"matched": (0.1, math.nan), "other_task": (0.2, 0.3)}}
    seen = Observation("t/1", "speech", "a", "p", 3, "0", "1", (-1.0,), (1,), curves, 2.0, {"same_task": "t/2"})
    back = Observation.from_dict(seen.to_dict())
    assert math.isnan(back.curves["m"]["matched"][1])
    assert dataclasses.replace(back, curves={}) == dataclasses.replace(seen, curves={})
    assert back.curves["m"]["other_task"] == (0.2, 0.3)
