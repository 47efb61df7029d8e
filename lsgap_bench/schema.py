"""The words of the house as types: Clip, Item, Condition, Observation, Verdict, Pair, Estimate, Record. All frozen."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lsgap_bench.errors import UsageError, did_you_mean

Modality = Literal["text", "speech"]
ClipSource = Literal["own", "silence", "other"]
Read = Literal["text", "spoken_form", "transcript"]
Layer = int | Literal["all"]
Side = Literal["matched", "other_task", "same_task"]
SIDES: tuple[Side, ...] = ("matched", "other_task", "same_task")
CANARY = ("speech=silence", "speech=other")
"""The conditions that check whether the model hears at all; they may cover some items only."""
SOUNDS = ("own", "silence", "other")
"""What `speech` plays; no variant has one of these names."""
TEXT_CONTROLS: Mapping[str, Read] = {"text=spoken_form": "spoken_form", "text=transcript": "transcript"}
"""Conditions in which the model reads something else than the item's text, and what."""
COMPANIONS = {"base": "text", "cascade": "speech"}
"""The systems beside the speech language model (`lslm`), and the condition of an item that each of them answers."""
VOICE_COLUMNS = ("voice", "speaker", "accent")
"""The columns of a document that may say who speaks, the first one that is there being taken."""
CONTROLS = {
    "wrong_transcript": "path, selection and edit all use the text states of the same-task partner",
    "random_direction": "the edit is handed random directions with the norms of the own text states",
}
"""What may take the own text's place in an intervention (`lsgap_bench.interventions.controls`)."""


