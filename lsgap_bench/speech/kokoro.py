"""The Kokoro voices: a model of 82 million weights for natural voices, by the package of that name."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np

from lsgap_bench.errors import UsageError, first_line
from lsgap_bench.registry import voice
from lsgap_bench.speech.voices import Speech, drawn_with, refuse_pitch, require_sayable

SAMPLING_RATE = 24_000  # Hz
WEIGHTS = "hexgrad/Kokoro-82M"


@voice("kokoro")
class Kokoro:
    """kokoro (extra `kokoro`): voices such as af_heart, whose first letter is the language (a: US, b: British English); 24,000 Hz.

    Written for the documented API of kokoro 0.9; not run with the published weights yet.
    """

    def __init__(self) -> None:
        """Import the package; UsageError where it is not installed."""
        try:
            self._package: Any = importlib.import_module("kokoro")
        except ImportError:
            raise UsageError("voice engine 'kokoro' needs the package kokoro; pip install 'lsgap-bench[kokoro]'") from None
        self.version = f"kokoro {version('kokoro')} {WEIGHTS}"
        self._pipeline = cache(lambda language: self._package.KPipeline(lang_code=language, repo_id=WEIGHTS))

    def synthesize(self, text: str, voice: str, *, speed: float = 1.0, pitch: float = 1.0, seed: int = 0) -> Speech:
        """Say `text`; see `VoiceEngine.synthesize`. seed: of the noise in the voice; the pitch cannot be changed."""
        require_sayable(text)
        refuse_pitch("kokoro", pitch)
        try:
            with drawn_with(seed):
                parts = [part.audio for part in self._pipeline(voice[:1])(text, voice=voice, speed=speed)]
        except (AssertionError, OSError, RuntimeError, ValueError) as error:
            raise UsageError(f"kokoro cannot speak as '{voice}' ({first_line(error)}); see the list of voices of {WEIGHTS}") from None
        if not parts:
            raise UsageError(f"kokoro's voice '{voice}' says nothing to {text[:80]!r}; try another voice")
        return Speech(np.concatenate([np.asarray(part, dtype=np.float32) for part in parts]), SAMPLING_RATE)
