"""One answer under one scoring rule, with what a rule may look at of its item; what an answer counts from which nothing could be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Literal

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Item, Verdict
from lsgap_bench.scorers.evaluate_metric import PREFIX
from lsgap_bench.scorers.normalize import unread as expectation

_OF_EVALUATE = re.compile(re.escape(PREFIX) + r"(?P<metric>[^\[\]]+)(?P<pick>\[[^\[\]]+\])?")

Unread = Literal["chance", "wrong"]
"""What an answer counts that the scorer cannot read: its expectation under guessing, or 0 (the choice `unread`)."""


def known_of(item: Item) -> dict[str, Any]:
    """What a scoring rule may look at of an item: the document's columns, and `id`, `text` (the question), `target` and `chance`.

    A column of the document that is itself called `id` is there as `document_id`.
    """
    return known(item.fields, id=item.id, text=item.text, target=item.target, chance=item.chance)


def known(fields: Mapping[str, Any], **ours: Any) -> dict[str, Any]:
    """The columns of a document with our own entries over them; its own `id` as `document_id`."""
    return {**fields, **({"document_id": fields["id"]} if "id" in fields else {}), **ours}


def judge(rule: str, answer: str, known: Mapping[str, Any], unread: Unread = "chance") -> Verdict:
    """The verdict of the scorer called `rule`. known: as `known_of` says.

    UsageError where the scorer fails, or gives anything but a Verdict with a score from 0 to 1.
    """
    name = known["id"]
    try:
        verdict = scorers.get(rule)(answer, known)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{name}: scorer '{rule}' failed ({type(error).__name__}: {error}); correct the plug-in") from error
    if not isinstance(verdict, Verdict) or not 0 <= verdict.score <= 1:
        raise UsageError(f"{name}: scorer '{rule}' gave {verdict!r}; it must give a Verdict with a score from 0 to 1")
    return verdict if unread == "chance" else counted(verdict, known["chance"], unread)


def counted(verdict: Verdict, chance: float | None, unread: Unread) -> Verdict:
    """The verdict with the score that the choice `unread` gives to an answer that could not be read; another one as it is."""
    return verdict if verdict.extracted else replace(verdict, score=expectation(chance) if unread == "chance" else 0.0)


def shown_scorers(rules: Mapping[str, str]) -> dict[str, str]:
    """Task -> the name of its scorer as a record shows it: of the path of a metric of `evaluate`, its last part."""
    return {task: _shown(rule) for task, rule in rules.items()}


def scorers_sha256(rules: Mapping[str, str]) -> dict[str, str]:
    """Task -> a hash of its scorer's file, so that two records tell whether one name stands for the same rule."""
    return {task: scorers.code(rule) for task, rule in rules.items()}


def _shown(rule: str) -> str:
    found = _OF_EVALUATE.fullmatch(rule)
    return f"{PREFIX}{PurePath(found['metric']).name}{found['pick'] or ''}" if found else rule
