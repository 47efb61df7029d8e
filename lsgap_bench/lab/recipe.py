"""What a lab model is made of, from its size to its last training step: a recipe and its seeds decide its weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

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
