"""Waveforms on disk: the same bits, made once, and files that any player opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lsgap_bench.speech.kept_waves import kept_wave

WAVE = np.array([0.1, -1.5, 3e-9, 0.0], dtype=np.float32)  # also what 16 or 24 bits, or full scale, could not hold


def never() -> Any:
    raise AssertionError("made again")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path))
    kept_wave("variants", "0a1b", 16_000, lambda: WAVE)
    return tmp_path / "variants" / "0a" / "0a1b.wav"


def test_every_bit_comes_back_without_another_making(kept: Path) -> None:
    found = kept_wave("variants", "0a1b", 16_000, never)
    assert found.dtype == np.float32
    assert found.tobytes() == WAVE.tobytes()


def test_the_file_is_a_wav_of_the_sampling_rate(kept: Path) -> None:
    samples, rate = soundfile.read(kept, dtype="float32")
    assert (samples.tobytes(), rate) == (WAVE.tobytes(), 16_000)


@pytest.mark.parametrize("damage", [lambda whole: b"", lambda whole: whole[:-3], lambda whole: whole[:-1] + b"\x01", lambda whole: b"RIFF"])
def test_a_damaged_file_is_made_again(kept: Path, damage: Any) -> None:
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert kept_wave("variants", "0a1b", 16_000, lambda: WAVE).tobytes() == WAVE.tobytes()
    assert kept.read_bytes() == whole
