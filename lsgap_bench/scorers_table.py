"""A task's scorers side by side in the terminal: the same answers, read by each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from tabulate import SEPARATING_LINE

from lsgap_bench.cells import Footnotes, number, of_difference, of_score
from lsgap_bench.schema import Estimate, GroupResult, OtherScores, Record, TaskResult, absent

_TITLE = "The same answers under other scorers, in points; unread: answers from which the scorer reads nothing, in %"


class ScoredBy(NamedTuple):
    """What one scorer makes of the answers of a task or a group. own: whether it is the task's own. unread: fractions."""

    place: str
    scorer: str
    result: TaskResult | GroupResult | OtherScores
    unread: Mapping[str, float]
    own: bool = False
    group: bool = False

    def score(self, side: str) -> Estimate:
        """Of `text` or `speech`."""
        return self.result.scores.get(side, absent(f"{side} was not run"))

    def lost(self, side: str) -> str:
        """The answers from which nothing is read, in %."""
        return number(100 * self.unread.get(side, math.nan))


def scored_by(record: Record) -> list[ScoredBy]:
    """Every task and group that has several scorers: its own first, then the others."""
    rows: list[ScoredBy] = []
    own = record.provenance.get("scorers") or {}
    for name, task in record.tasks.items():
        if task.other_scorers:
            rows.append(ScoredBy(name, own.get(name, "its own"), task, task.fail_rate, own=True))
            rows += [ScoredBy(name, rule, of, of.fail_rate) for rule, of in task.other_scorers.items()]
    groups = {**record.groups, "Overall": record.overall} if len(record.tasks) > 1 else {}
    for name, group in groups.items():
        for rule, of in group.other_scorers.items():
            rows.append(ScoredBy(name, "own of each task", group, _mean_fail_rate(record, group), own=True, group=True))
            rows.append(ScoredBy(name, rule, of, of.fail_rate, group=True))
    return rows


def scorers_table(record: Record) -> str:
    """Per task and scorer: what it makes of the answers, and of how many it makes nothing; the task's own scorer first."""
    notes = Footnotes()

    def cells(row: ScoredBy) -> list[str]:
        sides = [notes.cell(of_score(row.score(side)), interval=False) for side in ("text", "speech")]
        lost = [row.lost(side) for side in ("text", "speech")]
        return [
            row.place if row.own else "",
            row.scorer,
            *sides,
            notes.cell(of_difference(row.result.gap)),
            notes.p(row.result.p_value),
            *lost,
        ]

    found = scored_by(record)
    rows: list[Any] = [cells(row) for row in found]
    if groups := sum(row.group for row in found):
        rows.insert(len(rows) - groups, SEPARATING_LINE)
    return notes.under(_TITLE, rows, ["task", "scorer", "text", "speech", "gap", "p", "unread\ntext", "unread\nspeech"])


def _mean_fail_rate(record: Record, group: GroupResult) -> dict[str, float]:
    """By the weights of its scores; NaN where a task has none."""
    filled = [task for task in group.tasks if record.tasks[task].n]
    shares = [group.weights.get(task, 1.0) for task in filled]
    rates = {side: [record.tasks[task].fail_rate.get(side, math.nan) for task in filled] for side in ("text", "speech")}
    return {side: float(np.average(of, weights=shares)) if any(shares) else math.nan for side, of in rates.items()}
