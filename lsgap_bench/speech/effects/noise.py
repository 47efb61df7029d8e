"""Noise under the speech: white, or the babble of other items' clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lsgap_bench.registry import effect
from lsgap_bench.speech.clips import Wave, fit
from lsgap_bench.speech.effects.limits import require_number, require_one_of

MOST_TALKERS = 16
_FRAME = 0.02  # seconds
_MARGIN = 15.9  # dB below the active level at which a frame still counts as speech (ITU-T P.56)


def _check(noise: Any, snr: Any, talkers: Any) -> None:
    require_one_of("noise", noise, "white", "babble")
    require_number("snr", snr, -40, 80)
    require_number("talkers", talkers, 1, MOST_TALKERS)
    if not isinstance(talkers, int):
        raise ValueError(f"talkers: {talkers!r} is no whole number; give one from 1 to {MOST_TALKERS}")


@effect("noise", order=20, check=_check, others=lambda noise, snr, talkers: talkers if noise == "babble" else 0)
def noise(wave: Wave, rate: int, rng: np.random.Generator, others: Sequence[Wave], *, noise: str, snr: float, talkers: int = 6) -> Wave:
    """White noise or babble at an SNR in dB over the active speech.

    The noise has the same power all along the clip. A mix that would pass full scale is turned down as a whole, which leaves the SNR.
    """
    sound = _babble(others, len(wave), rate, rng) if noise == "babble" else rng.standard_normal(len(wave))
    wanted, power = active_power(wave, rate) / 10 ** (snr / 10), float(np.mean(np.square(sound)))
    mixed = wave + sound * np.sqrt(wanted / power if power else 0.0)
    return np.asarray(mixed / max(1.0, float(np.abs(mixed).max())), dtype=np.float32)


def active_power(wave: Wave, rate: int) -> float:
    """Mean power of the frames of 20 ms that hold speech: those less than 15.9 dB below the level that they have together.

    The margin of ITU-T P.56, on frames in place of its envelope and hangover. Pauses do not count, so that a clip with long ones gets no
    softer noise. 0 for silence.
    """
    width = max(1, round(_FRAME * rate))
    padded = np.pad(wave.astype(np.float64), (0, -len(wave) % width))
    powers = np.square(padded).reshape(-1, width).mean(axis=1)
    level, before = float(powers.mean()), -1.0
    while level > before:  # the level only rises, as quieter frames drop out
        before, level = level, float(powers[powers >= level * 10 ** (-_MARGIN / 10)].mean())
    return level


def _babble(others: Sequence[Wave], frames: int, rate: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The others at one level, each begun somewhere and repeated to the clip's length, (frames,)."""
    total = np.zeros(frames)
    for other in others:
        level = active_power(other, rate)
        total += fit(np.roll(other, -int(rng.integers(len(other)))), frames) / np.sqrt(level if level else 1.0)
    return total
