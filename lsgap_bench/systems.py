"""The systems beside the speech language model: the base reads the items, the cascade reads what a recognizer hears in their clips."""

from __future__ import annotations

import gc
import inspect
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from lsgap_bench import __version__
from lsgap_bench.errors import UsageError
from lsgap_bench.forecast import Forecast, spread
from lsgap_bench.hearing import heard_at
from lsgap_bench.memory import give_back, ran_out
from lsgap_bench.models.adapter import Gift, SpeechLM, TextLM, chunks, gifts, gives, where
from lsgap_bench.observe import TEXT, Observer, Plan
from lsgap_bench.reading import with_known_words
from lsgap_bench.registry import models, recognizers
from lsgap_bench.resources import DEMO_BASE, DEMO_RECOGNIZER
from lsgap_bench.schema import Item, Observation
from lsgap_bench.settings import Settings
from lsgap_bench.speech.clips import pcm_sha256
from lsgap_bench.speech.recognizers import Recognizer, pieces
from lsgap_bench.store import Store, key_of, open_store
from lsgap_bench.text_states import form_of, of_one_kind

logger = logging.getLogger(__name__)

TRANSCRIPT = "transcript"  # the condition under which the store keeps what a recognizer wrote down
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Companions:
    """The systems that a run asks beside the speech language model, in the order of COMPANIONS; none by default.

    base, recognizer: each call loads one anew; nothing keeps it but the caller. skip_bad_items: leave out what the base cannot read.
    transcribes: whether the recognizer is needed, for the cascade or for the condition text=transcript.
    """

    asked: tuple[str, ...]
    base: Callable[[], TextLM]
    recognizer: Callable[[], Recognizer]
    skip_bad_items: bool = False
    transcribes: bool = False

    def check(self, turns: Iterable[str]) -> frozenset[Gift] | None:
        """Load each system once and let it go again, so that what is wrong with it is said before anything runs. turns: system turns.

        What the base gives; None without one.
        """
        if self.transcribes:
            self.recognizer()
            release()
        if not self.asked:
            return None
        base = self.base()
        for turn in turns:
            base.check_system(turn)
        given = gifts(base)
        del base
        release()
        return given


@dataclass(frozen=True)
class Transcribed:
    """What a recognizer wrote down. transcripts: item id -> observation with the transcript. info: what is known of the recognizer."""

    transcripts: Mapping[str, Observation] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Beside:
    """What the companions gave.

    found: item id -> `base`, `cascade` -> observation. info: the `systems` of a record. left_out: a line for each item that is in neither.
    """

    found: Mapping[str, Mapping[str, Observation]]
    info: Mapping[str, Any]
    left_out: Sequence[str]


def companions_of(settings: Settings) -> Companions:
    """The companions that the settings ask for. UsageError for names that are not known, and where it is not said which model to load."""
    asked = settings.companions()
    idle = Companions((), lambda: _never("base"), lambda: _never("recognizer"))
    if not asked and not settings.transcribes:
        return idle
    known = _Default("hf-asr", DEMO_RECOGNIZER, "openai/whisper-large-v3")
    recognizer = _factory("recognizer", recognizers[settings.recognizer], settings, known) if settings.transcribes else idle.recognizer
    if not asked:
        return replace(idle, recognizer=recognizer, transcribes=True)
    base = _factory("base", models[settings.base], settings, _Default("hf-text", DEMO_BASE, "Qwen/Qwen2.5-7B-Instruct"))
    return Companions(asked, base, recognizer, settings.skip_bad_items, settings.transcribes)


def make(factory: Callable[..., Any], arguments: Mapping[str, Any], option: str, device: str | None, listing: str) -> Any:
    """A plug-in made with its arguments, and with the device if it takes one. UsageError naming the option where it refuses them."""
    given = dict(arguments)
    if device is not None and "device" in inspect.signature(factory).parameters:
        given["device"] = device
    try:
        return factory(**given)
    except TypeError as error:
        reason = str(error).removeprefix(f"{factory.__qualname__}.__init__() ")
        raise UsageError(f"{option}: {reason}; see `lsgap ls {listing}`") from None