@dataclass(frozen=True)
class Clip:
    """A spoken question as a lazy handle: known by its hash, decoded only when a batch needs it.

    sha256: of the encoded bytes. sampling_rate: Hz, of the file. frames: samples per channel.
    read: returns the encoded bytes; it must not keep them, so that memory does not grow with the number of items.
    """

    sha256: str
    sampling_rate: int
    frames: int
    read: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.frames / self.sampling_rate

    def to_dict(self) -> dict[str, Any]:
        """What a log needs to know the clip again; no waveform."""
        return {"sha256": self.sha256, "sampling_rate": self.sampling_rate, "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Span:
    """When a word is said: [start, end) in seconds of the clip."""

    start: float
    end: float


@dataclass(frozen=True)
class Generation:
    """How a free answer is made, the same in both modalities. max_new_tokens: tokens; until: stop strings."""

    max_new_tokens: int = 1024
    until: tuple[str, ...] = ()
    do_sample: bool = False
    temperature: float | None = None
    top_p: float | None = None


@dataclass(frozen=True)
class Item:
    """One question in both forms.

    id: unique within the run (task name and document number). text: the words, exactly what the clip says.
    options: the answers to choose from, empty for a free answer. cluster: dependent items share it. family: tasks of one family share their
    template. chance: expected score of guessing, a fraction, None where it is not known. words: when each word of the text is said, None
    for a word of unknown time; empty where the task does not say. fields: the document's own columns, for scorers. spoken: the text exactly
    as a voice was given it, numbers and symbols in words; None where the clip is a recording. manner: at what speed, pitch and seed it
    spoke; empty for a recording. variants: the task's own ones of `speech`, name -> what is done to the clip (`lsgap_bench.variants`).
    """

    id: str
    task: str
    text: str
    clip: Clip
    target: str
    cluster: str
    family: str
    options: tuple[str, ...] = ()
    chance: float | None = None
    system: str | None = None
    generation: Generation = Generation()
    words: tuple[Span | None, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    spoken: str | None = None
    manner: Mapping[str, Any] = field(default_factory=dict, repr=False)
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def voice(self) -> str | None:
        """Who speaks, as the document says in one of VOICE_COLUMNS; None where it does not."""
        said = (self.fields.get(column) for column in VOICE_COLUMNS)
        return next((str(value) for value in said if isinstance(value, (str, int)) and value != ""), None)


_VARIANT = re.compile(r"speech=(?P<name>[A-Za-z][\w.-]*)")
_INTERVENTION = re.compile(r"speech\+(?P<plugin>[\w-]+):(?P<selection>\w+)@(?P<layer>0|[1-9]\d*|all)(?:=(?P<control>[\w-]*))?")


@dataclass(frozen=True)
class Condition:
    """One way of presenting an item to a model, known by its name.

    `text`, `speech`, `speech=silence`, `speech=other`; one of TEXT_CONTROLS such as `text=transcript`; a variant of the clip such as
    `speech=noise10` (`lsgap_bench.variants`, which knows the names); or an intervention on the spoken one such as
    `speech+angle_projection:bottom3@0` (plug-in, token selection, layer), or one of its controls, such as
    `speech+angle_projection:bottom3@0=wrong_transcript` (see CONTROLS).
    """

    name: str
    modality: Modality
    clip: ClipSource = "own"
    intervention: str | None = None
    selection: str | None = None
    layer: Layer | None = None
    control: str | None = None
    read: Read = "text"
    variant: str | None = None

    @property
    def sound(self) -> str:
        """What is played: conditions that share it share the waveform."""
        return self.variant or self.clip

    @classmethod
    def parse(cls, name: str) -> Condition:
        """The condition called `name`; UsageError if the name follows none of the forms, or names a control that is not known."""
        match name:
            case "text":
                return cls(name, "text")
            case "speech":
                return cls(name, "speech")
            case "speech=silence":
                return cls(name, "speech", clip="silence")
            case "speech=other":
                return cls(name, "speech", clip="other")
        if name in TEXT_CONTROLS:
            return cls(name, "text", read=TEXT_CONTROLS[name])
        if (varied := _VARIANT.fullmatch(name)) and varied["name"] not in SOUNDS:
            return cls(name, "speech", variant=varied["name"])
        found = _INTERVENTION.fullmatch(name)
        if not found:
            raise UsageError(
                f"condition '{name}' is not understood; write text, speech, {', '.join(TEXT_CONTROLS)}, speech=VARIANT such as "
                "speech=noise10, or "
                "speech+PLUGIN:SELECTION@LAYER such as speech+angle_projection:bottom3@0, with =CONTROL after it for a control"
            )
        control = found["control"]
        if control is not None and control not in CONTROLS:
            raise UsageError(f"condition '{name}': no control is called '{control}'; {did_you_mean(control, CONTROLS)}")
        layer: Layer = "all" if found["layer"] == "all" else int(found["layer"])
        return cls(name, "speech", intervention=found["plugin"], selection=found["selection"], layer=layer, control=control)


@dataclass(frozen=True)
class Observation:
    """What one forward pass of one item under one condition gave.

    answer: the free answer, or the option of highest loglikelihood. option_logprobs: nats, summed over each option's tokens, with
    option_tokens their numbers. curves: metric -> side -> one value per layer 0..L; NaN where the value is absent.
    content_tokens: positions of the content in the decoder, None where the model does not show them. logits_sha256: of the float32 logits
    after the prompt, so that bit-equality can be checked; empty without logits. pcm_sha256: of the waveform the model was given. A metric
    of the logits has one value for a curve.
    replaced: distinct speech positions edited (mean over the edited layers), None without an intervention.
    partners: side -> id of the item whose text made the null, or was handed to the edit; `clip` -> id of the item whose clip was played
    instead of the own one. absent: why there is no answer, None where there is one; such an observation gets no verdict. transcript: what
    a recognizer made of the clip, None but in a cascade. usage: of a model that is asked over a network, what the request took:
    `request` (its name: observations that share an answer share it), `tries`, `seconds`, token counts, and what else it says.
    """

    item: str
    condition: str
    answer: str
    prompt: str
    content_tokens: int | None
    logits_sha256: str
    pcm_sha256: str | None = None
    option_logprobs: tuple[float, ...] = ()
    option_tokens: tuple[int, ...] = ()
    curves: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    replaced: float | None = None
    partners: Mapping[str, str] = field(default_factory=dict)
    absent: str | None = None
    transcript: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; NaN becomes null."""
        plain: dict[str, Any] = asdict(self)
        plain["curves"] = {
            metric: {side: [None if math.isnan(v) else v for v in curve] for side, curve in sides.items()}
            for metric, sides in self.curves.items()
        }
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Observation:
        """The inverse of `to_dict`."""
        curves = {
            metric: {side: tuple(math.nan if v is None else v for v in curve) for side, curve in sides.items()}
            for metric, sides in plain["curves"].items()
        }
        return cls(
            **{
                **plain,
                "curves": curves,
                "option_logprobs": tuple(plain["option_logprobs"]),
                "option_tokens": tuple(plain["option_tokens"]),
            }
        )


@dataclass(frozen=True)
class BlockTerms:
    """What one block of items gave the metrics that need many items at once.

    block: its name. task: of all its items. group: blocks of one group hold the same questions in several voices, and are no independent
    evidence. items: their ids. terms: metric -> side -> one tuple of terms per layer 0..L; NaN where absent.
    """

    block: str
    task: str
    group: str
    items: tuple[str, ...]
    terms: Mapping[str, Mapping[str, tuple[tuple[float, ...], ...]]]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; NaN becomes null."""
        terms = {
            metric: {side: [[None if math.isnan(v) else v for v in layer] for layer in layers] for side, layers in sides.items()}
            for metric, sides in self.terms.items()
        }
        return {"block": self.block, "task": self.task, "group": self.group, "items": list(self.items), "terms": terms}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> BlockTerms:
        """The inverse of `to_dict`."""
        terms = {
            metric: {side: tuple(tuple(math.nan if v is None else v for v in layer) for layer in layers) for side, layers in sides.items()}
            for metric, sides in plain["terms"].items()
        }
        return cls(**{**plain, "items": tuple(plain["items"]), "terms": terms})


@dataclass(frozen=True)
class Verdict:
    """What a scorer says of one answer.

    prediction: what was extracted, None if nothing. score: 0..1; the expectation of guessing where nothing was extracted; NaN where a judge
    was asked and none of its votes could be read.
    correct: None where the score is graded. extracted: whether the answer could be read at all.
    """

    prediction: Any
    score: float
    correct: bool | None
    extracted: bool
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """What a judge is asked about one answer. prompt: all that it is told. read: its reply -> a vote, None for one that cannot be read."""

    prompt: str
    read: Callable[[str], Any]


@dataclass(frozen=True)
class Pair:
    """One item with everything observed of it, text and speech side by side: condition -> observation, condition -> verdict.

    unjudged: condition -> why its answer has no verdict, where a judge would have to give one. others: further scorer of the task ->
    condition -> its verdict on the same answer.
    """

    item: Item
    observations: Mapping[str, Observation]
    verdicts: Mapping[str, Verdict]
    unjudged: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, Verdict]] = field(default_factory=dict)

    def score(self, condition: str) -> float:
        """The score under a condition, 0..1; NaN where that condition was not run."""
        verdict = self.verdicts.get(condition)
        return math.nan if verdict is None else verdict.score


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval. Scores, gaps and gains are in points (0-100). n: items. method: how the interval was made.

    An absent value is NaN here and null on disk, with `why`.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    unit: str = "points"
    method: str = ""
    why: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """On disk: NaN becomes null; `why` is there only when the value is absent."""
        plain = {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in asdict(self).items()}
        if self.why is None:
            plain.pop("why")
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Estimate:
        """The inverse of `to_dict`."""
        numbers = {k: math.nan if plain.get(k) is None else float(plain[k]) for k in ("value", "low", "high")}
        return cls(**numbers, n=plain["n"], unit=plain["unit"], method=plain["method"], why=plain.get("why"))


