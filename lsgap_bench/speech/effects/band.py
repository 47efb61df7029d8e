"""The band of a telephone line."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfiltfilt

from lsgap_bench.registry import effect
from lsgap_bench.speech.clips import Wave
from lsgap_bench.speech.effects.limits import require_one_of

_RATE = 8000  # Hz, of the line
_BAND = (300, 3400)  # Hz
_PADDED = 0.1  # seconds of silence around the clip while it is filtered


def _check(band: Any) -> None:
    require_one_of("band", band, "telephone")


@effect("band", order=40, check=_check)
def band(wave: Wave, rate: int, rng: np.random.Generator, others: Sequence[Wave], *, band: str) -> Wave:
    """`telephone`: 300 to 3400 Hz at 8 kHz, in the 8 bits of G.711's mu-law, and back.

    As many frames as before.
    """
    around = round(_PADDED * _RATE)
    narrow = np.pad(soxr.resample(wave, rate, _RATE, quality="HQ"), around)
    filtered = sosfiltfilt(butter(6, _BAND, "bandpass", fs=_RATE, output="sos"), narrow, padlen=0)[around:-around]
    heard = soxr.resample(mu_law(np.clip(filtered, -1, 1)), _RATE, rate, quality="HQ")
    return np.asarray(np.clip(np.resize(np.pad(heard, (0, max(0, len(wave) - len(heard)))), len(wave)), -1, 1), dtype=np.float32)


def mu_law(wave: Any) -> Wave:
    """The wave after 8 bits of G.711's mu-law, as libsndfile writes and reads them."""
    line = io.BytesIO()
    soundfile.write(line, wave, _RATE, format="WAV", subtype="ULAW")
    line.seek(0)
    heard: Wave = soundfile.read(line, dtype="float32")[0]
    return heard