def release() -> None:
    """Give back the memory of models that nothing refers to any more."""
    gc.collect()
    give_back()


def observe_companions(
    companions: Companions,
    items: Sequence[Item],
    plan: Plan,
    max_seconds: float | None,
    store: Store[Observation],
    heard: Transcribed | None = None,
) -> Beside:
    """The answers of every companion on every item; the recognizer is gone when the base is loaded.

    The base answers the written items under the run's own settings; the cascade is the same base on the same prompt, with the transcript in
    the place of the text. max_seconds: of a clip that the speech language model hears, None for all of it: the recognizer hears no more.
    heard: what it made of these items already.
    """
    if "cascade" in companions.asked and not (heard and heard.transcripts):
        heard = recognized(companions, items, plan.batch_size, max_seconds, store)
        release()
    said_of, recognizer = (heard.transcripts, heard.info) if heard else ({}, {})
    base = companions.base()
    logger.info("base: %s on %s", dict(base.info), where(base))
    legible = with_known_words(items, base, companions.skip_bad_items)
    found: dict[str, dict[str, Observation]] = {item.id: {} for item in legible.items}
    info: dict[str, Any] = {}
    if "base" in companions.asked:  # first: a transcript that is the very text is answered already
        for item, answer in _answers(legible.items, base, "base", plan, store).items():
            found[item]["base"] = replace(answer, condition="base")
        info["base"] = {**base.info, "kind": "base", "left_out": len(legible.bad)}
    if "cascade" in companions.asked:
        transcribed = [replace(item, text=said_of[item.id].transcript or "") for item in legible.items]
        for item, answer in _answers(transcribed, base, "cascade", plan, store).items():
            said = said_of[item]
            found[item]["cascade"] = replace(answer, condition="cascade", transcript=said.transcript, pcm_sha256=said.pcm_sha256)
        info["cascade"] = {
            "name": f"{recognizer.get('name')} + {base.name}",
            "kind": "cascade",
            "recognizer": recognizer,
            "base": {**base.info, "kind": "base"},
            "left_out": len(legible.bad),
            "empty_transcripts": sum(not item.text for item in transcribed),
        }
    return Beside(found, info, legible.bad)


def transcribe(
    items: Sequence[Item],
    recognizer: Recognizer,
    max_seconds: float | None,
    size: int,
    store: Store[Observation],
    progress: Progress = lambda done: None,
) -> dict[str, Observation]:
    """Item id -> what the recognizer makes of its clip, kept in `store` batch by batch.

    size: clips per batch, halved where memory runs out. progress: called with the number of items that are done.
    """
    keys = {i.id: key_of(version=__version__, recognizer=recognizer.fingerprint, clip=i.clip.sha256, heard=max_seconds) for i in items}
    missing = {keys[item.id]: item for item in items if keys[item.id] not in store}
    progress(len(items) - len(missing))
    waiting = sorted(missing, key=lambda key: (-missing[key].clip.seconds, key))
    while waiting:
        part = waiting[:size]
        waves = [heard_at(missing[key].clip, recognizer.sampling_rate, max_seconds) for key in part]
        try:
            texts = _texts(recognizer, waves, size)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            if size == 1:
                raise UsageError(
                    "the recognizer does not fit with even one clip per batch; add dtype=float16 to --recognizer_args"
                ) from None
            size //= 2
            continue
        store.add(
            (key, Observation(missing[key].id, TRANSCRIPT, "", "", 0, "", pcm_sha256(wave), transcript=text))
            for key, wave, text in zip(part, waves, texts, strict=True)
        )
        waiting = waiting[size:]
        progress(len(part))
    return {item.id: store[keys[item.id]] for item in items}


