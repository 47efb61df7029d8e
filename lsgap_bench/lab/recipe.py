"""What a lab model is made of, from its size to its last training step: a recipe and its seeds decide its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, NamedTuple

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.lab.alignment_stage import AlignmentRecipe
from lsgap_bench.lab.architecture import size_called
from lsgap_bench.lab.corpus import SpeechRecipe
from lsgap_bench.lab.hearing_stage import HearingRecipe
from lsgap_bench.lab.loop import Schedule
from lsgap_bench.lab.matching_stage import MatchingRecipe
from lsgap_bench.lab.recognizer_stage import RecognizerRecipe
from lsgap_bench.lab.text_stage import TextRecipe


@dataclass(frozen=True)
class Recipe:
    """One lab model. seed: of the alignment (order of the data, LoRA's weights); shared_seed: of speech, text model, encoder and
    their matching, which the models of a sweep share.

    embedded: begin with what the package ships, the recognizer's encoder and, for its size, the text model; else with nothing.
    """

    size: str = "micro"
    seed: int = 0
    shared_seed: int = 0
    embedded: bool = False
    speech: SpeechRecipe = field(default_factory=SpeechRecipe)
    text: TextRecipe = field(default_factory=TextRecipe)
    hearing: HearingRecipe = field(default_factory=HearingRecipe)
    matching: MatchingRecipe = field(default_factory=MatchingRecipe)
    alignment: AlignmentRecipe = field(default_factory=AlignmentRecipe)
    recognizer: RecognizerRecipe = field(default_factory=RecognizerRecipe)

    def __post_init__(self) -> None:
        size_called(self.size)

    @property
    def name(self) -> str:
        """Of the run, such as micro-full-0."""
        return f"{self.size}-{self.alignment.strategy}-{self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def part(self, *names: str) -> dict[str, Any]:
        """The fields that one stage depends on, and the shared seed, as plain JSON types."""
        return {name: value for name, value in self.to_dict().items() if name in (*names, "shared_seed", "embedded")}


def digest(*parts: Any) -> str:
    """Twelve hexadecimal digits that change with anything in `parts` (JSON types and dataclasses as dicts)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=asdict).encode()).hexdigest()[:12]


# How fast a text model of a size learns to read.
TEXT_RATES = {"nano": 2e-3, "micro": 1.5e-3}
# How fast the weights of a strategy learn, and what hears beside them.
STRATEGY_RATES = {"full": (1e-3, 0.1), "lora": (3e-3, 0.03)}
_SHORT = Schedule(steps=640, rate=1e-3, warmup=50, weight_decay=0.01)
PRESETS: dict[str, Recipe] = {
    # the shipped model
    "demo": Recipe(),
    # one run of the sweep: it begins with what the package ships, and hears fewer clips a step
    "sweep": Recipe(
        embedded=True,
        matching=MatchingRecipe(schedule=Schedule(steps=800, rate=1.5e-3, warmup=100, floor=0.05, weight_decay=0.01), groups=2, batch=8),
        alignment=AlignmentRecipe(schedule=_SHORT, checkpoints=(40, 80, 160, 320, 640), groups=2, batch=8),
    ),
    # everything in half a minute, to see that it runs; it learns nothing
    "smoke": Recipe(
        size="nano",
        speech=SpeechRecipe(utterances=60),
        text=TextRecipe(schedule=Schedule(steps=6, rate=1e-3), questions=200, batch=8),
        hearing=HearingRecipe(schedule=Schedule(steps=4, rate=1e-3), groups=2, batch=2),
        matching=MatchingRecipe(schedule=Schedule(steps=4, rate=1e-3), groups=2, batch=2),
        alignment=AlignmentRecipe(
            schedule=Schedule(steps=4, rate=1e-3), checkpoints=(2, 4), groups=2, batch=2, text_batch=4, text_questions=100
        ),
        recognizer=RecognizerRecipe(schedule=Schedule(steps=4, rate=1e-3), groups=1, batch=2),
    ),
}


