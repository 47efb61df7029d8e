"""The voice engines: the same words give the same bytes, speed and pitch do what they say, and errors name the remedy."""

from __future__ import annotations

import importlib.util
import sys
import time
from shutil import which

import numpy as np
import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import voices
from lsgap_bench.speech.voices import Speech

needs_espeak = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="the extra `speech` is not installed")
needs_flite = pytest.mark.skipif(which("flite") is None, reason="flite is not installed")
ENGINES = [pytest.param("espeak", "en-us", marks=needs_espeak), pytest.param("flite", "slt", marks=needs_flite)]


def fundamental(speech: Speech) -> float:
    """Median over voiced frames of the autocorrelation's peak between 60 and 400 Hz."""
    found = []
    for start in range(0, len(speech.wave) - 1024, 512):
        frame = speech.wave[start : start + 1024] - speech.wave[start : start + 1024].mean()
        correlation = np.correlate(frame, frame, "full")[1023:]
        low, high = speech.sampling_rate // 400, speech.sampling_rate // 60
        lag = low + int(correlation[low:high].argmax())
        if np.mean(frame**2) > 1e-4 and correlation[lag] > 0.5 * correlation[0]:
            found.append(speech.sampling_rate / lag)
    return float(np.median(found))


def test_the_shipped_engines_are_registered():
    assert {"espeak", "flite"} <= set(voices)


@pytest.mark.parametrize(("engine", "voice"), ENGINES)
def test_the_same_words_give_the_same_bytes_whatever_was_said_before(engine: str, voice: str):
    first = voices[engine]().synthesize("Which one is a drink?", voice)
    later = voices[engine]()
    later.synthesize("Something else, louder and faster!", voice, speed=1.3)
    again = later.synthesize("Which one is a drink?", voice)
    assert first.wave.tobytes() == again.wave.tobytes()
    assert first.wave.dtype == np.float32
    assert 0.05 < np.abs(first.wave).max() <= 1


@pytest.mark.parametrize(("engine", "voice"), ENGINES)
def test_twice_the_speed_takes_about_half_the_time(engine: str, voice: str):
    say = voices[engine]().synthesize
    text = "Which animal is larger, an elephant or a spider?"
    slow, fast = (len(say(text, voice, speed=speed).wave) for speed in (0.7, 1.4))
    assert 1.7 < slow / fast < 2.3


@pytest.mark.parametrize(("engine", "voice"), ENGINES)
def test_pitch_moves_the_fundamental_by_about_its_factor(engine: str, voice: str):
    say = voices[engine]().synthesize
    text = "Which animal is larger, a dog or a cow?"
    low, high = (fundamental(say(text, voice, pitch=pitch)) for pitch in (0.85, 1.25))
    assert high / low == pytest.approx(1.25 / 0.85, rel=0.15)


@needs_espeak
def test_a_breathy_voice_draws_its_noise_from_the_seed_and_not_from_the_clock():
    say = voices["espeak"]().synthesize
    first = say("hello", "en-us+f3", seed=0).wave
    time.sleep(1.1)  # espeak-ng's own seed is the time in seconds
    assert say("hello", "en-us+f3", seed=0).wave.tobytes() == first.tobytes()
    assert say("hello", "en-us+f3", seed=1).wave.tobytes() != first.tobytes()


@needs_espeak
def test_accents_and_variants_differ():
    say = voices["espeak"]().synthesize
    names = ["en-us", "en-us+f3", "en-gb-x-gbclan", "en-gb-x-gbclan+f3"]
    assert len({say("hello", name).wave.tobytes() for name in names}) == len(names)


@pytest.mark.parametrize(
    ("engine", "voice", "manner", "complaint"),
    [
        pytest.param("espeak", "xx-nowhere", {}, "no accent 'xx-nowhere'", marks=needs_espeak),
        pytest.param("espeak", "en-us+nobody", {}, "no variant 'nobody'", marks=needs_espeak),
        pytest.param("espeak", "en-us", {"speed": 9.0}, "speed 9.0 is out of espeak-ng's reach", marks=needs_espeak),
        pytest.param("espeak", "en-us", {"pitch": 0.0}, "pitch 0.0 is out of espeak-ng's reach", marks=needs_espeak),
        pytest.param("flite", "sltt", {}, "did you mean 'slt'", marks=needs_flite),
        pytest.param("flite", "rms", {"pitch": 1.2}, "cannot change its pitch", marks=needs_flite),
        pytest.param("flite", "slt", {"speed": 0.0}, "must be positive", marks=needs_flite),
    ],
)
def test_what_an_engine_cannot_do_is_refused(engine: str, voice: str, manner: dict[str, float], complaint: str):
    with pytest.raises(UsageError, match=complaint):
        voices[engine]().synthesize("hello", voice, **manner)


@pytest.mark.parametrize(("engine", "voice"), ENGINES)
def test_nothing_to_say_is_refused(engine: str, voice: str):
    with pytest.raises(UsageError, match="nothing to say"):
        voices[engine]().synthesize("... ?", voice)


def test_a_missing_espeak_wheel_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    engine = voices["espeak"]
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(UsageError, match=r"pip install 'lsgap-bench\[speech\]'"):
        engine()


def test_a_missing_flite_names_the_package(monkeypatch: pytest.MonkeyPatch):
    engine = voices["flite"]
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="apt-get install flite"):
        engine()
