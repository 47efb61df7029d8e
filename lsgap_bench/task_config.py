"""The keys that a paired task adds to lm-eval's YAML, their defaults, and what is wrong with them in one line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.registry import rubrics
from lsgap_bench.schema import Generation
from lsgap_bench.scorers.evaluate_metric import whole
from lsgap_bench.speech_block import SpeechBlock, speech_block
from lsgap_bench.variants import checked_variants

OWN_KEYS = ("doc_to_audio", "speech", "spoken_of", "scorer", "other_scorers", "cluster", "family", "chance", "word_times", "variants")
NO_TARGET = ""
"""The `doc_to_target` of a task whose scorer needs none, and the target of its items."""
ANSWERS = ("generate_until", "multiple_choice")
REFUSED = {
    "gen_prefix": "is refused, because no model is told yet how its answer begins",
    "use_prompt": "is refused; write the words as doc_to_text",
    "process_results": "is refused, because the scorer judges both forms; name a scorer",
    "doc_to_image": "is refused, because an item has a written and a spoken form only",
}
GENERATION_KEYS = {"max_gen_toks": "max_new_tokens", "max_new_tokens": "max_new_tokens", "max_tokens": "max_new_tokens"}


@dataclass(frozen=True)
class PairedConfig:
    """Our keys of one task. source: the YAML file, for errors.

    audio: column of the clip, None where a voice says it as `speech` has it. cluster: column that groups dependent items, None: every item
    on its own. family: tasks of one family share their template. chance: a fraction, a template, "auto", or None. word_times: column of
    when each word is said, or None. variants: the task's own variants of `speech`, name -> what is done to the clip. other_scorers: further
    rules that judge the same answers. original: what is told of the lm-eval task that this one is `spoken_of`.
    """

    source: str
    task: str
    audio: str | None
    scorer: str
    cluster: str | None
    family: str
    chance: float | str | None
    generation: Generation
    word_times: str | None = None
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    other_scorers: tuple[str, ...] = ()
    speech: SpeechBlock | None = None
    original: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scorers(self) -> tuple[str, ...]:
        """The rule of the task's scores, then the others."""
        return (self.scorer, *self.other_scorers)

    @property
    def needs_target(self) -> bool:
        """Whether one of its scorers compares with a target."""
        return any(map(scorers.needs_target, (self.scorer, *self.other_scorers)))

    def wrong(self, key: str, value: Any, remedy: str) -> UsageError:
        """The error for one key of this file."""
        return UsageError(f"{self.source}: {key}: {value!r} {remedy}")


def split_config(
    config: Mapping[str, Any], known: Iterable[str], source: str, original: Mapping[str, Any] | None = None
) -> tuple[PairedConfig, dict[str, Any]]:
    """Our part and lm-eval's part of a YAML's keys. known: lm-eval's own keys. original: see `PairedConfig`.

    UsageError for unknown keys and bad values.
    """
    check_keys(config, [*known, *OWN_KEYS], source)
    theirs = {k: v for k, v in config.items() if k not in OWN_KEYS}
    theirs.setdefault("output_type", "generate_until")
    scorer = _scorer(str(config.get("scorer", "exact")), "scorer", source)
    others = _other_scorers(config.get("other_scorers") or (), scorer, source)
    if theirs.get("doc_to_target") is None and not any(map(scorers.needs_target, (scorer, *others))):
        theirs["doc_to_target"] = NO_TARGET
    _check_theirs(theirs, source)
    generation = parse_generation(theirs.get("generation_kwargs") or {}, f"{source}: generation_kwargs")
    audio, speech = _clips(config, source)
    ours = PairedConfig(
        source=source,
        task=str(config["task"]),
        audio=audio,
        scorer=scorer,
        cluster=_column(config.get("cluster"), source, "cluster", "that groups dependent items"),
        family=str(config.get("family") or config["task"]),
        chance=_chance(config.get("chance"), source),
        generation=generation,
        word_times=_column(config.get("word_times"), source, "word_times", "that says when each word is said"),
        other_scorers=others,
        variants=checked_variants(config.get("variants"), f"{source}: variants"),
        speech=speech,
        original=original or {},
    )
    theirs.pop("generation_kwargs", None)
    if theirs["output_type"] == "generate_until":  # the written side under plain lm-eval ends its answers as the paired run does
        sampling = {"do_sample": generation.do_sample, "temperature": generation.temperature, "top_p": generation.top_p}
        theirs["generation_kwargs"] = {
            "until": list(generation.until),
            "max_gen_toks": generation.max_new_tokens,
            **{key: value for key, value in sampling.items() if value is not None},
        }
    theirs["metric_list"] = theirs.get("metric_list") or []
    theirs.setdefault("target_delimiter", "")
    theirs["num_fewshot"] = 0
    return ours, theirs


def check_keys(config: Mapping[str, Any], known: Iterable[str], source: str) -> None:
    """UsageError for the first key that is not known."""
    known = set(known)
    for key in config:
        if key not in known:
            raise UsageError(f"{source}: no key is called '{key}'; {_nearest(str(key), known)}")