def preset(name: str, **changes: Any) -> Recipe:
    """A preset with some of its fields changed (None leaves a field as it is); `strategy`: the alignment's. UsageError if unknown."""
    if name not in PRESETS:
        raise UsageError(f"the lab has no preset '{name}'; {did_you_mean(name, PRESETS)}")
    recipe = PRESETS[name]
    strategy, size = changes.pop("strategy", None), changes.pop("size", None)
    if size is not None:
        size_called(size)
        schedule = replace(recipe.text.schedule, rate=TEXT_RATES[size])
        recipe = replace(recipe, size=size, text=replace(recipe.text, schedule=schedule))
    if strategy is not None:
        rate, pace = STRATEGY_RATES.get(strategy, (recipe.alignment.schedule.rate, recipe.alignment.hearing_pace))
        learning = replace(recipe.alignment.schedule, rate=rate)
        recipe = replace(recipe, alignment=replace(recipe.alignment, strategy=strategy, schedule=learning, hearing_pace=pace))
    return replace(recipe, **{key: value for key, value in changes.items() if value is not None})


def changed(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """A recipe with some fields set: `speech.snr=[10,30]`, `alignment.schedule.steps=400`; the value is JSON, a list where it has several.

    UsageError for a field that is not there, or a value of another kind than the field's.
    """
    tree: dict[str, Any] = {}
    for setting in settings:
        path, equals, written = setting.partition("=")
        if not equals:
            raise UsageError(f"--set '{setting}' has no value; write it as --set {path or 'speech.snr'}=VALUE")
        try:
            value = json.loads(written)
        except json.JSONDecodeError:
            raise UsageError(f"--set {path}: '{written}' is no JSON; write a number, true, null, \"words\" or [1, 2]") from None
        *parts, name = path.split(".")
        branch = tree
        for part in parts:
            branch = branch.setdefault(part, {})
            if isinstance(branch, _Set):
                raise UsageError(f"--set {path}: --set {branch.path} gave a value to the whole; give one of the two")
        branch[name] = _Set(value, path)
    made: Recipe = _with(recipe, tree)
    return made


class _Set(NamedTuple):
    """A value that a field is set to. path: as the user wrote it."""

    value: Any
    path: str


def _with(part: Any, tree: Mapping[str, Any]) -> Any:
    """A frozen dataclass with its fields set as the tree says, all at once, for some hold only together."""
    known = {f.name: f for f in fields(part)}
    changes = {}
    for name, new in tree.items():
        path = _first(new).path
        if name not in known:
            raise UsageError(f"--set {path}: a lab recipe has no '{name}' there; {did_you_mean(name, known)}")
        now = getattr(part, name)
        if isinstance(new, _Set):
            changes[name] = _leaf(new, now, str(known[name].type))
        elif is_dataclass(now):
            changes[name] = _with(now, new)
        else:
            raise UsageError(f"--set {path}: '{name}' has no parts; give it a value itself")
    return replace(part, **changes)


def _first(new: Any) -> _Set:
    return new if isinstance(new, _Set) else _first(next(iter(new.values())))


def _leaf(new: _Set, now: Any, declared: str) -> Any:
    """The new value of a field, as its type declares it."""
    if is_dataclass(now):
        raise UsageError(f"--set {new.path}: it has parts; set one of {', '.join(f'{new.path}.{f.name}' for f in fields(now))}")
    made = _as_declared(_frozen(new.value), now, declared)
    if made is None and not (new.value is None and "None" in declared):
        raise UsageError(f"--set {new.path}: {json.dumps(new.value)} is not of the kind of {json.dumps(now)} ({declared})")
    return made


def _frozen(value: Any) -> Any:
    """Lists become tuples, all the way down."""
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _as_declared(value: Any, now: Any, declared: str) -> Any:
    """The value as the field's type declares it; None where it is of another kind. now: today's value."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if declared == "float":
        return float(value) if number else None
    if declared.startswith("tuple[float, float]"):  # a range
        several = isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, int | float) for part in value)
        return tuple(float(part) for part in value) if several and value[0] <= value[1] else None
    alike = not isinstance(value, tuple) or all(type(part) is type(now[0]) for part in value)
    return value if type(value) is type(now) and alike else None
