"""Faster or slower speech at the same pitch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lsgap_bench.registry import effect
from lsgap_bench.speech.clips import Wave
from lsgap_bench.speech.effects.limits import require_number

_HOP = 0.02  # seconds between windows of twice that
_REACH = 0.012  # seconds: a period of the lowest voices fits into the search


def _check(speed: Any) -> None:
    require_number("speed", speed, 0.25, 4)


@effect("speed", order=10, check=_check, lengthens=lambda speed: 1 / speed)
def speed(wave: Wave, rate: int, rng: np.random.Generator, others: Sequence[Wave], *, speed: float) -> Wave:
    """So many times the tempo, at the same pitch (WSOLA).

    Windows of 40 ms are taken from the clip `speed` times as far apart as they are laid down, each moved by up to 12 ms to where it goes on
    most like the last one would have (waveform similarity overlap-add, Verhelst and Roelands 1993). Returns round(frames / speed) frames.
    """
    if speed == 1:
        return wave
    hop, reach = round(_HOP * rate), round(_REACH * rate)
    ahead = math.ceil(hop * speed) + reach
    frames = round(len(wave) / speed)
    padded = np.pad(wave.astype(np.float64), (ahead, ahead + 3 * hop + math.ceil(hop * speed)))
    window = np.hanning(2 * hop + 1)[:-1]  # two of them, half over each other, add up to 1
    laid = np.zeros((math.ceil(frames / hop) + 2) * hop)
    last = ahead - hop
    for k in range(math.ceil(frames / hop) + 1):
        nominal = ahead + round((k - 1) * hop * speed)
        last = nominal - reach + _likest(padded[last + hop : last + 3 * hop], padded[nominal - reach : nominal + reach + 2 * hop])
        laid[k * hop : (k + 2) * hop] += window * padded[last : last + 2 * hop]
    return np.asarray(np.clip(laid[hop : hop + frames], -1, 1), dtype=np.float32)


def _likest(wanted: Any, searched: Any) -> int:
    """Where in `searched` the window begins that is most like `wanted`, by normalised correlation; the middle where all is silence."""
    likeness = np.correlate(searched, wanted, "valid")
    energy = np.convolve(np.square(searched), np.ones(len(wanted)), "valid")
    likeness /= np.sqrt(np.maximum(energy, 1e-12))
    return int(likeness.argmax()) if likeness.any() else len(likeness) // 2
