"""Judged pairs -> the rows of a run's files: what samples.jsonl and layers.parquet say of every item under every condition."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.registry import metrics
from lsgap_bench.schema import COMPANIONS, SIDES, Pair, Verdict
from lsgap_bench.word_errors import word_errors

OTHER_CLIP = "speech=other"
COUNTED = ("word_errors", "reference_words")
"""What is counted in a transcript."""
VERDICT_ONLY = ("details", "unjudged")
"""The keys of a row that some verdicts have and others have not."""
NO_VOTE = "the judge's votes on it give no verdict"


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
        raise UsageError(f"{pair.item.id}: metric '{name}' failed ({with_kind(error)}); correct the plug-in") from error


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


def column_of(row: Mapping[str, Any]) -> str:
    """A sample's condition, or `base` or `cascade`; samples of older runs name no system."""
    system = str(row.get("system", "lslm"))
    return system if system in COMPANIONS else str(row["condition"])
