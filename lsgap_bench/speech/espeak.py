"""The espeak-ng voices: many accents and variants, from a wheel that holds the library and its data."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import voice
from lsgap_bench.speech import espeak_process
from lsgap_bench.speech.voices import Speech, require_sayable

WORDS_PER_MINUTE = 175  # espeak-ng's normal rate
_RATES = (80, 450)  # words per minute that espeak-ng accepts
_PITCHES = (0, 99)  # espeak-ng's own scale
_NEUTRAL_PITCH, _PITCHES_PER_OCTAVE = 50, 75  # the second as measured on its voices; no formula is documented
_TIME_LIMIT = 60  # seconds for one utterance


@voice("espeak")
class Espeak:
    """espeak-ng (extra `speech`): accents such as en-us, with a variant as in en-us+f3; 22,050 Hz."""

    def __init__(self) -> None:
        """Find the wheel's library; UsageError where it is not installed."""
        try:
            import espeakng_loader
        except ImportError:
            raise UsageError("voice engine 'espeak' needs the package espeakng-loader; pip install 'lsgap-bench[speech]'") from None
        self._library = str(espeakng_loader.get_library_path())
        data = Path(espeakng_loader.get_data_path())
        self._data = data.parent if data.name == "espeak-ng-data" else data
        self.version = f"espeak-ng {espeak_process.version(self._library)}"

    def synthesize(self, text: str, voice: str, *, speed: float = 1.0, pitch: float = 1.0, seed: int = 0) -> Speech:
        """Say `text` as `ACCENT` or `ACCENT+VARIANT`; see `VoiceEngine.synthesize`. seed: of the noise in breathy variants."""
        require_sayable(text)
        self._require_voice(voice)
        request = {
            "library": self._library,
            "data": str(self._data),
            "text": text,
            "voice": voice,
            "rate": _within(_RATES, WORDS_PER_MINUTE * speed, f"speed {speed}"),
            "pitch": _within(_PITCHES, _on_pitch_scale(pitch), f"pitch {pitch}"),
            "seed": seed,
        }
        done = subprocess.run(
            [sys.executable, "-I", "-S", espeak_process.__file__],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=_TIME_LIMIT,
        )
        if done.returncode == espeak_process.UNKNOWN_VOICE:
            raise UsageError(f"espeak-ng has no accent '{voice.partition('+')[0]}'; `espeak-ng --voices=en` lists them (en-us is one)")
        if done.returncode or len(done.stdout) <= 4:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
            raise UsageError(f"espeak-ng could not say {text!r} as '{voice}' ({said[0]}); is {self._library} whole?")
        samples = np.frombuffer(done.stdout, dtype=np.int16, offset=4)
        return Speech(samples.astype(np.float32) / np.float32(32768), int.from_bytes(done.stdout[:4], sys.byteorder))

    def _require_voice(self, voice: str) -> None:
        """espeak-ng falls back to the plain accent when it does not know a variant; say so instead."""
        _, plus, variant = voice.partition("+")
        if plus and not (self._data / "espeak-ng-data" / "voices" / "!v" / variant).is_file():
            raise UsageError(f"espeak-ng has no variant '{variant}' (voice '{voice}'); variants are m1..m8, f1..f5, Michael, linda, ...")


def _on_pitch_scale(pitch: float) -> float:
    return _NEUTRAL_PITCH + _PITCHES_PER_OCTAVE * math.log2(pitch) if pitch > 0 else -math.inf


def _within(limits: tuple[int, int], value: float, what: str) -> int:
    """`value` rounded; UsageError outside the limits."""
    low, high = limits
    if not low - 0.5 <= value <= high + 0.5:
        raise UsageError(f"{what} is out of espeak-ng's reach; it takes 0.65 to 1.55")
    return min(max(round(value), low), high)
