from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_items import made_clip, made_item, tone

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Clip
from lsgap_bench.validation.clip_checks import clip_findings, look


def lines(*clips: Clip, max_seconds: float | None = None) -> list[str]:
    items = [made_item(number, clip=clip) for number, clip in enumerate(clips)]
    found = clip_findings(items, [look(item) for item in items], "t.yaml", max_seconds)
    return [("problem: " if finding.problem else "") + finding.line for finding in found]


def quiet(seconds: float) -> Any:
    return np.zeros(round(16_000 * seconds))


def test_a_plain_recording_is_passed_over() -> None:
    assert lines(made_clip(tone(2.0)), made_clip(np.concatenate([quiet(1.0), tone(3.0), quiet(2.0)]))) == []


@pytest.mark.parametrize(
    ("wave", "said"),
    [
        (np.concatenate([tone(0.95), np.tile([1.0, -1.0], 400)]), "5.0% of its clip's samples are at full scale"),
        (tone(1.0) + 0.2, "off centre by 0.200 of full scale"),
        (np.concatenate([quiet(4.0), tone(1.0)]), "the first 4.0 of its clip's 5.0 s are quiet"),
        (np.concatenate([tone(1.0), quiet(5.0)]), "the last 5.0 of its clip's 6.0 s are quiet"),
        (tone(31.0), "its clip of 31.0 s is longer than the 30 s that most models hear"),
    ],
    ids=["clipped", "off centre", "quiet start", "quiet end", "long"],
)
def test_what_a_person_should_hear_again_is_a_warning_with_its_item(wave: Any, said: str) -> None:
    (line,) = lines(made_clip(tone(1.0)), made_clip(wave))
    assert line.startswith("t.yaml: t/1: ")
    assert said in line


def test_a_clip_beyond_the_window_that_was_named_is_a_problem() -> None:
    (line,) = lines(made_clip(tone(2.0)), made_clip(tone(2.2)), max_seconds=2.1)
    assert line == "problem: t.yaml: t/1: its clip of 2.2 s is longer than max_seconds 2.1; cut it, or run with --long_clips skip"
    assert lines(made_clip(tone(31.0)), max_seconds=40.0) == []


def test_odd_rates_and_several_channels_have_one_line_for_all_clips() -> None:
    stereo = made_clip(np.stack([tone(1.0), 0.5 * tone(1.0)], axis=1))
    odd = made_clip(tone(1.0, rate=17_123), rate=17_123)
    rate, channels = lines(made_clip(tone(1.0)), odd, stereo, odd, stereo)
    assert rate.startswith("t.yaml: 2 clips, such as t/1: 17123 Hz; every clip is resampled")
    assert channels.startswith("t.yaml: 2 clips, such as t/2: 2 channels; models hear their mean")


@pytest.mark.parametrize(
    ("wave", "said"),
    [
        (quiet(2.0), r"clip: the clip is silent \(peak 0.0000 of full scale\)"),
        (tone(2.0, level=5e-4), r"the clip is silent \(peak 0.0005"),
        (np.stack([tone(1.0), -tone(1.0)], axis=1), "the clip is silent"),  # to a model, which hears the mean
        (np.clip(tone(1.0, level=20.0), -1, 1), "the clip is clipped .9[67]% of its samples"),  # arcsin(1 / 20) of a quarter turn: 96.8 %
    ],
    ids=["zeros", "hiss", "channels that cancel", "square"],
)
def test_a_clip_that_says_nothing_is_refused(wave: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        look(made_item(0, clip=made_clip(wave)))
