"""What a run is asked to do: the settings as `lsgap run` and `evaluate` take them, their kinds checked, their defaults filled in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsgap_bench.braces import expand
from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.interventions.functional import parse_selection
from lsgap_bench.models.adapter import SpeechLM
from lsgap_bench.protocols import DEFAULT, LEFT_ALONE, Protocol, protocol_called
from lsgap_bench.registry import REPRESENTATION, interventions, metrics
from lsgap_bench.schema import COMPANIONS, Condition
from lsgap_bench.store import key_of
from lsgap_bench.yaml_files import read_catalog

PLAIN = ("text", "speech")
DEMO_TASKS = ("lsgap_mini",)
DEMO_CONDITIONS = (
    *PLAIN,
    "speech+angle_projection:bottom3@0",
    "speech+angle_projection:all@0",
    "speech+angle_projection:random3@0",
    "speech+length_normalization:bottom3@0",
    "speech+length_normalization:all@0",
)
_NAMED_BEFORE: tuple[tuple[str, Any], ...] = (("protocol", DEFAULT), ("choices", {}), ("judge", None), ("judge_args", {}))
"""Settings that came later; at their defaults a folder has the name that it had without them."""
AUTO_BATCH = {"cpu": 32, "cuda": 64}


@dataclass(frozen=True)
class Settings:
    """Everything that `lsgap run` takes. Empty sequences and None mean the default. UsageError for a value of the wrong kind."""

    model: str = "hf-speech"
    model_args: Mapping[str, Any] = field(default_factory=dict)
    tasks: Sequence[str] = ()
    include_path: Sequence[str] = ()
    conditions: Sequence[str] = ()
    metrics: Sequence[str] | None = None
    limit: int | None = None
    batch_size: int | str = "auto"
    output_path: str | Path | None = None
    resume: bool = True
    seed: int = 0
    device: str | None = None
    gen_kwargs: Mapping[str, Any] = field(default_factory=dict)
    system_instruction: str | None = None
    long_clips: str = "refuse"
    skip_bad_items: bool = False
    tags: Mapping[str, Any] = field(default_factory=dict)
    systems: Sequence[str] = ()
    base: str = "hf-text"
    base_args: Mapping[str, Any] = field(default_factory=dict)
    recognizer: str = "hf-asr"
    recognizer_args: Mapping[str, Any] = field(default_factory=dict)
    protocol: str = DEFAULT
    choices: Mapping[str, Any] = field(default_factory=dict)
    judge: str | None = None
    judge_args: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (fits, kind) in _KINDS.items():
            value = getattr(self, name)
            if not fits(value):
                raise UsageError(f"{name} {value!r} is {type(value).__name__}; give {kind}")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit {self.limit} leaves no items; give at least 1")

    @property
    def demo(self) -> bool:
        """Whether the embedded model is asked for: no model arguments at all."""
        return self.model == "hf-speech" and "pretrained" not in self.model_args

    @property
    def rules(self) -> Protocol:
        """The protocol that is followed; UsageError for an unknown one."""
        return protocol_called(self.protocol)

    def task_names(self) -> list[str]:
        """The tasks asked for, else the protocol's, else the embedded ones. UsageError where there are no files for the protocol's."""
        if self.tasks or not self.rules.tasks:
            return [str(name) for name in self.tasks or DEMO_TASKS]
        missing = set(self.rules.tasks) - read_catalog(self.include_path).names
        if missing:
            raise UsageError(
                f"protocol {self.protocol} has the tasks '{', '.join(sorted(missing))}', which are not among the task files; name others "
                "with --tasks A,B, which the record notes as a deviation, or give their folder with --include_path DIR"
            )
        return list(self.rules.tasks)

    def protocol_entry(self, choices: Mapping[str, str], **run: Any) -> dict[str, Any]:
        """What the record says of the protocol. choices: all, settled. run: `tasks`, `conditions` and `generation`, as they were run."""
        return self.rules.entry(choices, {**{name: getattr(self, name) for name in LEFT_ALONE}, **run})

    def companions(self) -> tuple[str, ...]:
        """`base` and `cascade` as far as they are asked for; `lslm` always runs. UsageError for other names, and for idle arguments."""
        for name in self.systems:
            if name not in ("lslm", *COMPANIONS):
                raise UsageError(f"no system is called '{name}'; {did_you_mean(str(name), ('lslm', *COMPANIONS))}")
        asked = tuple(name for name in COMPANIONS if name in self.systems)
        if self.base_args and not asked:
            raise UsageError("base_args are given, but no base is asked for; add --systems base,cascade,lslm")
        if self.recognizer_args and not self.transcribes:
            raise UsageError(
                "recognizer_args are given, but no cascade is asked for; add --systems base,cascade,lslm or --conditions text=transcript"
            )
        return asked

    @property
    def transcribes(self) -> bool:
        """Whether a recognizer is needed: for the cascade, or for a condition that reads transcripts."""
        return "cascade" in self.systems or any(condition.read == "transcript" for condition in self.parsed_conditions())

    def parsed_conditions(self) -> tuple[Condition, ...]:
        """The conditions, checked but for their layers and the names of variants.

        The plain forms that one is compared with are added to it: both to an intervention, `text` to a text control, `speech` to a variant.
        """
        names = expand(map(str, self.conditions)) or list(self.rules.conditions or (DEMO_CONDITIONS if self.demo else PLAIN))
        asked = [Condition.parse(name) for name in dict.fromkeys(names)]
        needed = {side for condition in asked for side in _references(condition)}
        conditions = tuple(dict.fromkeys([*(Condition.parse(side) for side in PLAIN if side in needed), *asked]))
        for condition in conditions:
            if condition.intervention is not None:
                interventions[condition.intervention]
                parse_selection(str(condition.selection))
        return conditions

    def representation_metrics(self) -> tuple[str, ...]:
        """Representation metrics by name; the protocol's, or all of them, by default."""
        return self._metrics(*REPRESENTATION)

    def answer_metrics(self) -> tuple[str, ...]:
        """Metrics of an item's answers by name; the protocol's, or all of them, by default."""
        return self._metrics("answers")

    def _metrics(self, *needs: str) -> tuple[str, ...]:
        asked = self.rules.metrics_of(self.metrics)
        asked = list(metrics) if asked is None else asked
        return tuple(name for name in dict.fromkeys(asked) if metrics[name].needs in needs)

    def check_batch_size(self) -> None:
        """UsageError where the batch size is neither `auto` nor a number of items."""
        if self.batch_size == "auto" or (str(self.batch_size).isdigit() and int(self.batch_size) >= 1):
            return
        raise UsageError(f"batch_size {self.batch_size!r} is no number of items; write a whole number from 1 on, or auto")

    def items_per_batch(self, model: SpeechLM) -> int:
        """The batch size to begin with."""
        self.check_batch_size()
        return AUTO_BATCH.get(model.device.type, AUTO_BATCH["cpu"]) if self.batch_size == "auto" else int(self.batch_size)

    def folder(self, model: SpeechLM) -> Path | None:
        """The run folder; `auto` names it after the model and a fingerprint of all that the record depends on."""
        if self.output_path != "auto":
            return None if self.output_path is None else Path(self.output_path)
        asked = {k: v for k, v in dataclasses.asdict(self).items() if k not in ("output_path", "resume", "batch_size")}
        asked = {k: v for k, v in asked.items() if (k, v) not in _NAMED_BEFORE}
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", model.name)
        return Path("lsgap_results") / f"{name}-{key_of(model=model.fingerprint, settings=asked)[:8]}"