def _check_theirs(theirs: Mapping[str, Any], source: str) -> None:
    """Of lm-eval's own keys: what a paired task needs, and what it cannot do in both forms."""
    if theirs["output_type"] not in ANSWERS:
        raise UsageError(f"{source}: output_type: '{theirs['output_type']}' cannot be paired; write {' or '.join(ANSWERS)}")
    if theirs.get("num_fewshot") or theirs.get("fewshot_config"):
        key = "num_fewshot" if theirs.get("num_fewshot") else "fewshot_config"
        raise UsageError(f"{source}: {key}: {theirs[key]} is refused, because spoken questions would get written examples; leave it out")
    if theirs.get("repeats", 1) != 1:
        raise UsageError(f"{source}: repeats: {theirs['repeats']} is refused, because every condition is answered once; leave it out")
    if "{{" in str(theirs.get("description") or ""):
        raise UsageError(f"{source}: description: a template is refused, because all items share the system turn; write it plainly")
    for key, why in REFUSED.items():
        if theirs.get(key) is not None:
            raise UsageError(f"{source}: {key}: {theirs[key]!r} {why}")
    if theirs["output_type"] == "multiple_choice" and theirs.get("doc_to_choice") is None:
        raise UsageError(f"{source}: doc_to_choice is missing; a multiple_choice task names its options there")
    for key in ("doc_to_text", "doc_to_target", "test_split"):
        if theirs.get(key) is None:
            unless = ", or name a scorer that needs no target, such as voicebench_open" if key == "doc_to_target" else ""
            raise UsageError(f"{source}: {key} is missing; add it{unless}")
    if theirs.get("dataset_path") is None and theirs.get("custom_dataset") is None:
        raise UsageError(f"{source}: dataset_path is missing; name a data set of the hub, or a format such as json with data_files")


def _clips(config: Mapping[str, Any], source: str) -> tuple[str | None, SpeechBlock | None]:
    """Where the clips come from: a column, or a voice."""
    audio, speech = config.get("doc_to_audio"), config.get("speech")
    if audio is not None and speech is not None:
        raise UsageError(f"{source}: doc_to_audio and speech are both given; keep the one that the clips come from")
    if speech is not None and config.get("word_times") is not None:
        raise UsageError(f"{source}: word_times: {config['word_times']!r} is of recordings; leave it out beside speech")
    if speech is not None:
        return None, speech_block(speech, source)
    if not isinstance(audio, str):
        raise UsageError(f"{source}: doc_to_audio is missing; name the column that holds the clips, or give a voice with speech")
    return audio, None


def _nearest(key: str, known: Iterable[str]) -> str:
    """The closest keys; there are too many to show them all."""
    hint = did_you_mean(key, known)
    return hint if hint.startswith("did") else "remove it, or see the README for the keys of a task"


def parse_generation(given: Mapping[str, Any], where: str, base: Generation | None = None) -> Generation:
    """Generation settings from YAML or --gen_kwargs over `base` (default: greedy, no stop string, 1,024 new tokens).

    where: names the place in errors. UsageError for an unknown key or a value of the wrong kind.
    """
    fields = vars(base or Generation()) | {}
    for key, value in given.items():
        name = GENERATION_KEYS.get(key, key)
        if name not in fields:
            raise UsageError(f"{where}: no setting is called '{key}'; {did_you_mean(key, [*fields, *GENERATION_KEYS])}")
        try:
            fields[name] = _CONVERT[name](value)
        except (TypeError, ValueError):
            raise UsageError(f"{where}: {key}: {value!r} is no {_KIND[name]}; correct it") from None
    if fields["max_new_tokens"] < 1:
        raise UsageError(f"{where}: max_new_tokens: {fields['max_new_tokens']} is below 1; give at least 1")
    if fields["temperature"] == 0:
        fields |= {"do_sample": False, "temperature": None, "top_p": None}
    for key, most in (("temperature", math.inf), ("top_p", 1.0)):
        if fields[key] is not None and not 0 < fields[key] <= most:
            raise UsageError(f"{where}: {key}: {fields[key]} is out of range; give a number above 0 (top_p: up to 1)")
        if fields[key] is not None and not fields["do_sample"]:
            raise UsageError(f"{where}: {key}: {fields[key]} does nothing without sampling; add do_sample=true or leave it out")
    return Generation(**fields)


def _flag(value: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise ValueError(value)
    return str(value).lower() == "true"


def _stops(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(stop) for stop in value)


_CONVERT: dict[str, Any] = {"max_new_tokens": int, "until": _stops, "do_sample": _flag, "temperature": float, "top_p": float}
_KIND = {
    "max_new_tokens": "whole number",
    "until": "list of strings",
    "do_sample": "true or false",
    "temperature": "number",
    "top_p": "number",
}


def _scorer(name: str, key: str, source: str) -> str:
    """The name by which the scorer is found from any folder: a path in it made whole. key: where the YAML names it."""
    try:
        name = whole(name, Path(source).parent)
        scorers.get(name)
    except UsageError as error:
        raise UsageError(f"{source}: {key}: {error}") from None
    return name


def _other_scorers(names: Any, scorer: str, source: str) -> tuple[str, ...]:
    if not isinstance(names, (list, tuple)):
        raise UsageError(f"{source}: other_scorers: {names!r} is no list; write for example other_scorers: [choice]")
    found = tuple(_scorer(str(name), "other_scorers", source) for name in names)
    twice = next((name for k, name in enumerate(found) if name in (scorer, *found[:k])), None)
    judged = next((name for name in found if name in rubrics), None)
    if judged:
        raise UsageError(f"{source}: other_scorers: '{judged}' needs a judge; name it as scorer")
    if twice:
        raise UsageError(f"{source}: other_scorers: '{twice}' judges the answers already; name it once")
    return found


def _column(value: Any, source: str, key: str, what: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{source}: {key}: {value!r} is no column name; name the column {what}, or write null")
    return value


def _chance(value: Any, source: str) -> float | str | None:
    if value is None:
        return None
    if value == "auto" or (isinstance(value, str) and "{{" in value):
        return str(value)
    return fraction(value, f"{source}: chance: {value!r} is no fraction; write a number from 0 to 1, a template, or auto")


def fraction(value: Any, otherwise: str) -> float:
    """A number from 0 to 1; UsageError saying `otherwise` for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise UsageError(otherwise)
    return number
