"""The clips of tasks made beforehand, whether they can be understood, and what is wrong with each: what `lsgap synth` does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from lsgap_bench.cache_folder import cache_folder
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedTask, load_tasks
from lsgap_bench.plugins import load_plugins
from lsgap_bench.schema import Clip, Item
from lsgap_bench.speech.recognizers import Recognizer
from lsgap_bench.speech.synthesis import Manner, Utterance, clip_of, made, missing
from lsgap_bench.speech_block import SpeechBlock
from lsgap_bench.store import key_of, open_store
from lsgap_bench.systems import transcribe
from lsgap_bench.variants import VOICE
from lsgap_bench.word_errors import word_errors

MAX_SECONDS = 30.0  # what a Whisper encoder, and so most models, hears
MAX_WER = 0.3
RECOGNIZED_AT_ONCE = 8


@dataclass(frozen=True)
class Request:
    """What is to be made and checked. voice, speed: in place of the tasks' own; a voice also in that of all their variants.

    processes: utterances at once, None: one per processor. recognizer: hears every clip, a loader so that nothing is loaded before the
    clips are there; None: no round trip. max_wer: a fraction.
    """

    tasks: Sequence[str]
    include_path: Sequence[str] = ()
    voice: str | None = None
    speed: float | None = None
    processes: int | None = None
    limit: int | None = None
    max_seconds: float = MAX_SECONDS
    recognizer: Callable[[], Recognizer] | None = None
    max_wer: float = MAX_WER

    def __post_init__(self) -> None:
        for name, least in (("processes", 1), ("limit", 1), ("max_seconds", 0), ("max_wer", 0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise UsageError(f"{name} {value:g} makes no sense; give at least {least}")

    def manners(self, speech: SpeechBlock, variants: Mapping[str, Mapping[str, Any]]) -> list[Manner]:
        """A task's manner with what was asked for in its place, and, where no voice was, those of its variants by other voices."""
        asked = {name: value for name in ("voice", "speed") if (value := getattr(self, name)) is not None}
        own = dataclasses.replace(speech.manner, **asked)
        others = () if "voice" in asked else [dataclasses.replace(own, voice=of[VOICE]) for of in variants.values() if VOICE in of]
        return list(dict.fromkeys([own, *others]))


@dataclass(frozen=True)
class SpokenItem:
    """One item of a task, and what became of it. why: what is wrong with its clip; empty where nothing is.

    spoken: the words for the voice, empty where there are none. new: made now. wer: of the transcript against the words, a fraction; None
    without a recognizer.
    """

    task: str
    item: str
    manner: Manner
    spoken: str = ""
    clip: Clip | None = None
    new: bool = False
    wer: float | None = None
    transcript: str | None = None
    why: str = ""

    @property
    def utterance(self) -> Utterance:
        """What is to be said, and how."""
        return Utterance(self.spoken, self.manner)

    def row(self) -> dict[str, Any]:
        """What a report says of it."""
        clip = {} if self.clip is None else self.clip.to_dict()
        said = {"task": self.task, "item": self.item, "voice": self.manner.voice, "spoken": self.spoken, "words": len(self.spoken.split())}
        made = {"seconds": clip.get("seconds"), "sha256": clip.get("sha256"), "new": self.new}
        return {**said, **made, "wer": self.wer, "transcript": self.transcript, "why": self.why}


def synth(request: Request) -> list[SpokenItem]:
    """Make the clips that the cache lacks, with a progress bar, and check them all; what was made before an interruption is kept.

    UsageError for what makes it impossible, such as an unknown task or voice, or tasks without a voice.
    """
    load_plugins(request.include_path)
    spoken = [task for task in load_tasks(request.tasks, request.include_path).paired.values() if task.paired_config.speech]
    if not spoken:
        raise UsageError(f"{', '.join(request.tasks)}: no voice says anything here; give a task whose YAML has the key speech")
    items = _made([item for task in spoken for item in _wanted(task, request)], request.processes)
    items = [_short_enough(item, request.max_seconds) for item in items]
    return items if request.recognizer is None else _recognized(items, request.recognizer(), request.max_wer)


