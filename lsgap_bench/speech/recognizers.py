"""What every speech recognizer offers, the first half of a cascade: waveforms in, words out; and how a long clip is cut for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from lsgap_bench.speech.clips import Wave

_SEARCHED = 0.2  # the last part of a window in which a pause is looked for
_PAUSE = 0.1  # seconds


class Recognizer(Protocol):
    """A speech recognizer, registered with `@recognizer("name")`; its class is called with the --recognizer_args."""

    sampling_rate: int
    """Hz, of the waveforms in `transcribe`."""
    max_seconds: float | None
    """Longest clip that it hears at once, None without a limit; a longer one is cut into pieces before `transcribe` sees it."""

    @property
    def info(self) -> Mapping[str, Any]:
        """Its entry in a record: at least `name` and `kind`."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever a transcript may: weights, version, settings."""

    def transcribe(self, waves: Sequence[Wave]) -> list[str]:
        """What is said in each wave, float32 (frames,); an empty string where nothing is understood. Greedy: the same every time."""


def pieces(wave: Wave, sampling_rate: int, max_seconds: float | None) -> list[Wave]:
    """The wave in pieces of at most `max_seconds`, cut at the quietest tenth of a second in the last fifth of each window."""
    if max_seconds is None or len(wave) <= (window := int(max_seconds * sampling_rate)):
        return [wave]
    cut = _quietest(wave[:window], round(_PAUSE * sampling_rate))
    return [wave[:cut], *pieces(wave[cut:], sampling_rate, max_seconds)]


def _quietest(wave: Wave, width: int) -> int:
    """The middle of the `width` frames of least energy in the wave's last fifth."""
    start = int(len(wave) * (1 - _SEARCHED))
    energy = np.convolve(np.square(wave[start:], dtype=np.float64), np.ones(min(width, len(wave) - start)), "valid")
    return start + int(energy.argmin()) + width // 2
