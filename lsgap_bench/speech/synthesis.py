"""Words to clips by any voice engine, each made once: a cache on disk that processes may share and a kill does not harm.

In the folder `speech` of the cache, `clips` holds FLAC files called by the sha256 of their bytes, as a record names a clip, so that a
damaged one is known by its name; `said` holds one small JSON file per utterance, called by the hash of all that decides its sound.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lsgap_bench.cache_folder import Unwritable, cache_folder, keep
from lsgap_bench.errors import UsageError
from lsgap_bench.registry import voices
from lsgap_bench.schema import Clip
from lsgap_bench.speech.clips import NamedRead, encode
from lsgap_bench.speech.voices import VoiceEngine, fingerprint_of

FORMAT = 1  # of the key and the files; a new number makes every clip anew


@dataclass(frozen=True)
class Manner:
    """How something is said. voice: ENGINE:VOICE, such as espeak:en-us+f3. speed, pitch: multiples of the voice's own. seed: of engines
    that draw at random. UsageError for an engine that is not known, and for numbers that make no sense.
    """

    voice: str = "espeak:en-us"
    speed: float = 1.0
    pitch: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.voice, str) or not all(self.voice.partition(":")):
            raise UsageError(f"voice {self.voice!r} is no ENGINE:VOICE; write for example espeak:en-us (engines: {', '.join(voices)})")
        voices[self.engine]
        for name in ("speed", "pitch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise UsageError(f"{name} {value!r} is no multiple of the voice's own; give a number above 0")
            object.__setattr__(self, name, float(value))  # 1 and 1.0 are one manner, and one key
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise UsageError(f"seed {self.seed!r} is no seed; give a whole number from 0 on")

    @property
    def beside_voice(self) -> dict[str, Any]:
        """All of it but the voice: what another voice that says the same takes over."""
        return {"speed": self.speed, "pitch": self.pitch, "seed": self.seed}

    @property
    def engine(self) -> str:
        """The engine's name."""
        return self.voice.partition(":")[0]

    @property
    def name(self) -> str:
        """The voice's name within its engine."""
        return self.voice.partition(":")[2]


class Utterance(NamedTuple):
    """One thing to say, and how."""

    text: str
    manner: Manner


@cache
def engine_called(name: str) -> VoiceEngine:
    """The engine, made once per process; UsageError where it is not installed."""
    engine: VoiceEngine = voices[name]()
    return engine


def clip_of(text: str, manner: Manner, *, pay: bool = False) -> Clip:
    """The clip that says `text`, from the cache, or made now and kept there. Its bytes are read only when they are needed.

    pay: whether an engine that costs money may make it. UsageError where it may not and has to, and as `VoiceEngine.synthesize`.
    """
    said = Utterance(text, manner)
    known = _known(said)
    if known is None:
        if not pay:
            refuse_costs(manner, 1)
        known = _make(said)
    return _clip(said, known)


def missing(utterances: Iterable[Utterance]) -> list[Utterance]:
    """Those that the cache does not hold, each once."""
    return [said for said in dict.fromkeys(utterances) if _known(said) is None]


def made(utterances: Sequence[Utterance], workers: int | None = None) -> Iterator[tuple[Utterance, UsageError | None]]:
    """Make the clips, whatever the cache holds, many at once where their engine allows it; each as it is done, with what went wrong.

    workers: at once; None: one per processor. Nobody may be charged for it unawares: see `refuse_costs`. What was made before an
    interruption is kept. Unwritable where the cache cannot be written.
    """
    for name in dict.fromkeys(said.manner.engine for said in utterances):
        of_engine = [said for said in utterances if said.manner.engine == name]
        at_once = (workers or os.cpu_count() or 1) if getattr(engine_called(name), "parallel", False) else 1
        pool = ThreadPoolExecutor(at_once)  # threads will do: such an engine works in another process or on another machine
        try:
            for done in as_completed([pool.submit(_tried, said) for said in of_engine]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def refuse_costs(manner: Manner, clips: int) -> None:
    """UsageError where so many clips would cost money."""
    if clips and getattr(engine_called(manner.engine), "costs", False):
        raise UsageError(
            f"{clips} clip{'s' * (clips > 1)} of the voice '{manner.voice}' would have to be made, which costs money; "
            "make them first: lsgap synth TASK"
        )


def told(manner: Manner) -> dict[str, Any]:
    """What a record says of a manner: its four values, and the engine with its version and weights."""
    return {**asdict(manner), "engine_version": fingerprint_of(engine_called(manner.engine), manner.name)}


def _tried(said: Utterance) -> tuple[Utterance, UsageError | None]:
    try:
        _make(said)
    except Unwritable:
        raise
    except UsageError as error:
        return said, error
    return said, None


def _make(said: Utterance) -> dict[str, Any]:
    """Synthesize, and keep the sound before what points to it."""
    manner = said.manner
    wave, rate = engine_called(manner.engine).synthesize(said.text, manner.name, speed=manner.speed, pitch=manner.pitch, seed=manner.seed)
    if not len(wave) or not np.isfinite(wave).all():
        fault = "broken samples" if len(wave) else "no sound"
        raise UsageError(f"voice '{manner.voice}' gave {fault} for {said.text[:80]!r}; try another voice")
    encoded = encode(np.clip(wave, -1, 1), rate, "flac")
    known: dict[str, Any] = {"sha256": hashlib.sha256(encoded).hexdigest(), "sampling_rate": int(rate), "frames": len(wave)}
    keep(_sound(known["sha256"]), encoded)
    keep(_entry(said), json.dumps({**known, "text": said.text, **told(manner)}, ensure_ascii=False, indent=1).encode())
    return known


def _known(said: Utterance) -> dict[str, Any] | None:
    """What the cache knows of an utterance; None where it lacks the entry or the sound, or the entry cannot be read."""
    try:
        plain = json.loads(_entry(said).read_bytes())
        known = {"sha256": str(plain["sha256"]), "sampling_rate": int(plain["sampling_rate"]), "frames": int(plain["frames"])}
        return known if plain["text"] == said.text and _sound(str(known["sha256"])).is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _clip(said: Utterance, known: Mapping[str, Any]) -> Clip:
    sha256 = str(known["sha256"])
    return Clip(sha256, known["sampling_rate"], known["frames"], NamedRead(lambda: _read(said, sha256), f"clip of {said.text[:40]!r}"))


def _read(said: Utterance, sha256: str) -> bytes:
    """The bytes of a clip; one that is damaged or gone is made again."""
    path = _sound(sha256)
    encoded = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(encoded).hexdigest() == sha256:
        return encoded
    path.unlink(missing_ok=True)
    refuse_costs(said.manner, 1)
    if _make(said)["sha256"] != sha256:
        raise UsageError(
            f"the clip of {said.text[:80]!r} was damaged in the cache, and '{said.manner.voice}' now says it otherwise; run again"
        )
    return path.read_bytes()


def _sound(sha256: str) -> Path:
    return cache_folder("speech") / "clips" / sha256[:2] / f"{sha256}.flac"


def _entry(said: Utterance) -> Path:
    parts = [FORMAT, said.text, *told(said.manner).values()]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return cache_folder("speech") / "said" / key[:2] / f"{key}.json"
