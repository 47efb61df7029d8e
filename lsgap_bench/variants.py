"""Variants of the spoken form: a name -> what is done to the item's own clip -> the waveform, the same whenever it is made."""

from __future__ import annotations

import functools
import inspect
import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.models.adapter import Waveform
from lsgap_bench.partners import item_seed
from lsgap_bench.registry import Effect, effects
from lsgap_bench.schema import SOUNDS, Clip, Condition, Item
from lsgap_bench.speech.clips import decode
from lsgap_bench.speech.formulas import Unsayable
from lsgap_bench.speech.kept_waves import LIBRARIES, kept_wave
from lsgap_bench.speech.synthesis import Manner, Utterance, clip_of, told
from lsgap_bench.speech.verbalize import verbalize
from lsgap_bench.store import key_of

VOICE = "voice"
"""The key of a variant that says the words anew; every other key belongs to an effect."""
MOST_OTHERS = 16
"""Other items that are drawn for an item: what an effect asks for are the first ones of them, whichever effect asks."""
RECENT = 128  # decoded clips of others: those of a batch, which its next babble needs again
_NAME = re.compile(r"[A-Za-z][\w.-]*")
_FORMAT = 1  # of the kept waveforms; a new number makes every one anew
SHIPPED: Mapping[str, Mapping[str, Any]] = {
    **{f"noise{snr}": {"noise": "white", "snr": snr} for snr in (20, 10, 0)},
    **{f"babble{snr}": {"noise": "babble", "snr": snr} for snr in (20, 10, 0)},
    "fast": {"speed": 1.5},
    "slow": {"speed": 0.75},
    "quiet": {"volume": -20},
    "telephone": {"band": "telephone"},
    "noisy_telephone": {"noise": "white", "snr": 10, "band": "telephone"},
}
"""The variants that every task has; one of the same name in a task's YAML takes its place."""


@dataclass(frozen=True)
class Step:
    """One effect with all its parameters."""

    effect: Effect
    parameters: Mapping[str, Any]

    @property
    def others(self) -> int:
        """How many other items' clips it needs."""
        return self.effect.others(**self.parameters)


@dataclass(frozen=True)
class Variant:
    """What is done to a clip. voice: who says the words anew, None for the own clip. steps: the effects, in the order in which they act."""

    voice: str | None
    steps: tuple[Step, ...]

    @property
    def others(self) -> int:
        """How many other items' clips it needs."""
        return max((step.others for step in self.steps), default=0)

    @property
    def lengthens(self) -> float:
        """How many times as long the clip becomes."""
        return float(np.prod([step.effect.lengthens(**step.parameters) for step in self.steps]))


