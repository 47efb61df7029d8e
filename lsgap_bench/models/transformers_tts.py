"""The voice engine `transformers`: any text-to-speech checkpoint that its pipeline runs, such as VITS, SpeechT5 or Bark."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from lsgap_bench.errors import UsageError, first_line
from lsgap_bench.registry import voice as voice_engine
from lsgap_bench.speech.voices import Speech, drawn_with, refuse_pitch, require_sayable
from lsgap_bench.weights import folder_hash

PACED = ("vits",)
"""Model types that can speak faster or slower."""


@voice_engine("transformers")
class TransformersTTS:
    """A text-to-speech checkpoint of transformers: a hub id or folder, such as facebook/mms-tts-eng, with #SPEAKER where it has several.

    SPEAKER: a number (VITS), or the path of an .npy file with an embedding (SpeechT5). On CUDA where there is one.
    """

    def __init__(self) -> None:
        self.version = f"transformers {transformers.__version__} torch {torch.__version__}"
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._pipeline = cache(self._load)
        self._weights = cache(_weights)

    def fingerprint(self, voice: str) -> str:
        """The versions, the kind of device, and a hash of the checkpoint's files or the hub's commit."""
        return f"{self.version} {self._device} {self._weights(voice.partition('#')[0])}"

    def synthesize(self, text: str, voice: str, *, speed: float = 1.0, pitch: float = 1.0, seed: int = 0) -> Speech:
        """Say `text`; see `VoiceEngine.synthesize`. seed: of everything that the model draws; the pitch cannot be changed."""
        require_sayable(text)
        refuse_pitch("transformers", pitch)
        name, _, speaker = voice.partition("#")
        speak = self._pipeline(name)
        kind = speak.model.config.model_type
        if kind in PACED:
            speak.model.speaking_rate = speed
        elif speed != 1.0:
            raise UsageError(f"the voice '{voice}' is a {kind} model, which has one speed; leave speed at 1.0, not {speed}")
        try:
            with drawn_with(seed), torch.inference_mode():
                said = speak(text, forward_params=_speaker(speaker))
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise UsageError(f"the voice '{voice}' cannot say {text[:80]!r} ({first_line(error)}); does it need a #SPEAKER?") from None
        wave = np.asarray(said["audio"], dtype=np.float32)
        return Speech(wave if wave.ndim == 1 else wave.reshape(-1, wave.shape[-1]).mean(0), int(said["sampling_rate"]))

    def _load(self, name: str) -> Any:
        untyped: Any = transformers
        try:
            return untyped.pipeline("text-to-speech", model=name, device=self._device)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise UsageError(
                f"the voice 'transformers:{name}' cannot be loaded ({first_line(error)}); give a checkpoint for speech"
            ) from None


def _speaker(name: str) -> dict[str, Any]:
    """What the model is told of the speaker."""
    if not name:
        return {}
    if name.isdigit():
        return {"speaker_id": int(name)}
    try:
        embedding = np.load(name)
    except (OSError, ValueError):
        raise UsageError(
            f"speaker '{name}' is neither a number nor an .npy file; write the voice as CHECKPOINT#NUMBER or #FILE.npy"
        ) from None
    return {"speaker_embeddings": torch.from_numpy(embedding.astype(np.float32)).reshape(1, -1)}


def _weights(name: str) -> str:
    if Path(name).is_dir():
        return folder_hash(Path(name))
    try:
        commit = transformers.AutoConfig.from_pretrained(name)._commit_hash
    except (OSError, ValueError) as error:
        raise UsageError(f"the voice 'transformers:{name}' cannot be found ({first_line(error)}); give a hub id or a folder") from None
    return f"{name} {commit}"
