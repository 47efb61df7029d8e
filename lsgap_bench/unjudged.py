"""Why a number is absent that only a judge could have given: the reason of the answers, in every estimate that is made of their scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from lsgap_bench.schema import Estimate, GroupResult, PValue, TaskResult
from lsgap_bench.task_tables import TaskTable

Result = TypeVar("Result", TaskResult, GroupResult)
Part = TypeVar("Part")
OF_SCORES = (
    *("gap", "p_value", "base", "cascade", "erosion", "recovery", "recognition", "detectable"),
    *("answers", "interventions", "other_scorers"),
)
"""What is made of the scores of an item under several conditions."""
_UNEXPLAINED = ("no item has", "a task has no item")  # as `bootstrap.why_no_mean` says it


def explained(result: Result, tables: Sequence[TaskTable]) -> Result:
    """The result of these tasks, its absent estimates with the reason for which the scores are."""
    unjudged: dict[str, str] = {}
    for table in tables:
        unjudged = {**_named(table, len(tables)), **unjudged}  # of several tasks the first one
    if not unjudged:
        return result
    why = next(iter(unjudged.values()))
    scores = {condition: _with_reason(of, unjudged.get(condition, why)) for condition, of in result.scores.items()}
    return replace(result, scores=scores, **{name: _with_reason(getattr(result, name), why) for name in OF_SCORES})


def for_want_of_votes(value: Part, tables: Sequence[TaskTable], conditions: Sequence[str]) -> Part:
    """A part of a comparison: what is absent in it, with the reason for which answers under one of the conditions have no score."""
    named = [_named(table, len({of.task for of in tables})) for table in tables]
    why = next((of[condition] for condition in conditions for of in named if condition in of), None)
    explained: Part = value if why is None else _with_reason(value, why)
    return explained


def _named(table: TaskTable, tasks: int) -> dict[str, str]:
    """The reasons of a task's conditions, among several tasks with its name."""
    return {condition: f"{table.task}: {why}" if tasks > 1 else why for condition, why in table.unjudged.items()}


def _with_reason(value: Any, why: str) -> Any:
    if isinstance(value, Estimate):
        return replace(value, why=why) if math.isnan(value.value) and str(value.why).startswith(_UNEXPLAINED) else value
    if isinstance(value, PValue):
        return replace(value, test=why) if math.isnan(value.value) and value.test.startswith(_UNEXPLAINED) else value
    if isinstance(value, Mapping):
        return {name: _with_reason(of, why) for name, of in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{of.name: _with_reason(getattr(value, of.name), why) for of in fields(value)})
    return value
