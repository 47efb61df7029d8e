"""What every text-to-speech engine offers: words in, a waveform out, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lsgap_bench.errors import UsageError


class Speech(NamedTuple):
    """One utterance. wave: float32, (frames,), within -1..1. sampling_rate: Hz."""

    wave: NDArray[np.float32]
    sampling_rate: int


class VoiceEngine(Protocol):
    """A text-to-speech engine, registered with `@voice("name")` on its class. The class is made without arguments.

    It may also have: `parallel`, True where threads may call it side by side (default False); `costs`, True where what it makes is charged
    for (default False); and `fingerprint(voice)`, which changes whenever the same words may sound otherwise (default: `version`).
    """

    version: str

    def synthesize(self, text: str, voice: str, *, speed: float = 1.0, pitch: float = 1.0, seed: int = 0) -> Speech:
        """Say `text`. The same arguments give the same bytes, whatever was said before.

        speed, pitch: multiples of the voice's own. seed: for engines that draw at random; the others do not look at it.
        Raises UsageError for an unknown voice, and where the engine is not installed or cannot do what is asked.
        """


def fingerprint_of(engine: Any, voice: str) -> str:
    """The engine's version, and what it says of the weights of a voice."""
    return str(engine.fingerprint(voice) if hasattr(engine, "fingerprint") else engine.version)


def require_sayable(text: str) -> None:
    """UsageError unless there is a letter or a digit to be said."""
    if not any(character.isalnum() for character in text):
        raise UsageError(f"there is nothing to say in {text!r}; give a text with at least one letter or digit")


def refuse_pitch(engine: str, pitch: float) -> None:
    """UsageError for an engine whose voices have one pitch."""
    if pitch != 1.0:
        raise UsageError(f"voice engine '{engine}' cannot change the pitch; leave it at 1.0, not {pitch}")


@contextmanager
def drawn_with(seed: int) -> Iterator[None]:
    """Inside, torch draws with this seed; outside, as if nothing had been drawn."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
