"""The flite voices: a small engine of another family than espeak-ng, by the program of that name."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cached_property
from pathlib import Path
from shutil import which

import soundfile

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.registry import voice
from lsgap_bench.speech.voices import Speech, require_sayable

_FIXED_PITCH = frozenset({"rms"})  # its intonation model does not look at f0_shift
_ONE_TOPIC = frozenset({"awb_time"})  # can only tell the time
_TIME_LIMIT = 60  # seconds for one utterance


@voice("flite")
class Flite:
    """flite, where the program is installed: awb, kal, kal16, rms, slt; 16,000 Hz (kal 8,000)."""

    parallel = True  # each utterance is a process of its own

    def __init__(self) -> None:
        """Find the program; UsageError where it is not installed."""
        program = which("flite")
        if program is None:
            raise UsageError("voice engine 'flite' needs the program flite; install it (`apt-get install flite`, `brew install flite`)")
        self._program = program
        self.version = self._run("--version").partition("version: ")[2].split(" ")[0].strip()

    @cached_property
    def _voices(self) -> frozenset[str]:
        return frozenset(self._run("-lv").partition(":")[2].split()) - _ONE_TOPIC

    def synthesize(self, text: str, voice: str, *, speed: float = 1.0, pitch: float = 1.0, seed: int = 0) -> Speech:
        """Say `text`; see `VoiceEngine.synthesize`. Nothing is drawn, so `seed` has no effect."""
        require_sayable(text)
        if voice not in self._voices:  # flite itself falls back to kal without a word
            raise UsageError(f"flite has no voice '{voice}'; {did_you_mean(voice, self._voices)}")
        if speed <= 0 or pitch <= 0:
            raise UsageError(f"speed {speed} and pitch {pitch} are multiples of the voice's own and must be positive")
        if pitch != 1.0 and voice in _FIXED_PITCH:
            raise UsageError(f"flite's voice '{voice}' cannot change its pitch; leave pitch at 1.0, not {pitch}")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "said.wav"
            manner = ["--setf", f"duration_stretch={1 / speed}", "--setf", f"f0_shift={pitch}"]
            self._run("-voice", voice, *manner, "-t", text, "-o", str(file))
            wave, sampling_rate = soundfile.read(file, dtype="float32")
        return Speech(wave, sampling_rate)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([self._program, *arguments], capture_output=True, text=True, timeout=_TIME_LIMIT)
        if done.returncode not in (0, 1):  # --version and -lv exit with 1
            said = (done.stderr or done.stdout).strip()[:200]
            raise UsageError(f"flite failed with exit status {done.returncode} ({said!r}); reinstall it")
        return done.stdout
