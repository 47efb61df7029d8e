"""Every choice that a number depends on, what the paper says of it, and the protocols that fix them: `emnlp2025` is the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from lsgap_bench.errors import UsageError, did_you_mean

DEFAULT = "lsgap"
SILENT = "silent"
BEYOND = "not in it"


@dataclass(frozen=True)
class Choice:
    """One point of the measurement that a number depends on.

    values: what it can be, the default first; a single one is fixed in this suite. meaning: of the values. paper: the section that fixes
    the default, with what it does where that is otherwise; SILENT where the paper does not say, BEYOND where it has no such thing.
    observed: it decides what a model gives, so that another value needs the model again.
    """

    name: str
    values: tuple[str, ...]
    meaning: str
    paper: str = SILENT
    observed: bool = False

    @property
    def default(self) -> str:
        """The value where nothing else is asked for."""
        return self.values[0]

    def checked(self, value: Any) -> str:
        """The value; UsageError for one that the choice cannot take."""
        if str(value) in self.values:
            return str(value)
        can = f"write {' or '.join(self.values)}" if len(self.values) > 1 else f"it is '{self.default}' and cannot be changed"
        raise UsageError(f"choice {self.name}={value}: {can}")


_CHOICES = (
    Choice(
        "layers",
        ("1..L", "0..L", "1..L-1"),
        "layers over which a metric's mean is taken; layer 0 is the decoder's input, layer L comes after the final norm",
        "section 4",
    ),
    Choice(
        "path",
        ("cosine", "euclidean"),
        "similarity by which an intervention aligns text tokens to speech positions, and by which bottomK and topK rank them",
        observed=True,
    ),
    Choice(
        "shared_position",
        ("best", "first", "last"),
        "whose text state edits a speech position that several selected tokens are aligned to: the best aligned one's, or the first or "
        "last one's in reading order",
        observed=True,
    ),
    Choice(
        "positions",
        ("content",),
        "states are taken at the positions of the clip and of the question's tokens; not of system turn, template or answer",
        "section 4",
    ),
    Choice("pooling", ("mean",), "pooled states are the mean over the content positions", "section 4"),
    Choice("text_states", ("same layer",), "speech of layer l is compared with, and edited by, text of layer l", "section 5.1"),
    Choice(
        "final_norm",
        ("included", "excluded"),
        "layer L is the last block's output after the decoder's final norm, or before it",
        observed=True,
    ),
    Choice(
        "path_rule",
        ("best per token",),
        "each text token, on its own, goes to the speech position of highest cosine or smallest distance",
        "section 5.1",
    ),
    Choice(
        "path_statistics",
        ("per layer",),
        "monotonicity (Spearman's rho, ties averaged) and consistency are taken in each layer, then averaged over layers; the metric "
        "`path_monotonicity_pooled` takes the layers together",
    ),
    Choice("items", ("mean",), "a task's value is the mean over its items", "section 4"),
    Choice(
        "overall",
        ("mean of tasks",),
        "a group's value is the mean over its tasks, which weigh the same unless the group says otherwise; a group in it counts as one",
        "sections 3-4",
    ),
    Choice("gap", ("text - speech",), "scores of the same model, paired by item, in points", "sections 3-4"),
    Choice(
        "edit",
        ("as named",),
        "plug-in, tokens and layer of an intervention stand in its name; the paper's `speech token embeddings` are read as layer 0",
        "section 5.3",
    ),
    Choice(
        "edited_selection",
        ("each", "first"),
        "with @all, path and selection are made anew in each layer, or once, in layer 0",
        observed=True,
    ),
    Choice(
        "edited_positions",
        ("prompt",),
        "the states of the prompt are edited, once; a free answer goes on from them and is not edited itself",
    ),
    Choice(
        "edited_tasks",
        ("all",),
        "interventions run on every task; the paper ran them on sd-qa only, so read that task's own row against it",
        "section 5.3: sd-qa",
    ),
    Choice("decoding", ("greedy",), "free answers are greedy; tasks that sample are named among a record's deviations"),
    Choice("unread", ("chance", "wrong"), "an answer that the scorer cannot read counts as its expectation under guessing, or as 0"),
    Choice("absent", ("left out",), "a layer or item without a value is left out of a mean, never counted as 0"),
    Choice(
        "word_errors",
        ("whisper",),
        "a transcript and the words spoken are compared after Whisper's English normalisation, brackets being text; a task's word error "
        "rate is all its errors over all its words",
        BEYOND,
    ),
    Choice("precision", ("float32",), "similarities are computed in float32 or wider, whatever the model runs in"),
    Choice(
        "partners",
        ("nearest length",),
        "a null's partner is drawn from the seed and the item's id, from another cluster, of the nearest text length",
        BEYOND,
    ),
)
CHOICES: Mapping[str, Choice] = MappingProxyType({choice.name: choice for choice in _CHOICES})
DEFAULT_LAYERS = CHOICES["layers"].default

LEFT_ALONE: Mapping[str, Any] = MappingProxyType(
    {"limit": None, "gen_kwargs": {}, "system_instruction": None, "long_clips": "refuse", "skip_bad_items": False}
)
"""Settings of a run that change its numbers, with the values at which they do not."""


@dataclass(frozen=True)
class Protocol:
    """What a published number stands for.

    tasks, metrics, conditions: what is run; empty where the run says it. choices: name -> value, those it fixes; the others take what is
    asked for, or their default.
    """

    name: str
    summary: str
    tasks: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)

    def settled(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Every choice with its value. UsageError for a choice or value that is not known, or that the protocol fixes otherwise."""
        for name, value in asked.items():
            if name not in CHOICES:
                raise UsageError(f"no choice is called '{name}'; {did_you_mean(name, CHOICES)}")
            fixed = self.choices.get(name)
            if CHOICES[name].checked(value) != (fixed or str(value)):
                raise UsageError(f"protocol {self.name} fixes {name}={fixed}, so {name}={value} needs another protocol, such as {DEFAULT}")
        return {name: self.choices.get(name) or str(asked.get(name, choice.default)) for name, choice in CHOICES.items()}

    def choices_in_full(self) -> list[tuple[Choice, bool]]:
        """Every choice, and whether the protocol fixes it."""
        return [(choice, name in self.choices) for name, choice in CHOICES.items()]

    def metrics_of(self, asked: Sequence[str] | None) -> Sequence[str] | None:
        """The metrics to run, None for all. UsageError where others than the protocol's are asked for."""
        if asked is not None and self.metrics and set(asked) != set(self.metrics):
            raise UsageError(f"protocol {self.name} fixes the metrics, see `lsgap ls protocols`; leave out --metrics")
        return asked if asked is not None else self.metrics or None

    def entry(self, choices: Mapping[str, str], run: Mapping[str, Any]) -> dict[str, Any]:
        """What a record says of its protocol. run: see `deviations`."""
        return {"name": self.name, "choices": dict(choices), "deviations": self.deviations(run)}

    def deviations(self, run: Mapping[str, Any]) -> list[str]:
        """What a run does otherwise, one phrase each.

        run: `tasks` and `conditions` by name, `generation`, task -> its settings, and the run's own settings as far as in LEFT_ALONE.
        """
        sampled = [task for task, of in run.get("generation", {}).items() if of.get("do_sample")]
        found = [f"decoding: sampling is on in {', '.join(sampled)}"] if sampled else []
        if self.tasks:
            given = {key: tuple(run[key]) for key in ("tasks", "conditions")}
            found += [f"{key}: {', '.join(names)}" for key, names in given.items() if set(names) != set(getattr(self, key))]
            found += [f"{key}: {run[key]}" for key, usual in LEFT_ALONE.items() if run.get(key, usual) != usual]
        return found