def summary(items: Sequence[SpokenItem]) -> list[dict[str, Any]]:
    """A line per task and voice: clips, how many of them are new, minutes, words per minute, the longest in seconds, and the mean WER."""
    said: dict[tuple[str, Manner], list[SpokenItem]] = {}
    for item in items:
        said.setdefault((item.task, item.manner), []).append(item)
    return [_line(task, of) for (task, _), of in said.items()]


def _line(task: str, items: Sequence[SpokenItem]) -> dict[str, Any]:
    clips = [item.clip for item in items if item.clip is not None]
    minutes = sum(clip.seconds for clip in clips) / 60
    words = sum(len(item.spoken.split()) for item in items if item.clip is not None)
    known = [item.wer for item in items if item.wer is not None]
    return {
        "task": task,
        "voice": items[0].manner.voice,
        "clips": len(clips),
        "new": sum(item.new for item in items),
        "from cache": sum(not item.new for item in items if item.clip is not None),
        "minutes": minutes,
        "words/min": words / minutes if minutes else None,
        "longest s": max((clip.seconds for clip in clips), default=None),
        **({"mean WER": sum(known) / len(known)} if known else {}),
        "wrong": sum(bool(item.why) for item in items),
    }


def _wanted(task: PairedTask, request: Request) -> list[SpokenItem]:
    """The items of a task with their words, or with what is wrong with these."""
    ours = task.paired_config
    forms = list(task.spoken_forms(request.limit))
    return [
        SpokenItem(ours.task, f"{ours.task}/{number}", manner, spoken=said)
        if isinstance(said, str)
        else SpokenItem(ours.task, f"{ours.task}/{number}", manner, why=str(said))
        for manner in (request.manners(ours.speech, ours.variants) if ours.speech else ())
        for number, said in forms
    ]


def _made(items: Sequence[SpokenItem], processes: int | None) -> list[SpokenItem]:
    """The items with their clips."""
    lacking = missing(item.utterance for item in items if item.spoken)
    failed: dict[Utterance, str] = {}
    with tqdm(total=len(lacking), desc="making clips", unit="clip", disable=None if lacking else True) as bar:
        for said, error in made(lacking, processes):
            bar.update()
            if error is not None:
                failed[said] = str(error)
    new = set(lacking)

    def finished(item: SpokenItem) -> SpokenItem:
        if not item.spoken:
            return item
        if item.utterance in failed:
            return dataclasses.replace(item, why=failed[item.utterance])
        return dataclasses.replace(item, clip=clip_of(item.spoken, item.manner), new=item.utterance in new)

    return [finished(item) for item in items]


def _short_enough(item: SpokenItem, longest: float) -> SpokenItem:
    if item.clip is None or item.clip.seconds <= longest:
        return item
    why = f"its clip lasts {item.clip.seconds:.1f} s, over {longest:g} s; shorten the words with `say`, or raise --max_seconds"
    return dataclasses.replace(item, why=why)


def _recognized(items: Sequence[SpokenItem], recognizer: Recognizer, most: float) -> list[SpokenItem]:
    """The items with what a recognizer makes of their clips, kept in the cache for the next time."""
    heard = [Item(_id(item), item.task, item.spoken, item.clip, "", "", item.task) for item in items if item.clip is not None]
    folder = cache_folder("transcripts") / key_of(recognizer=recognizer.fingerprint)
    with open_store(folder, resume=True) as store, tqdm(total=len(heard), desc="recognizing", unit="clip") as bar:
        found = transcribe(heard, recognizer, None, RECOGNIZED_AT_ONCE, store, bar.update)
    return [_judged(item, found[_id(item)].transcript or "", most) if _id(item) in found else item for item in items]


def _id(item: SpokenItem) -> str:
    """Of an item as one voice says it."""
    return f"{item.item} {item.manner}"


def _judged(item: SpokenItem, transcript: str, most: float) -> SpokenItem:
    counted = word_errors(item.spoken, transcript)
    wer = counted.errors / counted.words if counted else None
    fails = wer is not None and wer > most
    why = item.why or (f"a word error rate of {wer:.2f}, over {most:g}; a recognizer hears {transcript!r}" if fails else "")
    return dataclasses.replace(item, wer=wer, transcript=transcript, why=why)
