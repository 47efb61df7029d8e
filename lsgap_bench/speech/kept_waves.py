"""Waveforms that take longer to make than to read, kept on disk: float WAV files, which give back every bit and can be listened to."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy
import soundfile
import soxr

from lsgap_bench.cache_folder import cache_folder, keep
from lsgap_bench.speech.clips import Wave, pcm_sha256

LIBRARIES = (soundfile.__libsndfile_version__, *(package.__version__ for package in (np, scipy, soxr)))
"""The versions of what decodes, resamples, filters and draws: a part of the key of everything that goes through them."""


def kept_wave(kind: str, key: str, sampling_rate: int, make: Callable[[], Wave]) -> Wave:
    """The waveform, float32, (frames,), from the cache, or made now and kept there; the same bits either way.

    kind: the folder of the cache. key: the hash of everything that decides a sample. A file that is damaged is made again. UsageError
    where the cache cannot be written, and what `make` raises.
    """
    path = cache_folder(kind) / key[:2] / f"{key}.wav"
    found = _read(path)
    if found is None:
        found = make()
        keep(path, _encoded(found, sampling_rate))
    return found


def _encoded(wave: Wave, sampling_rate: int) -> bytes:
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", sampling_rate, channels=1, format="WAV", subtype="FLOAT") as file:
        file.comment = pcm_sha256(wave)
        file.write(wave)
    return buffer.getvalue()


def _read(path: Path) -> Wave | None:
    """None for a file that is not there, or whose samples are not those that its comment names."""
    try:
        with soundfile.SoundFile(io.BytesIO(path.read_bytes())) as file:
            wave: Wave = file.read(dtype="float32")
            return wave if file.comment == pcm_sha256(wave) else None
    except (OSError, soundfile.LibsndfileError):
        return None
