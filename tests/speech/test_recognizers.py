"""Long clips in pieces, and the recognizer that needs no download."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import recognizers
from lsgap_bench.resources import resource
from lsgap_bench.speech.clips import clip_from_bytes, decode
from lsgap_bench.speech.recognizers import pieces


def test_a_clip_within_the_window_stays_whole() -> None:
    wave = np.ones(100, np.float32)
    for window in (None, 1.0, 7.0):
        (whole,) = pieces(wave, 100, window)
        assert whole is wave


@pytest.mark.parametrize("seconds", [2.01, 5.0, 17.3])
def test_pieces_fit_the_window_and_together_are_the_clip(seconds: float) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, round(seconds * 1000)).astype(np.float32)
    cut = pieces(wave, 1000, 2.0)
    assert all(0 < len(piece) <= 2000 for piece in cut)
    assert np.array_equal(np.concatenate(cut), wave)


def test_a_clip_is_cut_in_the_pause_near_the_windows_end() -> None:
    wave = np.ones(3000, np.float32)
    wave[1700:1850] = 0
    assert 1700 < len(pieces(wave, 1000, 2.0)[0]) < 1850


def test_silence_is_cut_too() -> None:
    assert [len(piece) for piece in pieces(np.zeros(500, np.float32), 100, 2.0)][-1] > 0


# -------------------------------------------------------------------------------------------------- pocketsphinx


def test_without_its_package_pocketsphinx_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(UsageError, match=r"pip install lsgap-bench\[recognizers\]"):
        recognizers["pocketsphinx"]()


def spoken(number: int) -> list[tuple[str, np.ndarray]]:
    """Questions in flite's voices, each with its waveform at 16 kHz."""
    file: Path = resource("tasks") / "lsgap_mini" / "data" / "sizes_yesno_flite.parquet"
    rows = pq.read_table(file).slice(0, number).to_pylist()
    return [(r["question"], decode(clip_from_bytes(lambda b=r["audio"]["bytes"]: b, "x"), 16_000)) for r in rows]


def test_pocketsphinx_understands_much_of_a_clear_voice_and_does_not_remember_earlier_clips() -> None:
    pytest.importorskip("pocketsphinx")
    asked = spoken(2)
    waves = [wave for _, wave in asked]
    recognizer = recognizers["pocketsphinx"]()
    fresh = recognizer.transcribe(waves[1:])
    heard = recognizer.transcribe(waves)
    assert heard[1:] == fresh
    words = [(word, said.split()) for (question, _), said in zip(asked, heard, strict=True) for word in question.lower().strip("?").split()]
    assert sum(word in said for word, said in words) >= 0.6 * len(words)
    assert recognizer.transcribe([np.zeros(0, np.float32)]) == [""]


def test_pocketsphinx_refuses_options_that_it_does_not_know() -> None:
    pytest.importorskip("pocketsphinx")
    for options in ({"colour": 3}, {"lw": "heavy"}):
        with pytest.raises(UsageError, match=r"--recognizer_args.*pocketsphinx refuses them"):
            recognizers["pocketsphinx"](**options)
