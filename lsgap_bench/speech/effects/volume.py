"""Softer speech."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lsgap_bench.registry import effect
from lsgap_bench.speech.clips import Wave
from lsgap_bench.speech.effects.limits import require_number


def _check(volume: Any) -> None:
    if isinstance(volume, (int, float)) and volume > 0:
        raise ValueError(f"volume: {volume!r} dB would clip; give 0 or less")
    require_number("volume", volume, -90, 0)


@effect("volume", order=30, check=_check)
def volume(wave: Wave, rate: int, rng: np.random.Generator, others: Sequence[Wave], *, volume: float) -> Wave:
    """A gain in dB, 0 or less, so that nothing clips."""
    return np.asarray(wave * 10 ** (volume / 20), dtype=np.float32)
