"""Rows of a run's files <-> one table per task: what estimates are made of, in memory or read back from disk."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lsgap_bench.block_curves import BlockCurves, block_curves
from lsgap_bench.bootstrap import Floats
from lsgap_bench.errors import UsageError
from lsgap_bench.protocols import DEFAULT_LAYERS
from lsgap_bench.registry import metrics
from lsgap_bench.schema import CANARY, COMPANIONS, SIDES, Pair, Verdict
from lsgap_bench.word_errors import word_errors

OTHER_CLIP = "speech=other"
NOTHING = "(nothing)"
"""The label of an answer from which nothing could be read."""
TRANSCRIBED = ("cascade", "text=transcript")
"""The columns that have transcripts, which are the same in all of them."""
COUNTED = ("word_errors", "reference_words")
"""What is counted in a transcript."""
VERDICT_ONLY = ("details", "unjudged")
"""The keys of a row that some verdicts have and others have not."""
NO_VOTE = "the judge's votes on it give no verdict"
Details = Sequence[Mapping[str, Any] | None]


@dataclass(frozen=True)
class TaskTable:
    """One task's items, row by row, in the order of their ids.

    clusters: a name per item. chance: (n,), NaN where unknown. scores, extracted, replaced: condition -> (n,), NaN where the condition was
    not run on the item. curves: metric -> side -> (n, L + 1), layers 0..L. units: metric -> what it is measured in.
    systems: `base`, `cascade` -> scores (n,), where they were run; their `extracted` stands beside the conditions'. labels: condition or
    system -> what was answered, (n,), the option's place or what the scorer read; None where it was not run. tokens: speech positions of
    each clip, (n,). measures: answer metric -> `speech` and `speech=other` -> (n,). blocks: metric of many items -> its curves.
    voices: who speaks each clip, None where the task does not say. transcripts: of COUNTED -> (n,), NaN where no recognizer was asked.
    whys: condition that no item was answered under -> the reason. layers: the value of the choice `layers`, over which the curves are
    averaged. unmeasured: metric that has no curve -> why. unjudged: condition or system -> why none of its answers has a score, where a
    judge would have to give it. others: further scorer -> its `scores` and `extracted` -> condition -> (n,). details: condition -> what
    the scorer told of each item, None where it told nothing; other_details: further scorer -> the same. scorer: the task's own by its name,
    None where it is not known. weight: what the task weighs in the group that is looked at, up to a factor.
    """

    task: str
    version: str
    items: Sequence[str]
    clusters: Sequence[str]
    chance: Floats
    scores: Mapping[str, Floats]
    extracted: Mapping[str, Floats]
    replaced: Mapping[str, Floats]
    curves: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    systems: Mapping[str, Floats] = field(default_factory=dict)
    labels: Mapping[str, Sequence[Hashable]] = field(default_factory=dict)
    tokens: Floats = field(default_factory=lambda: np.empty(0))
    measures: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    blocks: Mapping[str, BlockCurves] = field(default_factory=dict)
    layers: str = DEFAULT_LAYERS
    voices: Sequence[str | None] = ()
    transcripts: Mapping[str, Floats] = field(default_factory=dict)
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    weight: float = 1.0
    others: Mapping[str, Mapping[str, Mapping[str, Floats]]] = field(default_factory=dict)
    whys: Mapping[str, str] = field(default_factory=dict)
    unjudged: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Details] = field(default_factory=dict)
    other_details: Mapping[str, Mapping[str, Details]] = field(default_factory=dict)
    scorer: str | None = None

    @property
    def lengths(self) -> Floats:
        """Speech positions of each clip, (n,), NaN where they are not known."""
        return self.tokens if len(self.tokens) else np.full(len(self.items), np.nan)

    def score(self, condition: str) -> Floats:
        """(n,), NaN where the condition was not run."""
        return self.scores.get(condition, np.full(len(self.items), np.nan))

    def system(self, name: str) -> Floats:
        """Scores of `base` or `cascade`: (n,), NaN where it was not run."""
        return self.systems.get(name, np.full(len(self.items), np.nan))

    def judged_by(self, rule: str | None) -> TaskTable:
        """With the scores that a further scorer gives in the place of its own; None: as it is."""
        if rule is None:
            return self
        scores, extracted = (self.others[rule][key] for key in ("scores", "extracted"))
        return replace(self, scores=scores, extracted=extracted, details=self.other_details.get(rule, {}), scorer=rule, others={})

    def transcript(self, counted: str) -> Floats:
        """What was counted in the transcripts: (n,), NaN where no recognizer was asked."""
        return self.transcripts.get(counted, np.full(len(self.items), np.nan))


def weights_of(tables: Sequence[TaskTable]) -> list[float]:
    """What each of a group's tasks weighs, as the mean functions of `stats` take it."""
    return [table.weight for table in tables]