def known_variants(declared: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The shipped variants and those of a task's YAML, which win."""
    return {**SHIPPED, **declared}


def checked_variants(declared: Any, where: str) -> Mapping[str, Mapping[str, Any]]:
    """The value of the YAML key `variants`, as it is. where: file and key. UsageError for whatever is wrong in it."""
    if declared is None:
        return {}
    if not isinstance(declared, Mapping):
        raise UsageError(f"{where}: {declared!r} is no mapping; write a name and what is done, such as loud_room: {{noise: white, snr: 5}}")
    for name, given in declared.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in SOUNDS:
            raise UsageError(
                f"{where}: {name!r} cannot name a variant; begin with a letter, go on with letters, digits, _ . or -, and use none of "
                f"{', '.join(SOUNDS)}"
            )
        variant_of(given, f"{where}: {name}")
    return declared


def variant_of(given: Any, where: str) -> Variant:
    """What a mapping of YAML asks for. UsageError for a key that is not known, is missing, or has a value that makes no sense."""
    if not isinstance(given, Mapping) or not given:
        raise UsageError(f"{where}: {given!r} says nothing of a clip; write for example {{noise: white, snr: 10}}")
    owners = {key: effects[name] for name in effects for key in effects[name].keys}
    for key in given:
        if key != VOICE and key not in owners:
            raise UsageError(f"{where}: no effect has the key '{key}'; {did_you_mean(str(key), [*owners, VOICE])}")
    if VOICE in given:
        _check_voice(given[VOICE], where)
    asked = {owners[key].name: owners[key] for key in given if key != VOICE}
    steps = [Step(of, _parameters(of, given, where)) for of in sorted(asked.values(), key=lambda of: (of.order, of.name))]
    return Variant(given.get(VOICE), tuple(steps))


def _check_voice(name: Any, where: str) -> None:
    """UsageError for what is no ENGINE:VOICE of an engine that is known."""
    try:
        Manner(voice=name)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _parameters(effect: Effect, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = {key: given.get(key, default) for key, default in effect.keys.items()}
    missing = next((key for key, value in found.items() if value is inspect.Parameter.empty), None)
    if missing:
        raise UsageError(f"{where}: {missing} is missing; the effect '{effect.name}' needs it")
    try:
        effect.check(**found)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    return found


def refuse_unknown(conditions: Iterable[Condition], declared: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """UsageError where a task lacks a variant that is asked for. declared: task -> its own variants."""
    for condition in conditions:
        for task, own in declared.items():
            if condition.variant is not None and condition.variant not in known_variants(own):
                near = did_you_mean(condition.variant, [*known_variants(own), *SOUNDS])
                raise UsageError(f"condition '{condition.name}': task {task} has no variant '{condition.variant}'; {near}")


def variants_told(
    conditions: Iterable[Condition], declared: Mapping[str, Mapping[str, Mapping[str, Any]]], manners: Mapping[str, Manner]
) -> dict[str, dict[str, Any]]:
    """Task -> variant of the run -> every parameter, and the voice with its engine's version, for the record.

    declared: as above. manners: of the tasks that a voice says.
    """
    names = [condition.variant for condition in conditions if condition.variant is not None]
    return {
        task: {name: _told(_read(json.dumps(known_variants(own)[name]), name), manners.get(task, Manner())) for name in names}
        for task, own in declared.items()
        if names
    }


def _told(variant: Variant, own: Manner) -> dict[str, Any]:
    voice = {} if variant.voice is None else {VOICE: told(replace(own, voice=variant.voice))}
    return {**voice, **{key: value for step in variant.steps for key, value in step.parameters.items()}}


def own_clip(item: Item, variant: Variant) -> Clip:
    """The clip that the effects act on: the item's own, or the same words by another voice."""
    said = utterance(item, variant)
    return item.clip if said is None else clip_of(*said)


def utterance(item: Item, variant: Variant) -> Utterance | None:
    """What another voice says, in the manner of the own one, and in words also where the item is a recording; None where the variant keeps
    the own clip.
    """
    if variant.voice is None:
        return None
    try:
        return Utterance(item.spoken or verbalize(item.text), Manner(voice=variant.voice, **item.manner))
    except Unsayable as error:
        raise UsageError(f"{item.id}: another voice has no words for {error}; leave its variant out, or add --skip_bad_items") from None


def longest(item: Item, conditions: Iterable[Condition]) -> float:
    """Seconds of the longest form in which some conditions play an item."""
    variants = [of_item(item, c.variant) for c in conditions if c.variant is not None]
    return max([item.clip.seconds, *(own_clip(item, of).seconds * of.lengthens for of in variants)])


def of_item(item: Item, name: str) -> Variant:
    """The variant of a name as the item's task has it; UsageError where it has none."""
    known = known_variants(item.variants)
    if name not in known:
        raise UsageError(f"{item.task} has no variant '{name}'; {did_you_mean(name, known)}")
    return _read(json.dumps(known[name]), f"{item.task}: variants: {name}")


@functools.lru_cache(maxsize=1024)
def _read(given: str, where: str) -> Variant:
    """Read once, and not once for every item."""
    return variant_of(json.loads(given), where)


class VariantClips:
    """Makes the waveforms of a run's variants. items: all of the run. seed: of the run.

    Random numbers depend on seed, item and effect alone: the noise of an item is the same at every SNR, and in every run.
    """

    def __init__(self, items: Sequence[Item], seed: int) -> None:
        self._items, self._seed = sorted(items, key=lambda item: item.id), seed
        self._drawn: dict[str, list[Item]] = {}
        self._decoded = functools.lru_cache(maxsize=RECENT)(decode)

    def lacking(self, item: Item, name: str) -> str | None:
        """Why an item has no such waveform; None where it has one."""
        wanted, there = of_item(item, name).others, len(self._others(item, of_item(item, name)))
        return f"it takes {wanted} clips of other questions, and the run holds {there}" if there < wanted else None

    def wave(self, item: Item, name: str, sampling_rate: int, max_seconds: float | None) -> Waveform:
        """The waveform at a sampling rate in Hz, cut after `max_seconds` unless that is None; silence where clips are lacking."""
        variant = of_item(item, name)
        clip = own_clip(item, variant)
        if self.lacking(item, name) is not None:
            wave = np.zeros_like(decode(clip, sampling_rate))
        elif variant.steps:
            key = key_of(made_by=(_FORMAT, LIBRARIES), clip=clip.sha256, rate=sampling_rate, item=item.id, **self._done(item, variant))
            wave = kept_wave("variants", key, sampling_rate, lambda: self._made(item, variant, decode(clip, sampling_rate), sampling_rate))
        else:
            wave = decode(clip, sampling_rate)
        return wave[: None if max_seconds is None else int(max_seconds * sampling_rate)]

    def _made(self, item: Item, variant: Variant, wave: Waveform, sampling_rate: int) -> Waveform:
        """The waveform after all steps."""
        others = [self._decoded(other.clip, sampling_rate) for other in self._others(item, variant)]
        for step in variant.steps:
            rng = np.random.default_rng(item_seed(self._seed, item.id, f"effect {step.effect.name}"))
            wave = step.effect.apply(wave, sampling_rate, rng, others[: step.others], **step.parameters)
        return np.asarray(wave, dtype=np.float32)

    def decisive(self, item: Item, name: str) -> dict[str, Any]:
        """Everything beside the item's own clip that decides the waveform, as JSON types."""
        variant = of_item(item, name)
        voice = None if variant.voice is None else [variant.voice, own_clip(item, variant).sha256]
        return {**self._done(item, variant), "voice": voice}

    def _done(self, item: Item, variant: Variant) -> dict[str, Any]:
        """What is done to a clip, and with what."""
        return {
            "steps": [[step.effect.name, dict(step.parameters), step.effect.code] for step in variant.steps],
            "others": [other.clip.sha256 for other in self._others(item, variant)],
            "seed": self._seed,
        }

    def _others(self, item: Item, variant: Variant) -> list[Item]:
        """Items with other words, of the same task first, as many as are needed and there."""
        if not variant.others:
            return []
        if item.id not in self._drawn:
            rng = random.Random(item_seed(self._seed, item.id, "other clips"))
            unlike = [other for other in self._items if other.text != item.text and other.cluster != item.cluster]
            halves = ([o for o in unlike if (o.task == item.task) == same] for same in (True, False))
            self._drawn[item.id] = [other for half in halves for other in rng.sample(half, min(len(half), MOST_OTHERS))][:MOST_OTHERS]
        return self._drawn[item.id][: variant.others]