def absent(why: str, unit: str = "points", n: int = 0) -> Estimate:
    """An Estimate that says why there is no value."""
    return Estimate(math.nan, n=n, unit=unit, why=why)


@dataclass(frozen=True)
class PValue:
    """A two-sided p-value and the test that gave it."""

    value: float
    test: str


@dataclass(frozen=True)
class Representation:
    """One representation metric on one task, mean over the record's layers (1..L unless another choice was made) and items.

    null, above_null and by_layer_null are keyed by `other_task` and `same_task`. by_layer: layers 0..L, mean over items, NaN where absent;
    of a metric of the logits a single value. by_layer_band: `matched` and the two nulls -> (low, high) per layer, a pointwise 95 % t
    interval on cluster sums. by_length: `matched`, and the distance above each null -> Spearman's rho with the number of speech tokens,
    within tasks; empty for a metric of many items.
    """

    value: Estimate
    null: Mapping[str, Estimate]
    above_null: Mapping[str, Estimate]
    by_layer: Sequence[float]
    by_layer_null: Mapping[str, Sequence[float]]
    by_layer_band: Mapping[str, Sequence[tuple[float, float]]]
    unit: str
    by_length: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def layered(self) -> bool:
        """Whether there is a value per layer."""
        return len(self.by_layer) > 1


