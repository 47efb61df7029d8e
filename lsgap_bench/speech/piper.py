"""The Piper voices: VITS models exported to ONNX, fast on a CPU, by the package of that name."""

from __future__ import annotations

import hashlib
import importlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lsgap_bench.cache_folder import cache_folder
from lsgap_bench.errors import UsageError
from lsgap_bench.registry import voice
from lsgap_bench.speech.voices import Speech, refuse_pitch, require_sayable


@voice("piper")
class Piper:
    """piper-tts (extra `piper`): the path of an .onnx voice with its .onnx.json beside it, or the name of one in the cache; on the CPU.

    Without noise, so that nothing is drawn. Written for the documented API of piper-tts 1.3; not run with a published voice yet.
    """

    def __init__(self) -> None:
        """Import the package; UsageError where it is not installed."""
        try:
            self._package: Any = importlib.import_module("piper")
        except ImportError:
            raise UsageError("voice engine 'piper' needs the package piper-tts; pip install 'lsgap-bench[piper]'") from None
        self.version = f"piper-tts {version('piper-tts')}"
        self._loaded = cache(lambda name: self._package.PiperVoice.load(_file(name)))
        self._weights = cache(_weights)

    def fingerprint(self, voice: str) -> str:
        """The package's version and a hash of the voice's files."""
        return f"{self.version} {self._weights(voice)}"

    def synthesize(self, text: str, voice: str, *, speed: float = 1.0, pitch: float = 1.0, seed: int = 0) -> Speech:
        """Say `text`; see `VoiceEngine.synthesize`. Nothing is drawn, so `seed` has no effect; the pitch cannot be changed."""
        require_sayable(text)
        refuse_pitch("piper", pitch)
        manner = self._package.SynthesisConfig(length_scale=1 / speed, noise_scale=0.0, noise_w_scale=0.0)
        chunks = list(self._loaded(voice).synthesize(text, syn_config=manner))
        if not chunks:
            raise UsageError(f"piper's voice '{voice}' says nothing to {text[:80]!r}; try another voice")
        return Speech(np.concatenate([chunk.audio_float_array for chunk in chunks]).astype(np.float32), int(chunks[0].sample_rate))


def _weights(name: str) -> str:
    path = _file(name)
    return hashlib.sha256(path.read_bytes() + path.with_name(f"{path.name}.json").read_bytes()).hexdigest()[:16]


def _file(name: str) -> Path:
    """Where a voice lies. UsageError where it or its configuration is missing."""
    folder = cache_folder("piper")
    path = Path(name) if name.endswith(".onnx") else folder / f"{name}.onnx"
    if not path.is_file() or not path.with_name(f"{path.name}.json").is_file():
        raise UsageError(
            f"piper's voice '{name}' is not there (looked for {path} and {path.name}.json); give the path of an .onnx file, or run "
            f"`python -m piper.download_voices {Path(name).stem} --download-dir {folder}`"
        )
    return path