def forecast_companions(companions: Companions, told: Forecast, items: Sequence[Item], plan: Plan, max_seconds: float | None) -> Forecast:
    """The forecast with the forwards and the time of the companions, measured on as many items as it was."""
    if not companions.asked:
        return told
    base = companions.base()
    alone = not gives(base, "states")
    del base
    release()
    size = 1 if alone else plan.batch_size
    forms = sorted({form_of(item) for item in items}, key=lambda form: not form.options)
    said = sorted(map(form_of, items), key=lambda form: not form.options)  # no two transcripts are alike, at the worst
    counted = {"base": len(of_one_kind(forms, size)), "cascade": len(of_one_kind(said, size))}
    forwards = {**told.forwards, **{name: counted[name] for name in companions.asked}}
    if "cascade" in companions.asked:
        forwards["recognizer"] = len(list(chunks(len(items), plan.batch_size)))
    if alone or not told.sampled:
        return replace(told, forwards=forwards, seconds=math.nan, sampled=0)
    sample = spread(items, told.sampled)
    started = time.perf_counter()
    with open_store(None, resume=False) as store:
        observe_companions(companions, sample, plan, max_seconds, store)
    taken = time.perf_counter() - started
    return replace(told, forwards=forwards, seconds=told.seconds + taken * len(items) / len(sample))


def recognized(
    companions: Companions, items: Sequence[Item], size: int, max_seconds: float | None, store: Store[Observation]
) -> Transcribed:
    """What the companions' recognizer makes of the items' clips, with a progress bar; see `transcribe`."""
    recognizer = companions.recognizer()
    info = dict(recognizer.info)
    logger.info("recognizer: %s", info)
    with tqdm(total=len(items), unit="clip", desc=f"recognizer {info.get('name')}") as bar:
        return Transcribed(transcribe(items, recognizer, max_seconds, size, store, bar.update), info)


def _texts(recognizer: Recognizer, waves: Sequence[Any], size: int) -> list[str]:
    """One transcript per wave; those of a long wave's pieces are joined."""
    cut = [pieces(wave, recognizer.sampling_rate, recognizer.max_seconds) for wave in waves]
    flat = [piece for of_wave in cut for piece in of_wave]
    said = iter([text for part in chunks(len(flat), size) for text in recognizer.transcribe(flat[part])])
    return [" ".join(filter(None, (next(said).strip() for _ in of_wave))) for of_wave in cut]


def _answers(items: Sequence[Item], base: TextLM, name: str, plan: Plan, store: Store[Observation]) -> dict[str, Observation]:
    """Item id -> the base's answer to the item's text, by the written half of the fused pass."""
    reading = Plan((TEXT,), (), plan.batch_size, plan.seed)
    observer = Observer(items, cast(SpeechLM, base), reading)  # the written half asks nothing else of it
    with tqdm(total=len(items), unit="item", desc=f"{name} {base.name}") as bar:
        return {item: answer for (item, _), answer in observer.observe(store, bar.update).items()}


@dataclass(frozen=True)
class _Default:
    """The plug-in that is taken unless another one is named, where the embedded model's own is, and a published example."""

    plugin: str
    embedded: Path
    example: str


def _factory(role: str, plugin: Callable[..., Any], settings: Settings, default: _Default) -> Callable[[], Any]:
    """A call that makes the plug-in of a role with the settings' arguments."""
    arguments = dict(getattr(settings, f"{role}_args"))
    if getattr(settings, role) == default.plugin and "pretrained" not in arguments:
        remedy = f"add --{role}_args pretrained=NAME, such as {default.example}"
        if not settings.demo:
            asking = f"systems {','.join(settings.systems)} need" if settings.systems else "condition 'text=transcript' needs"
            raise UsageError(f"{asking} a {role}; {remedy}")
        if not default.embedded.is_dir():
            raise UsageError(f"the embedded {role} is not part of this installation ({default.embedded.name} is missing); {remedy}")
        arguments["pretrained"] = str(default.embedded)
    return partial(make, plugin, arguments, f"--{role}_args", settings.device, "models" if role == "base" else "recognizers")


def _never(role: str) -> Any:
    raise AssertionError(f"no {role} was asked for")
