"""One answer under one scoring rule, with what a rule may look at of its item."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Item, Verdict
from lsgap_bench.scorers.evaluate_metric import PREFIX

_OF_EVALUATE = re.compile(re.escape(PREFIX) + r"(?P<metric>[^\[\]]+)(?P<pick>\[[^\[\]]+\])?")


def judge(rule: str, answer: str, item: Item) -> Verdict:
    """The verdict of the scorer called `rule`. UsageError where it fails, or gives anything but a Verdict with a score from 0 to 1."""
    known: dict[str, Any] = {**item.fields, "id": item.id, "target": item.target, "chance": item.chance}
    try:
        verdict = scorers.get(rule)(answer, known)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{item.id}: scorer '{rule}' failed ({type(error).__name__}: {error}); correct the plug-in") from error
    if not isinstance(verdict, Verdict) or not 0 <= verdict.score <= 1:
        raise UsageError(f"{item.id}: scorer '{rule}' gave {verdict!r}; it must give a Verdict with a score from 0 to 1")
    return verdict


def shown_scorers(rules: Mapping[str, str]) -> dict[str, str]:
    """Task -> the name of its scorer as a record shows it: of the path of a metric of `evaluate`, its last part."""
    return {task: _shown(rule) for task, rule in rules.items()}


def _shown(rule: str) -> str:
    found = _OF_EVALUATE.fullmatch(rule)
    return f"{PREFIX}{PurePath(found['metric']).name}{found['pick'] or ''}" if found else rule