@dataclass(frozen=True)
class AnswerMeasure:
    """One answer metric on one task, mean over items.

    null: over the canary items, with another item's clip in place of the own one: what a deaf model would get. above_null: value minus
    null, on the items that have both.
    """

    value: Estimate
    null: Estimate
    above_null: Estimate
    unit: str


@dataclass(frozen=True)
class InterventionResult:
    """One intervention against plain speech. gain: points.

    recovered: items wrong in speech and right here; broken: the reverse; both None for graded scores.
    replaced: mean number of distinct speech positions edited per item. p_holm: p_value, adjusted over all conditions of the run's grid.
    """

    score: Estimate
    gain: Estimate
    p_value: PValue
    recovered: int | None
    broken: int | None
    replaced: float
    p_holm: float = math.nan


@dataclass(frozen=True)
class ConditionResult:
    """A text control or a variant of the clip beside the plain form that it is compared with.

    reference: `text` or `speech`. difference: score - that of the reference, in points, paired by item. recovered: items wrong under the
    reference and right here; broken: the reverse; both None for graded scores. p_holm: p_value, adjusted over all conditions beside it.
    """

    reference: str
    score: Estimate
    difference: Estimate
    p_value: PValue
    recovered: int | None
    broken: int | None
    p_holm: float = math.nan


@dataclass(frozen=True)
class GapSplit:
    """The gap as a sum, by the text controls that were run, in points: verbalisation + recognition + rest = gap.

    gap: text - speech, over the items that were run under all of its conditions. verbalisation: text - text=spoken_form, what is lost by
    writing the words as they are said. recognition: text=spoken_form (where it was not run: text) - text=transcript, what a recognizer's
    errors cost the same model. rest: what is left, from the last of these texts to speech. wer: of the transcripts, a fraction.
    A part that was not run is absent, and lies in the next one.
    """

    gap: Estimate
    verbalisation: Estimate
    recognition: Estimate
    rest: Estimate
    wer: Estimate


NOT_RUN = absent("this system was not run")
NOT_MADE = absent("not computed by the version that made this record")


@dataclass(frozen=True)
class Recognition:
    """What the recognizer of the cascade wrote down of one task's clips, and how much of the gap that explains; scores paired by item.

    wer: word error rate of the transcripts, a fraction, all errors over all words. wer_by_voice: of the items of each voice.
    loss = base - cascade, in points: what the recognizer's errors cost the base, which gets the same prompt with the transcript in the
    place of the text. rest = (text - speech) - loss: what of the gap they do not explain. gap_heard, loss_heard: text - speech, and
    base - cascade, on the items whose transcript has no error, so that nothing in the clip was hard to recognise.
    """

    wer: Estimate = NOT_MADE
    loss: Estimate = NOT_MADE
    rest: Estimate = NOT_MADE
    gap_heard: Estimate = NOT_MADE
    loss_heard: Estimate = NOT_MADE
    wer_by_voice: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class OtherScores:
    """The same answers under another scorer, so that a gap of the model is told from one of the rule that reads its answers.

    scores, fail_rate: of `text` and `speech`, as far as they were run; otherwise as `TaskResult`.
    """

    scores: Mapping[str, Estimate]
    gap: Estimate
    p_value: PValue
    fail_rate: Mapping[str, float]