_EDITED = tuple(f"speech+{plugin}:{tokens}@0" for plugin in ("angle_projection", "length_normalization") for tokens in ("bottom3", "all"))
_PROTOCOLS = (
    Protocol(DEFAULT, "this suite's defaults; tasks, metrics, conditions and the open choices are the run's to set"),
    Protocol(
        "emnlp2025",
        "the paper's own measurement (EMNLP 2025, main.262): five VoiceBench subsets, and every choice as the paper makes it or, where it "
        "is silent, at its default; the paper ran the interventions on sd-qa only",
        tasks=("emnlp2025",),
        metrics=(
            "pooled_cosine",
            "pooled_euclidean",
            "alignment_path_score",
            "alignment_path_score_euclidean",
            "path_monotonicity",
            "path_monotonicity_euclidean",
            "path_consistency",
            "modality_gap",
        ),
        conditions=("text", "speech", *_EDITED),
        choices={name: choice.default for name, choice in CHOICES.items()},
    ),
)
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({protocol.name: protocol for protocol in _PROTOCOLS})


def protocol_called(name: str) -> Protocol:
    """The protocol of a name; UsageError for an unknown one."""
    if name not in PROTOCOLS:
        raise UsageError(f"no protocol is called '{name}'; {did_you_mean(name, PROTOCOLS)}")
    return PROTOCOLS[name]


def choices_of(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Every choice of a record, from its provenance; a record that keeps none was made with the defaults.

    UsageError for a choice or value that this version does not know.
    """
    return PROTOCOLS[DEFAULT].settled(provenance.get("protocol", {}).get("choices", {}))


def in_words(provenance: Mapping[str, Any]) -> str:
    """How a record was measured, in one line: its protocol, choices that are not at their defaults, deviations; empty where nothing is."""
    said = provenance.get("protocol", {})
    name, deviations = said.get("name", DEFAULT), said.get("deviations", [])
    parts = [f"{key}={value}" for key, value in choices_of(provenance).items() if value != CHOICES[key].default]
    parts += [f"deviations: {'; '.join(deviations)}"] if deviations else []
    return "; ".join([f"Protocol {name}", *parts]) if parts or name != DEFAULT else ""


def observed_otherwise(choices: Mapping[str, str]) -> dict[str, str]:
    """The choices that decide what a model gives and differ from their defaults: they belong into an observation's key."""
    return {name: value for name, value in choices.items() if CHOICES[name].observed and value != CHOICES[name].default}
