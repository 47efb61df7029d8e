"""One answer under one scoring rule: what a rule sees of its item, what it asks a judge, what an answer counts that it cannot read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Literal

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.registry import rubrics
from lsgap_bench.schema import Ask, Item, Observation, Pair, Verdict
from lsgap_bench.scorers.evaluate_metric import PREFIX
from lsgap_bench.scorers.normalize import unread as expectation

_OF_EVALUATE = re.compile(re.escape(PREFIX) + r"(?P<metric>[^\[\]]+)(?P<pick>\[[^\[\]]+\])?")

VOTES = "judge_votes"
"""Under this name a scorer that needs a judge finds the votes in its item."""
Unread = Literal["chance", "wrong"]
"""What an answer counts that the scorer cannot read: its expectation under guessing, or 0 (the choice `unread`)."""


def unread_of(choices: Mapping[str, str]) -> Unread:
    """Its value among settled choices."""
    return "wrong" if choices["unread"] == "wrong" else "chance"


def known_of(item: Item) -> dict[str, Any]:
    """What a scoring rule may look at of an item: the document's columns, and `id`, `text` (the question), `target` and `chance`.

    A column of the document that is itself called `id` is there as `document_id`.
    """
    return known(item.fields, id=item.id, text=item.text, target=item.target, chance=item.chance)


def known(fields: Mapping[str, Any], **ours: Any) -> dict[str, Any]:
    """The columns of a document with our own entries over them; its own `id` as `document_id`."""
    return {**fields, **({"document_id": fields["id"]} if "id" in fields else {}), **ours}


def needs_judge(rule: str) -> bool:
    """Whether the scorer called `rule` needs a judge's votes."""
    return rule in rubrics


def paired(item: Item, observations: Mapping[str, Observation], rule: str, unread: Unread = "chance", others: Sequence[str] = ()) -> Pair:
    """Every answer judged by the scorer called `rule`; where that needs a judge's votes every answer waits for them, and says so.

    others: further scorers, of which none needs a judge. UsageError as in `judge`.
    """
    answers, known = {condition: seen.answer for condition, seen in observations.items() if seen.absent is None}, known_of(item)

    def verdicts(scorer: str) -> dict[str, Verdict]:
        return {condition: judge(scorer, answer, known, unread) for condition, answer in answers.items()}

    further = {scorer: verdicts(scorer) for scorer in others}
    if needs_judge(rule):
        return Pair(item, observations, {}, dict.fromkeys(answers, _waiting(rule)), further)
    return Pair(item, observations, verdicts(rule), others=further)


def asked(rule: str, answer: str, known: Mapping[str, Any]) -> Ask:
    """What the scorer called `rule` asks a judge about an answer. UsageError where it fails."""
    ask: Ask = _tried(rubrics[rule].ask, rule, answer, known)
    return ask


def check(rule: str, known: Mapping[str, Any]) -> None:
    """UsageError where the scorer called `rule` cannot judge an item, found out on an empty answer."""
    if needs_judge(rule):
        asked(rule, "", known)
    else:
        judge(rule, "", known)


def _waiting(rule: str) -> str:
    here = "add --judge chat --judge_args base_url=...,model=..."
    return f"{rule} needs a judge; {here}, or judge the stored answers: lsgap rescore RUN --judge ..."


def _tried(function: Callable[..., Any], rule: str, answer: str, known: Mapping[str, Any]) -> Any:
    try:
        return function(answer, known)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{known['id']}: scorer '{rule}' failed ({with_kind(error)}); correct the plug-in") from error


def judge(rule: str, answer: str, known: Mapping[str, Any], unread: Unread = "chance") -> Verdict:
    """The verdict of the scorer called `rule`. known: as `known_of` says, with the votes where it needs them (see `registry.rubric`).

    UsageError where the scorer fails, or gives anything but a Verdict with a score from 0 to 1.
    """
    verdict = _tried(scorers.get(rule), rule, answer, known)
    voteless = isinstance(verdict, Verdict) and needs_judge(rule) and not verdict.extracted and math.isnan(verdict.score)
    if not isinstance(verdict, Verdict) or not (voteless or 0 <= verdict.score <= 1):
        raise UsageError(f"{known['id']}: scorer '{rule}' gave {verdict!r}; it must give a Verdict with a score from 0 to 1")
    return verdict if unread == "chance" else counted(verdict, known["chance"], unread)


def counted(verdict: Verdict, chance: float | None, unread: Unread) -> Verdict:
    """The verdict with the score that the choice `unread` gives to an answer that could not be read; another one as it is.

    A score that is absent stays absent: it was the judge that could not be read.
    """
    return (
        verdict
        if verdict.extracted or math.isnan(verdict.score)
        else replace(verdict, score=expectation(chance) if unread == "chance" else 0.0)
    )


def shown_scorers(rules: Mapping[str, str]) -> dict[str, str]:
    """Task -> the name of its scorer as a record shows it: of the path of a metric of `evaluate`, its last part."""
    return {task: _shown(rule) for task, rule in rules.items()}


def scorers_sha256(rules: Mapping[str, str]) -> dict[str, str]:
    """Task -> a hash of its scorer's file, so that two records tell whether one name stands for the same rule."""
    return {task: scorers.code(rule) for task, rule in rules.items()}


def _shown(rule: str) -> str:
    found = _OF_EVALUATE.fullmatch(rule)
    return f"{PREFIX}{PurePath(found['metric']).name}{found['pick'] or ''}" if found else rule
