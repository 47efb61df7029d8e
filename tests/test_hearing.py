from __future__ import annotations

import dataclasses
import io

import demo_run
import numpy as np
import pytest
import soundfile
import torch

from lsgap_bench.errors import UsageError
from lsgap_bench.hearing import heard_wave, heard_words, with_sound, within_hearing
from lsgap_bench.schema import Item, Span
from lsgap_bench.speech.clips import clip_from_bytes

ITEM = demo_run.items(1)[0]


def spoken(number: int, wave: np.ndarray, rate: int = 16_000) -> Item:  # type: ignore[type-arg]
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, rate, format="WAV", subtype="FLOAT")
    return dataclasses.replace(ITEM, id=f"t/{number}", clip=clip_from_bytes(buffer.getvalue, f"clip {number}"))


ONE, TWO, THREE = (spoken(k, np.full(k * 16_000, 0.1, dtype=np.float32)) for k in (1, 2, 3))
BAD = spoken(4, np.array([0.0, np.nan, np.inf], dtype=np.float32))


def test_a_clip_as_long_as_the_window_is_within_hearing() -> None:
    heard = within_hearing([ONE, TWO], 2.0, "refuse")
    assert list(heard.items) == [ONE, TWO]
    assert not heard.skipped
    assert heard.truncated == 0


def test_a_longer_clip_is_refused_with_its_length_and_the_remedy() -> None:
    with pytest.raises(UsageError, match=r"2 s, and 1 of 3 clips are longer, such as t/3 with 3.0 s; add --long_clips skip") as caught:
        within_hearing([ONE, TWO, THREE], 2.0, "refuse")
    assert "\n" not in str(caught.value)


def test_skip_leaves_the_item_out_and_says_which() -> None:
    heard = within_hearing([ONE, THREE, TWO], 2.0, "skip")
    assert list(heard.items) == [ONE, TWO]
    (line,) = heard.skipped
    assert "t/3" in line
    assert "3.0 s" in line


def test_truncate_keeps_every_item_and_counts() -> None:
    heard = within_hearing([ONE, TWO, THREE], 1.5, "truncate")
    assert list(heard.items) == [ONE, TWO, THREE]
    assert heard.truncated == 2


def test_a_model_without_a_window_hears_everything() -> None:
    assert list(within_hearing([THREE], None, "refuse").items) == [THREE]


def test_an_unknown_policy_is_refused_even_when_nothing_is_long() -> None:
    with pytest.raises(UsageError, match="long_clips 'cut' is not known; write refuse, skip, truncate"):
        within_hearing([ONE], 30.0, "cut")


def test_a_clip_without_sound_is_refused_or_left_out_with_the_reason() -> None:
    with pytest.raises(UsageError, match=r"clip 4.*NaN or infinite"):
        with_sound([ONE, BAD], demo_run.model(), skip_bad_items=False)
    sound = with_sound([ONE, BAD, TWO], demo_run.model(), skip_bad_items=True)
    assert list(sound.items) == [ONE, TWO]
    (line,) = sound.bad
    assert "clip 4" in line


@pytest.mark.parametrize(("level", "said"), [(0.0, "is silent"), (50.0, "is clipped")])
def test_a_clip_that_is_silent_or_mostly_clipped_is_refused_or_left_out(level: float, said: str) -> None:
    tone = spoken(6, np.clip(level * np.sin(np.arange(16_000) / 6), -1, 1).astype(np.float32))
    with pytest.raises(UsageError, match=rf"clip 6: the clip {said}"):
        with_sound([ONE, tone], demo_run.model(), skip_bad_items=False)
    sound = with_sound([ONE, tone, TWO], demo_run.model(), skip_bad_items=True)
    assert list(sound.items) == [ONE, TWO]
    assert said in sound.bad[0]


class _Window(demo_run.Wrapped):
    sampling_rate = 16_000
    max_seconds = 1.5


def test_what_the_model_hears_is_cut_at_its_window() -> None:
    assert len(heard_wave(TWO.clip, _Window())) == 24_000
    assert len(heard_wave(ONE.clip, _Window())) == 16_000


def test_a_clip_of_another_rate_reaches_the_model_at_its_own() -> None:
    seconds = np.arange(22_050) / 22_050
    tone = spoken(5, np.sin(2 * np.pi * 440 * seconds).astype(np.float32), rate=22_050)
    heard = heard_wave(tone.clip, _Window())
    assert len(heard) == 16_000
    spectrum = np.abs(np.fft.rfft(heard))
    assert int(spectrum.argmax()) == 440  # one second: bin k is k Hz


def test_a_clip_too_short_for_one_speech_position_is_refused_or_left_out() -> None:
    blink = spoken(5, np.ones(320, dtype=np.float32) / 10)  # 20 ms; the embedded model takes a position per 60 ms
    with pytest.raises(UsageError, match=r"t/5: the model does not hear a clip of 0.02 s at all"):
        with_sound([ONE, blink], demo_run.model(), skip_bad_items=False)
    assert list(with_sound([ONE, blink], demo_run.model(), skip_bad_items=True).items) == [ONE]


def test_a_speech_position_says_the_word_that_is_being_said_at_its_middle() -> None:
    two = dataclasses.replace(TWO, words=(Span(0.0, 0.6), None, Span(0.75, 1.75)))
    mask = torch.tensor([[True] * 4 + [False] * 2, [True] * 6])
    # 2 s in four positions: middles 0.25, 0.75, 1.25, 1.75, of which the last is past the end of the word
    assert heard_words([two, ONE], mask, None).tolist() == [[0, 2, 2, -1, -1, -1], [-1] * 6]  # type: ignore[union-attr]
    # cut to 1 s: middles 0.125, 0.375, 0.625, 0.875
    assert heard_words([two, ONE], mask, 1.0).tolist()[0] == [0, 0, -1, 2, -1, -1]  # type: ignore[union-attr]


def test_without_word_times_no_position_says_a_word() -> None:
    assert heard_words([ONE, TWO], torch.ones(2, 3, dtype=torch.bool), None) is None
