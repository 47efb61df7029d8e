"""Text controls, variants and the split of the gap in the terminal, as plain tables."""

from __future__ import annotations

from typing import Any

from tabulate import SEPARATING_LINE

from lsgap_bench.cells import Footnotes, of_difference, of_ratio, of_score, p_value
from lsgap_bench.schema import GapSplit, GroupResult, Record, TaskResult, absent

_CONDITIONS = (
    "Conditions: text controls against text, variants of the clip against speech; difference in points with 95 % intervals;\n"
    "Holm: over all rows"
)
_SPLIT = (
    "The gap as a sum, in points: verbalisation (text - spoken form) + recognition (- transcript) + rest (- speech);\n"
    "WER: of the transcripts"
)


def conditions_table(result: TaskResult | GroupResult) -> str:
    """Per condition: score, difference from the plain form, items recovered and broken."""
    notes = Footnotes()
    rows = [
        [
            name,
            notes.cell(of_score(of.score)),
            of.reference,
            notes.cell(of_difference(of.difference), signed=True),
            notes.p(of.p_value),
            p_value(of.p_holm),
            notes.count(of.recovered, of.difference),
            notes.count(of.broken, of.difference),
        ]
        for name, of in result.conditions.items()
    ]
    return notes.under(_CONDITIONS, rows, ["condition", "score", "against", "difference", "p", "p\nHolm", "recov-\nered", "broken"])


def split_table(record: Record) -> str:
    """Per task, then per group and overall: the gap and its parts."""
    notes = Footnotes()

    def row(name: str, of: GapSplit | None) -> list[str]:
        nothing = absent("no text control was run on every task")
        parts = [nothing] * 5 if of is None else [of.gap, of.verbalisation, of.recognition, of.rest, of.wer]
        return [name, *(notes.cell(of_difference(part)) for part in parts[:4]), notes.cell(of_ratio(parts[4]), interval=False)]

    rows: list[Any] = [row(name, task.split) for name, task in record.tasks.items()]
    if len(record.tasks) > 1:
        rows.append(SEPARATING_LINE)
        rows += [row(name, group.split) for name, group in {**record.groups, "Overall": record.overall}.items()]
    return notes.under(_SPLIT, rows, ["task", "gap", "verbalisation", "recognition", "rest", "WER"])
