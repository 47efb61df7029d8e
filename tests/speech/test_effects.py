"""Effects on a waveform, measured from outside: levels, spectra, lengths, and the same bytes from the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.signal import welch

from lsgap_bench.registry import effects
from lsgap_bench.speech.effects.noise import active_power

RATE = 16_000


def tone(hertz: float, seconds: float = 1.0, level: float = 0.3) -> Any:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def applied(name: str, wave: Any, others: Sequence[Any] = (), seed: int = 0, **parameters: Any) -> Any:
    of = effects[name]
    given = {key: parameters.get(key, default) for key, default in of.keys.items()}
    of.check(**given)
    return of.apply(wave, RATE, np.random.default_rng(seed), others, **given)


def decibel(ratio: float) -> float:
    return 10 * float(np.log10(ratio))


def power(wave: Any) -> float:
    return float(np.mean(np.square(wave, dtype=np.float64)))


def pitch(wave: Any) -> float:
    """Hz of the strongest partial."""
    return float(np.abs(np.fft.rfft(wave * np.hanning(len(wave)))).argmax() * RATE / len(wave))


def in_band(wave: Any, low: float, high: float) -> float:
    """The power between two frequencies."""
    hertz, density = welch(wave, RATE, nperseg=1024)
    return float(density[(hertz >= low) & (hertz <= high)].sum())


TALK = np.concatenate([tone(300), np.zeros(2 * RATE, dtype=np.float32), tone(500, level=0.2), tone(700, 0.5, 1e-4)])
SAID = np.concatenate([tone(300), tone(500, level=0.2)])  # of it what is loud enough to be speech
TALKERS = [tone(hertz, seconds, level) for hertz, seconds, level in ((200, 0.4, 0.9), (350, 7, 0.01), (900, 2, 0.2))]


@pytest.mark.parametrize("given", [{"noise": "white"}, {"noise": "babble", "talkers": 3}], ids=["white", "babble"])
@pytest.mark.parametrize("snr", [20, 0])
def test_noise_lies_so_many_decibel_below_the_speech_in_which_pauses_do_not_count(given: dict[str, Any], snr: float) -> None:
    wave = (0.2 * TALK).astype(np.float32)
    added = applied("noise", wave, TALKERS, snr=snr, **given) - wave
    assert decibel(power(0.2 * SAID) / power(added)) == pytest.approx(snr, abs=0.1)
    assert decibel(power(added[: RATE // 2]) / power(added[RATE : 2 * RATE])) == pytest.approx(0, abs=2)  # in pauses as in words


@pytest.mark.parametrize(("softer", "counts"), [(10, True), (17, True), (20, False)])
def test_sound_less_than_sixteen_decibel_below_the_common_level_counts_as_speech(softer: float, counts: bool) -> None:
    loud = tone(300)
    both = np.concatenate([loud, loud * 10 ** (-softer / 20)])  # the common level is about 3 dB below that of the loud half
    assert active_power(both, RATE) == pytest.approx(power(both) if counts else power(loud), rel=1e-3)


def test_white_noise_is_as_strong_in_the_upper_half_of_the_spectrum_as_in_the_lower() -> None:
    added = applied("noise", 0.1 * TALK, noise="white", snr=0) - 0.1 * TALK
    assert decibel(in_band(added, 100, 3900) / in_band(added, 4100, 7900)) == pytest.approx(0, abs=0.5)


def test_every_talker_is_as_loud_in_the_babble_as_any_other() -> None:
    added = applied("noise", 0.1 * TALK, TALKERS, noise="babble", snr=0, talkers=3) - 0.1 * TALK
    levels = [in_band(added, hertz - 50, hertz + 50) for hertz in (200, 350, 900)]
    assert max(levels) / min(levels) < 1.3  # welch's bins


def test_a_mix_that_would_clip_is_turned_down_as_a_whole() -> None:
    loud = tone(300, level=0.95)
    mixed = applied("noise", loud, noise="white", snr=0)
    assert np.abs(mixed).max() == pytest.approx(1)
    scale = float(mixed @ loud / (loud @ loud))
    assert scale < 0.9
    assert decibel(power(scale * loud) / power(mixed - scale * loud)) == pytest.approx(0, abs=0.2)


def test_silence_gets_no_noise_and_a_silent_talker_adds_none() -> None:
    nothing = np.zeros(RATE, dtype=np.float32)
    assert not applied("noise", nothing, noise="white", snr=0).any()
    np.testing.assert_array_equal(applied("noise", 0.1 * TALK, [nothing], noise="babble", snr=0, talkers=1), np.float32(0.1) * TALK)


def test_one_seed_gives_one_noise_at_every_snr_and_another_seed_another() -> None:
    wave = 0.1 * TALK
    soft, loud, other = (applied("noise", wave, noise="white", snr=snr, seed=seed) - wave for snr, seed in ((20, 1), (10, 1), (20, 2)))
    assert np.corrcoef(soft, loud)[0, 1] > 0.999
    assert abs(np.corrcoef(soft, other)[0, 1]) < 0.05
    again = applied("noise", wave, noise="white", snr=20, seed=1) - wave
    assert again.tobytes() == soft.tobytes()


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.25, 1.5, 2.0])
def test_another_tempo_changes_the_length_and_neither_pitch_nor_level(speed: float) -> None:
    wave = tone(440, 2)
    made = applied("speed", wave, speed=speed)
    assert len(made) == round(len(wave) / speed)
    assert effects["speed"].lengthens(speed=speed) == pytest.approx(len(made) / len(wave), rel=1e-4)
    assert pitch(made) == pytest.approx(440, rel=0.005)
    assert power(made[1600:-1600]) == pytest.approx(power(wave), rel=0.02)


def test_another_tempo_moves_what_is_said_and_keeps_its_order() -> None:
    wave = np.concatenate([tone(300), np.zeros(RATE, dtype=np.float32), tone(700)])
    made = applied("speed", wave, speed=1.25)
    parts = [made[round(RATE * start / 1.25) + 800 : round(RATE * (start + 1) / 1.25) - 800] for start in range(3)]
    assert pitch(parts[0]) == pytest.approx(300, abs=3)
    assert power(parts[1]) < 1e-6
    assert pitch(parts[2]) == pytest.approx(700, abs=3)
    assert applied("speed", wave, speed=1) is wave


def test_a_gain_in_decibel_is_one_of_the_amplitude() -> None:
    assert decibel(power(applied("volume", TALK, volume=-20)) / power(TALK)) == pytest.approx(-20, abs=1e-4)


@pytest.mark.parametrize(("hertz", "kept"), [(100, False), (1000, True), (3000, True), (3900, False), (6000, False)])
def test_a_telephone_passes_300_to_3400_hertz(hertz: float, kept: bool) -> None:
    heard = applied("band", tone(hertz, 2), band="telephone")
    lost = decibel(power(heard[1600:-1600]) / power(tone(hertz, 2)))
    assert lost == pytest.approx(0, abs=0.3) if kept else lost < -25
    assert len(heard) == 2 * RATE


def test_above_the_telephones_band_there_is_next_to_nothing_and_within_it_8_bits_of_noise() -> None:
    noise = 0.2 * np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32)
    heard = applied("band", noise, band="telephone")
    assert decibel(in_band(heard, 4200, 8000) / in_band(heard, 300, 3400)) < -50
    clear = tone(1000, 2, 0.1)
    wrong = applied("band", clear, band="telephone")[1600:-1600] - clear[1600:-1600]
    assert 30 < decibel(power(clear) / power(wrong)) < 45  # mu-law: about 38 dB whatever the level


def test_mu_law_has_255_levels_and_they_are_those_of_g711() -> None:
    from lsgap_bench.speech.effects.band import mu_law

    levels = np.unique(mu_law(np.linspace(-1, 1, 200_001)))
    assert len(levels) == 255  # two of the 256 codes are zero
    assert levels.max() * 32768 == 32124  # 4 * 8031, the largest value of its table, on 16 bits


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("noise", {"noise": "pink", "snr": 0}, "noise: 'pink' is not known; write white or babble"),
        ("noise", {"noise": "white", "snr": "loud"}, "snr: 'loud' is out of range; give a number from -40 to 80"),
        ("noise", {"noise": "white", "snr": True}, "snr: True is out of range"),
        ("noise", {"noise": "babble", "snr": 0, "talkers": 2.5}, "talkers: 2.5 is no whole number"),
        ("noise", {"noise": "babble", "snr": 0, "talkers": 17}, "talkers: 17 is out of range"),
        ("speed", {"speed": 0}, "speed: 0 is out of range; give a number from 0.25 to 4"),
        ("volume", {"volume": 6}, "volume: 6 dB would clip; give 0 or less"),
        ("volume", {"volume": "loud"}, "volume: 'loud' is out of range"),
        ("band", {"band": "radio"}, "band: 'radio' is not known; write telephone"),
    ],
)
def test_a_value_that_makes_no_sense_is_shown_with_what_would(name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        applied(name, TALK, **given)