def _references(condition: Condition) -> tuple[str, ...]:
    """The plain forms with which a condition is compared."""
    return PLAIN if condition.intervention else ("speech",) if condition.variant else ("text",) if condition.read != "text" else ()


def _is(*kinds: type) -> Any:
    """Whether a value is of one of some types; True and False are no numbers."""
    return lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _names(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(name, (str, Path)) for name in value)


_NONE = type(None)
_KINDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("model", "base", "recognizer", "long_clips", "protocol"), (_is(str), "a string")),
    **dict.fromkeys(("device", "system_instruction", "judge"), (_is(str, _NONE), "a string, or None")),
    **dict.fromkeys(
        ("model_args", "base_args", "recognizer_args", "judge_args", "gen_kwargs", "tags", "choices"),
        (_is(dict), "a dict such as {'dtype': 'float32'}"),
    ),
    **dict.fromkeys(("tasks", "include_path", "conditions", "systems"), (_names, "a list of names")),
    "metrics": (lambda value: value is None or _names(value), "a list of names, or None for all"),
    "limit": (_is(int, _NONE), "a whole number, or None"),
    "seed": (_is(int), "a whole number"),
    "batch_size": (_is(int, str), "a whole number, or 'auto'"),
    "output_path": (_is(str, Path, _NONE), "a path, 'auto', or None to write nothing"),
    **dict.fromkeys(("resume", "skip_bad_items"), (_is(bool), "True or False")),
}