@dataclass(frozen=True)
class TaskResult:
    """Everything measured on one task. scores: condition -> Estimate in points; chance and fail_rate are fractions.

    fail_rate has `base` and `cascade` beside the conditions. base: the backbone on text. cascade: recognizer + backbone.
    erosion = base - text, in points. recovery = speech / base, a ratio of means. recognition: of the cascade's transcripts.
    detectable: the smallest gap that these items show with power 0.8, in points. answers: answer metric -> what it says.
    agreement: metric of two systems' answers -> `text|speech` -> Estimate. other_scorers: further scorer -> what it makes of the answers;
    `NAME, corpus` -> the figure of all items together that the scorer NAME declares.
    conditions: text control or variant -> what it changes. split: of the gap, None where no text control was run.
    """

    version: str
    n: int
    chance: float | None
    fail_rate: Mapping[str, float]
    scores: Mapping[str, Estimate]
    gap: Estimate
    p_value: PValue
    base: Estimate = NOT_RUN
    cascade: Estimate = NOT_RUN
    erosion: Estimate = NOT_RUN
    recovery: Estimate = NOT_RUN
    recognition: Recognition = Recognition()
    detectable: Estimate = NOT_MADE
    answers: Mapping[str, AnswerMeasure] = field(default_factory=dict)
    agreement: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    representation: Mapping[str, Representation] = field(default_factory=dict)
    interventions: Mapping[str, InterventionResult] = field(default_factory=dict)
    other_scorers: Mapping[str, OtherScores] = field(default_factory=dict)
    conditions: Mapping[str, ConditionResult] = field(default_factory=dict)
    split: GapSplit | None = None


@dataclass(frozen=True)
class GroupResult:
    """Means over the tasks of a group, each task resampled by its own clusters; otherwise as `TaskResult`.

    weights: task -> what it weighs in these means, adding up to 1; none in a record of an older version, whose tasks weigh the same.
    other_scorers: one entry, of each task's first further scorer, or its own where it has no further one; none where no task has.
    """

    tasks: Sequence[str]
    scores: Mapping[str, Estimate]
    gap: Estimate
    p_value: PValue = PValue(math.nan, "tested per task")
    base: Estimate = NOT_RUN
    cascade: Estimate = NOT_RUN
    erosion: Estimate = NOT_RUN
    recovery: Estimate = NOT_RUN
    recognition: Recognition = Recognition()
    detectable: Estimate = NOT_MADE
    answers: Mapping[str, AnswerMeasure] = field(default_factory=dict)
    agreement: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    representation: Mapping[str, Representation] = field(default_factory=dict)
    interventions: Mapping[str, InterventionResult] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    other_scorers: Mapping[str, OtherScores] = field(default_factory=dict)
    conditions: Mapping[str, ConditionResult] = field(default_factory=dict)
    split: GapSplit | None = None


@dataclass(frozen=True)
class Record:
    """One leaderboard line: a system, its tasks, and where every number comes from. `schema` is the version of this format.

    systems: what is known of the `base` and the `cascade`, where they were run.
    """

    system: Mapping[str, Any]
    tasks: Mapping[str, TaskResult]
    groups: Mapping[str, GroupResult]
    overall: GroupResult
    checks: Mapping[str, Any]
    provenance: Mapping[str, Any]
    tags: Mapping[str, Any] = field(default_factory=dict)
    text_tasks: Mapping[str, Any] = field(default_factory=dict)
    systems: Mapping[str, Any] = field(default_factory=dict)
    schema: int = 1