def sample_rows(pairs: Iterable[Pair], answer_metrics: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What samples.jsonl says of each item in each system under each condition: words, prompt, clip, answer, verdict.

    answer_metrics: what the rows of `speech`, and of `speech=other` as its null, say under `measures`.
    """
    return [
        {
            "task": pair.item.task,
            "item": pair.item.id,
            "cluster": pair.item.cluster,
            "voice": pair.item.voice,
            "system": condition if condition in COMPANIONS else "lslm",
            "condition": COMPANIONS.get(condition, condition),
            "text": pair.item.text,
            **({"spoken": pair.item.spoken} if pair.item.spoken not in (None, pair.item.text) else {}),
            "prompt": seen.prompt,
            "clip": pair.item.clip.to_dict() if seen.pcm_sha256 else None,
            "pcm_sha256": seen.pcm_sha256,
            **transcript_fields(pair.item.spoken or pair.item.text, seen.transcript),
            "answer": seen.answer,
            "option_logprobs": dict(zip(pair.item.options, seen.option_logprobs, strict=True)) if seen.option_logprobs else None,
            "target": pair.item.target,
            "chance": pair.item.chance,
            "content_tokens": seen.content_tokens,
            "logits_sha256": seen.logits_sha256,
            "replaced": seen.replaced,
            "partners": dict(seen.partners) or None,
            **({"usage": dict(seen.usage)} if seen.usage else {}),
            "measures": measures_of(pair, condition, answer_metrics),
            **judged_fields(pair.verdicts.get(condition), seen.absent, pair.unjudged.get(condition)),
            **other_fields(pair, condition),
        }
        for pair in pairs
        for condition, seen in pair.observations.items()
    ]


def measures_of(pair: Pair, condition: str, names: Sequence[str]) -> dict[str, float] | None:
    """Answer metrics of an item; for `speech=other` with that answer in place of the own clip's, None for other conditions."""
    if condition not in ("speech", OTHER_CLIP) or not names or condition not in {**pair.verdicts, **pair.unjudged}:
        return None
    verdicts = {name: verdict for name, verdict in pair.verdicts.items() if name != "speech"}
    if condition in pair.verdicts:
        verdicts["speech"] = pair.verdicts[condition]
    heard = replace(pair, observations={**pair.observations, "speech": pair.observations[condition]}, verdicts=verdicts)
    return {name: _measured(name, heard) for name in names}


def _measured(name: str, pair: Pair) -> float:
    try:
        return float(metrics[name].compute(pair))
    except Exception as error:
        raise UsageError(f"{pair.item.id}: metric '{name}' failed ({type(error).__name__}: {error}); correct the plug-in") from error


def transcript_fields(text: str, transcript: str | None) -> dict[str, Any]:
    """A transcript's part of a row, with what is wrong in it: null where there is none, and where nothing was said."""
    counted = None if transcript is None else word_errors(text, transcript)
    return {"transcript": transcript, **dict(zip(COUNTED, counted or (None, None), strict=True))}


def judged_fields(verdict: Verdict | None, why: str | None, unjudged: str | None = None) -> dict[str, Any]:
    """A verdict's part of a row; where there is no answer everything that was read off it is null, with the reason.

    unjudged: why an answer has no verdict. `details` are there where the scorer gives any.
    """
    if verdict is None and unjudged is not None:
        return {**dict.fromkeys(("prediction", "score", "correct", "extracted")), "unjudged": unjudged}
    if verdict is None:
        return {**dict.fromkeys(("answer", "prediction", "score", "correct", "extracted", "content_tokens", "logits_sha256")), "why": why}
    score = None if math.isnan(verdict.score) else verdict.score
    told = {"details": dict(verdict.details)} if verdict.details else {}
    missing = {"unjudged": NO_VOTE} if score is None else {}
    return {"prediction": verdict.prediction, "score": score, "correct": verdict.correct, "extracted": verdict.extracted, **told, **missing}


def other_fields(pair: Pair, condition: str) -> dict[str, Any]:
    """What the task's further scorers say of the answer; nothing where it has none."""
    found = {rule: judged_fields(of[condition], None) for rule, of in pair.others.items() if condition in of}
    return {"other_scorers": found} if found else {}


def curve_rows(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """What layers.parquet says: one row per item, condition and metric, with one value per layer 0..L for each side."""
    return [
        {
            "task": pair.item.task,
            "item": pair.item.id,
            "condition": condition,
            "metric": metric,
            "unit": metrics[metric].unit,
            **{s: list(sides[s]) for s in SIDES},
        }
        for pair in pairs
        for condition, seen in pair.observations.items()
        for metric, sides in seen.curves.items()
    ]


def task_table(
    task: str,
    version: str,
    samples: Iterable[Mapping[str, Any]],
    curves: Iterable[Mapping[str, Any]],
    blocks: Iterable[Mapping[str, Any]] = (),
    layers: str = DEFAULT_LAYERS,
    unmeasured: Mapping[str, str] | None = None,
    scorer: str | None = None,
) -> TaskTable:
    """The table of one task from rows of `sample_rows`, `curve_rows` and `block_rows`, made in memory or read back from disk.

    layers: over which its curves are averaged. unmeasured, scorer: see `TaskTable`. The canary's conditions have no column where they cover
    some items only.
    """
    every = [{**row, "condition": column_of(row)} for row in samples if row["task"] == task]
    first = {row["item"]: row for row in every}
    items = sorted(first, key=_natural)
    place = {item: k for k, item in enumerate(items)}
    rows = Counter(row["condition"] for row in every)
    samples = [row for row in every if row["condition"] not in CANARY or rows[row["condition"]] == len(items)]

    def column(key: str, rule: str | None = None) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        for row in samples:
            values = found.setdefault(row["condition"], np.full(len(items), np.nan))
            value = _said_by(rule, row).get(key)
            values[place[row["item"]]] = np.nan if value is None else float(value)
        return found

    measured = [row for row in curves if row["task"] == task and row["condition"] == "speech"]
    chance = np.array([math.nan if first[item]["chance"] is None else first[item]["chance"] for item in items], dtype=np.float64)
    clusters = [str(first[item]["cluster"]) for item in items]
    scores, replaced = column("score"), column("replaced")
    systems = {name: scores.pop(name) for name in COMPANIONS if name in scores}
    reader = next((name for name in TRANSCRIBED if name in rows), None)
    further = list(dict.fromkeys(rule for row in samples for rule in row.get("other_scorers", ())))
    return TaskTable(
        task=task,
        version=version,
        items=items,
        clusters=clusters,
        chance=chance,
        scores=scores,
        extracted=column("extracted"),
        replaced={condition: values for condition, values in replaced.items() if condition not in COMPANIONS},
        curves=_curves(measured, place),
        units={row["metric"]: row["unit"] for row in measured},
        systems=systems,
        labels=_labels(samples, place),
        tokens=column("content_tokens").get("speech", np.full(len(items), np.nan)),
        measures=_measure_columns(every, place),
        blocks=block_curves(task, blocks),
        layers=layers,
        voices=[first[item].get("voice") for item in items],
        transcripts={name: column(name)[reader] for name in COUNTED if reader and any(name in row for row in samples)},
        unmeasured=unmeasured or {},
        others={rule: {"scores": column("score", rule), "extracted": column("extracted", rule)} for rule in further},
        whys={row["condition"]: row["why"] for row in samples if row.get("why") and np.isnan(scores.get(row["condition"], 0.0)).all()},
        unjudged=_unjudged(samples),
        details=_details(samples, place),
        other_details={rule: _details(samples, place, rule) for rule in further},
        scorer=scorer,
    )


def _said_by(rule: str | None, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A sample's part that a further scorer said; None: the task's own."""
    part: Mapping[str, Any] = row if rule is None else row.get("other_scorers", {}).get(rule, {})
    return part


def _details(samples: Iterable[Mapping[str, Any]], place: Mapping[str, int], rule: str | None = None) -> Mapping[str, Details]:
    """Of the conditions under which the scorer told any."""
    found: dict[str, list[Mapping[str, Any] | None]] = {}
    for row in samples:
        if (told := _said_by(rule, row).get("details")) is not None:
            found.setdefault(row["condition"], [None] * len(place))[place[row["item"]]] = told
    return found


def _unjudged(samples: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Condition or system -> the first reason, where none of its answers has a score for want of a judge's votes."""
    reasons: dict[str, list[str | None]] = {}
    for row in samples:
        if row["score"] is not None or "unjudged" in row:
            reasons.setdefault(row["condition"], []).append(row.get("unjudged"))
    return {condition: str(of[0]) for condition, of in reasons.items() if None not in of}


def _curves(rows: Iterable[Mapping[str, Any]], place: Mapping[str, int]) -> dict[str, dict[str, Floats]]:
    found: dict[str, dict[str, Floats]] = {}
    for row in rows:
        sides = found.setdefault(row["metric"], {s: np.full((len(place), len(row["matched"])), np.nan) for s in SIDES})
        for side in SIDES:
            sides[side][place[row["item"]]] = [math.nan if v is None else v for v in row[side]]
    return found


def _labels(samples: Iterable[Mapping[str, Any]], place: Mapping[str, int]) -> dict[str, list[Hashable]]:
    """What was answered, made comparable between systems; None where nothing was asked."""
    found: dict[str, list[Hashable]] = {}
    for row in samples:
        if row["condition"] in ("text", "speech", *COMPANIONS) and row["score"] is not None:
            options, labels = list(row.get("option_logprobs") or ()), found.setdefault(row["condition"], [None] * len(place))
            read = NOTHING if row.get("prediction") is None else str(row["prediction"])
            labels[place[row["item"]]] = options.index(row["answer"]) if row.get("answer") in options else read
    return found


def _measure_columns(samples: Iterable[Mapping[str, Any]], place: Mapping[str, int]) -> dict[str, dict[str, Floats]]:
    found: dict[str, dict[str, Floats]] = {}
    for row in samples:
        for name, value in (row.get("measures") or {}).items():
            columns = found.setdefault(name, {c: np.full(len(place), np.nan) for c in ("speech", OTHER_CLIP)})
            columns[row["condition"]][place[row["item"]]] = math.nan if value is None else value
    return found


def column_of(row: Mapping[str, Any]) -> str:
    """A sample's condition, or `base` or `cascade`; samples of older runs name no system."""
    system = str(row.get("system", "lslm"))
    return system if system in COMPANIONS else str(row["condition"])


def _natural(item: str) -> tuple[str, int]:
    task, _, number = item.rpartition("/")
    return task, int(number)
