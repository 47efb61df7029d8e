"""Items made up for tests: `made_item(3, "say cat", seconds=2.0)`, with a clip of any shape."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile
from numpy.typing import ArrayLike

from lsgap_bench.schema import Clip, Item
from lsgap_bench.speech.clips import clip_from_bytes


def made_clip(wave: ArrayLike, rate: int = 16_000, name: str = "clip") -> Clip:
    """The samples as they are, (frames,) or (frames, channels), in a float WAV."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.asarray(wave, dtype=np.float32), rate, format="WAV", subtype="FLOAT")
    return clip_from_bytes(buffer.getvalue, name)


def tone(seconds: float, level: float = 0.1, rate: int = 16_000) -> Any:
    """440 Hz, float64 (frames,)."""
    return level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def made_item(
    number: int, text: str = "say cat", target: str = "cat", seconds: float = 1.0, clip: Clip | None = None, **fields: Any
) -> Item:
    """Item t/NUMBER; its tone is a little longer with every number, so that no two clips are the same. fields: of Item."""
    clip = clip or made_clip(tone(seconds + number / 1_000), name=f"clip {number}")
    return Item(f"t/{number}", "t", text, clip, target, f"t/{number}", "t", **fields)
