"""A task's scorers side by side in the terminal: the same answers, read by each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from tabulate import SEPARATING_LINE

from lsgap_bench.cells import Footnotes, number, of_difference, of_score
from lsgap_bench.schema import GroupResult, OtherScores, Record, TaskResult, absent

_TITLE = "The same answers under other scorers, in points; unread: answers from which the scorer reads nothing, in %"
Scored = TaskResult | GroupResult | OtherScores


def scorers_table(record: Record) -> str:
    """Per task and scorer: what it makes of the answers, and of how many it makes nothing; the task's own scorer first."""
    notes, own = Footnotes(), record.provenance.get("scorers") or {}

    def row(name: str, rule: str, result: Scored, failed: Mapping[str, float]) -> list[str]:
        sides = [
            notes.cell(of_score(result.scores.get(side, absent(f"{side} was not run"))), interval=False) for side in ("text", "speech")
        ]
        lost = [number(100 * failed.get(side, math.nan)) for side in ("text", "speech")]
        return [name, rule, *sides, notes.cell(of_difference(result.gap)), notes.p(result.p_value), *lost]

    rows: list[Any] = []
    for name, task in record.tasks.items():
        if task.other_scorers:
            rows.append(row(name, own.get(name, "its own"), task, task.fail_rate))
            rows += [row("", rule, of, of.fail_rate) for rule, of in task.other_scorers.items()]
    groups = {**record.groups, "Overall": record.overall} if len(record.tasks) > 1 else {}
    rows += [SEPARATING_LINE] if groups else []
    for name, group in groups.items():
        for rule, of in group.other_scorers.items():
            rows += [row(name, "own of each task", group, _mean_fail_rate(record, group)), row("", rule, of, of.fail_rate)]
    return notes.under(_TITLE, rows, ["task", "scorer", "text", "speech", "gap", "p", "unread\ntext", "unread\nspeech"])


def _mean_fail_rate(record: Record, group: GroupResult) -> dict[str, float]:
    """By the weights of its scores; NaN where a task has none."""
    filled = [task for task in group.tasks if record.tasks[task].n]
    shares = [group.weights.get(task, 1.0) for task in filled]
    rates = {side: [record.tasks[task].fail_rate.get(side, math.nan) for task in filled] for side in ("text", "speech")}
    return {side: float(np.average(of, weights=shares)) if any(shares) else math.nan for side, of in rates.items()}
