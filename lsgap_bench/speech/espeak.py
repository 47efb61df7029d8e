"""The espeak-ng voices: many accents and variants, from a wheel that holds the library and its data."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import voice
from lsgap_bench.speech import espeak_process
from lsgap_bench.speech.voices import Speech, require_sayable

WORDS_PER_MINUTE = 175  # espeak-ng's normal rate
_RATES = (80, 450)  # words per minute that espeak-ng accepts
_PITCHES = (0, 99)  # espeak-ng's own scale
_NEUTRAL_PITCH, _PITCHES_PER_OCTAVE = 50, 75  # the second as measured on its voices; no formula is documented
_START_LIMIT, _LINE_LIMIT = 60.0, 5.0  # seconds for the process, and for one line more


class Line(NamedTuple):
    """One thing to say. speed, pitch: multiples of the voice's own. seed: of the noise in breathy variants."""

    text: str
    voice: str
    speed: float = 1.0
    pitch: float = 1.0
    seed: int = 0


class Timed(NamedTuple):
    """An utterance with its times: (frame, character of the text where a word begins, counted from 0), or (frame, None) for a pause."""

    speech: Speech
    times: tuple[tuple[int, int | None], ...]


@voice("espeak")
class Espeak:
    """espeak-ng (extra `speech`): accents such as en-us, with a variant as in en-us+f3; 22,050 Hz."""

    parallel = True  # each utterance is a process of its own

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
        return self.recite([Line(text, voice, speed, pitch, seed)])[0].speech

    def recite(self, lines: Sequence[Line]) -> list[Timed]:
        """Say many lines in one process, which is some four times faster, with the time of every word.

        The same lines in the same order give the same bytes; one line may sound a little different after other lines than alone.
        UsageError as for `synthesize`.
        """
        done = subprocess.run(
            [sys.executable, "-I", "-S", espeak_process.__file__],
            input="\n".join(json.dumps(r) for r in [[self._library, str(self._data)], *map(self._request, lines)]).encode(),
            capture_output=True,
            timeout=_START_LIMIT + _LINE_LIMIT * len(lines),
        )
        said = _unpack(done.stdout)
        if done.returncode or len(said) < len(lines) or not all(len(timed.speech.wave) for timed in said):
            empty = [k for k, timed in enumerate(said) if not len(timed.speech.wave)]
            raise self._failure(lines[empty[0] if empty else min(len(said), len(lines) - 1)], done)
        return said

    def _request(self, line: Line) -> dict[str, str | int]:
        require_sayable(line.text)
        self._require_voice(line.voice)
        return {
            "text": line.text,
            "voice": line.voice,
            "rate": _within(_RATES, WORDS_PER_MINUTE * line.speed, f"speed {line.speed}"),
            "pitch": _within(_PITCHES, _on_pitch_scale(line.pitch), f"pitch {line.pitch}"),
            "seed": line.seed,
        }

    def _failure(self, line: Line, done: subprocess.CompletedProcess[bytes]) -> UsageError:
        if done.returncode == espeak_process.UNKNOWN_VOICE:
            return UsageError(
                f"espeak-ng has no accent '{line.voice.partition('+')[0]}'; `espeak-ng --voices=en` lists them (en-us is one)"
            )
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        return UsageError(f"espeak-ng could not say {line.text!r} as '{line.voice}' ({last[0]}); is {self._library} whole?")

    def _require_voice(self, voice: str) -> None:
        """espeak-ng falls back to the plain accent when it does not know a variant; say so instead."""
        _, plus, variant = voice.partition("+")
        if plus and not (self._data / "espeak-ng-data" / "voices" / "!v" / variant).is_file():
            raise UsageError(f"espeak-ng has no variant '{variant}' (voice '{voice}'); variants are m1..m8, f1..f5, Michael, linda, ...")


def _unpack(stream: bytes) -> list[Timed]:
    """What the process wrote, as far as it is whole."""
    said, header = [], espeak_process.HEADER
    at = 0
    while at + header.size <= len(stream):
        hertz, told, samples = header.unpack_from(stream, at)
        at += header.size
        times = json.loads(stream[at : at + told])
        wave = np.frombuffer(stream[at + told : at + told + samples], dtype=np.int16).astype(np.float32) / np.float32(32768)
        said.append(Timed(Speech(wave, hertz), tuple((frame, place - 1 if place else None) for frame, place in times)))
        at += told + samples
    return said


def _on_pitch_scale(pitch: float) -> float:
    return _NEUTRAL_PITCH + _PITCHES_PER_OCTAVE * math.log2(pitch) if pitch > 0 else -math.inf


def _within(limits: tuple[int, int], value: float, what: str) -> int:
    """`value` rounded; UsageError outside the limits."""
    low, high = limits
    if not low - 0.5 <= value <= high + 0.5:
        raise UsageError(f"{what} is out of espeak-ng's reach; it takes 0.65 to 1.55")
    return min(max(round(value), low), high)
