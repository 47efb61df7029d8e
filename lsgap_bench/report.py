"""A finished run in the terminal: scores, representation, interventions and checks, as plain tables."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import SEPARATING_LINE

from lsgap_bench.cells import ABSENT, Footnotes, number, of_difference, of_ratio, of_score, p_value, parameters
from lsgap_bench.check_lines import check_lines
from lsgap_bench.condition_tables import conditions_table, split_table
from lsgap_bench.judge_record import judge_lines
from lsgap_bench.protocols import DEFAULT_LAYERS, choices_of, in_words
from lsgap_bench.schema import COMPANIONS, NOT_MADE, NOT_RUN, Estimate, GroupResult, PValue, Record, Representation, TaskResult, absent
from lsgap_bench.scorers_table import scorers_table
from lsgap_bench.usage import usage_lines

_SCORES = "Scores in points with 95 % intervals; gap = text - speech; a group is the {} of its tasks"
_MEANS = {True: "unweighted mean", False: "mean, weighted as the record says,"}
_REPRESENTATION = "Representation, mean over layers {}, of matched pairs and of mismatched ones (the null), with 95 % intervals"
_SYSTEMS = (
    "Systems in points; erosion = base text - LSLM text, gap = LSLM text - LSLM speech, recovery = LSLM speech / base text\n"
    "(the intervals of the four scores are in the record and in systems.png)"
)
_RECOGNITION = (
    "Recognition: word error rate (WER) of the cascade's transcripts, and the gap split in points; loss = base - cascade,\n"
    "rest = gap - loss, heard: the items whose transcript has no error, and the gap on them"
)
_VOICES = "WER by voice, mean over tasks, highest first"
_MOST_VOICES = 10
_INTERVENTIONS = "Interventions on the spoken states; gain over plain speech in points with 95 % intervals; Holm: over all rows"
_ANSWERS = "Answers, mean over items with 95 % intervals; null: over the canary items, with another item's clip"
_AGREEMENT = "Agreement of two systems' answers beyond chance, with 95 % intervals (text, speech: the speech model)"


def run_tables(record: Record) -> str:
    """All a person needs to see of a run, in plain text about 110 columns wide."""
    followed = _wrapped(in_words(record.provenance))
    asked = [f"Asked of a server, {line}" for line in usage_lines(record.provenance.get("usage", {}))] + judge_lines(record.provenance)
    parts = ["\n".join([_title(record.system), *followed, *(wrapped for line in asked for wrapped in _wrapped(line))])]
    if not record.tasks:
        return f"{parts[0]}\n\nNo paired task was run; the text tasks are in results.json\n"
    parts.append(scores_table(record))
    if any(task.other_scorers for task in record.tasks.values()):
        parts.append(scorers_table(record))
    if companions_of(record):
        parts.append(systems_table(record))
    parts += recognition_tables(record)
    if record.overall.representation:
        parts.append(representation_table(record.overall, choices_of(record.provenance)["layers"]))
    if record.overall.answers:
        parts.append(answers_table(record.overall))
    if any(record.overall.agreement.values()):
        parts.append(agreement_table(record.overall))
    if record.overall.conditions:
        parts.append(conditions_table(record.overall))
    if record.overall.split:
        parts.append(split_table(record))
    if record.overall.interventions:
        parts.append(interventions_table(record.overall))
    parts.append("Checks\n" + "\n".join(line.shown for line in check_lines(record.checks)))
    return "\n\n".join(parts) + "\n"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, 110, subsequent_indent="  ")


def mean_chance(record: Record, tasks: Sequence[str], weights: Mapping[str, float] | None = None) -> float | None:
    """Chance of a group, a fraction: the mean over its tasks; None where a task's is unknown. weights: of the group; none: all the same."""
    known = {task: chance for task in tasks if (chance := record.tasks[task].chance) is not None}
    if not known or len(known) < len(tasks):
        return None
    if not weights or is_even(weights):
        return sum(known.values()) / len(known)
    return sum(weights[task] * chance for task, chance in known.items())


def is_even(weights: Mapping[str, float]) -> bool:
    """Whether the tasks of a group weigh the same; so they do where a record of an older version keeps no weights."""
    return not weights or math.isclose(min(weights.values()), max(weights.values()), rel_tol=1e-9)


def companions_of(record: Record) -> list[str]:
    """Which of `base` and `cascade` were run."""
    return [name for name in COMPANIONS if getattr(record.overall, name).why != NOT_RUN.why]


def scores_table(record: Record) -> str:
    """Per task, then per group and overall: n, chance, text, speech, gap, p."""
    notes = Footnotes()

    def row(name: str, result: TaskResult | GroupResult, n: int, chance: float | None, p: PValue) -> list[str]:
        guess = absent("chance is not known") if chance is None else Estimate(100 * chance)
        sides = [notes.cell(of_score(result.scores.get(side, absent(f"{side} was not run")))) for side in ("text", "speech")]
        return [name, str(n), notes.cell(guess), *sides, notes.cell(of_difference(result.gap)), notes.p(p)]

    rows: list[Any] = [row(name, task, task.n, task.chance, task.p_value) for name, task in record.tasks.items()]
    if len(record.tasks) > 1:
        rows.append(SEPARATING_LINE)
        for name, group in {**record.groups, "Overall": record.overall}.items():
            n = sum(record.tasks[t].n for t in group.tasks)
            rows.append(row(name, group, n, mean_chance(record, group.tasks, group.weights), group.p_value))
    even = all(is_even(group.weights) for group in (*record.groups.values(), record.overall))
    table = notes.under(_SCORES.format(_MEANS[even]), rows, ["task", "n", "chance", "text", "speech", "gap", "p"])
    return "\n".join(filter(None, [table, _detectable(record)]))


def _detectable(record: Record) -> str:
    """What a gap must be for these items to show it, in one line; empty where it is not known."""
    each = [task.detectable.value for task in record.tasks.values() if math.isfinite(task.detectable.value)]
    least = record.overall.detectable.value
    if not each or not math.isfinite(least):
        return ""
    if least > 100:
        return "With so few items no gap that there can be shows (p < 0.05) four times in five"
    largest = f"to {number(max(each))}" if max(each) <= 100 else "or more"
    per_task = f", of {number(min(each))} {largest} in one task" if len(record.tasks) > 1 and min(each) <= 100 else ""
    return f"With so many items a true gap of {number(least)} points shows (p < 0.05) four times in five{per_task}"


def systems_table(record: Record) -> str:
    """Per task, then per group and overall: the four scores of the paper's first figure, and what lies between them."""
    notes = Footnotes()

    def row(name: str, result: TaskResult | GroupResult) -> list[str]:
        own = [result.scores.get(side, absent(f"{side} was not run")) for side in ("text", "speech")]
        scores = [notes.cell(of_score(one), interval=False) for one in (result.base, result.cascade, *own)]
        lost = [notes.cell(of_difference(one)) for one in (result.erosion, result.gap)]
        return [name, *scores, *lost, notes.cell(of_ratio(result.recovery))]

    rows: list[Any] = [row(name, task) for name, task in record.tasks.items()]
    if len(record.tasks) > 1:
        rows.append(SEPARATING_LINE)
        rows += [row(name, group) for name, group in {**record.groups, "Overall": record.overall}.items()]
    headers = ["task", "base\ntext", "cascade", "LSLM\ntext", "LSLM\nspeech", "erosion", "gap", "recovery"]
    return notes.under(_SYSTEMS, rows, headers)


def recognition_tables(record: Record) -> list[str]:
    """Per task, then per group and overall: what the recognizer got wrong and how much of the gap that explains; then WER by voice.

    Nothing without a cascade, and for a record of a version that did not count.
    """
    if record.overall.recognition.wer.why in (NOT_RUN.why, NOT_MADE.why):
        return []
    notes = Footnotes()

    def row(name: str, result: TaskResult | GroupResult) -> list[str]:
        of = result.recognition
        points = [notes.cell(of_difference(one)) for one in (of.loss, of.rest, of.gap_heard)]
        return [name, notes.cell(of_ratio(of.wer)), *points[:2], str(of.gap_heard.n), points[2]]

    rows: list[Any] = [row(name, task) for name, task in record.tasks.items()]
    if len(record.tasks) > 1:
        rows.append(SEPARATING_LINE)
        rows += [row(name, group) for name, group in {**record.groups, "Overall": record.overall}.items()]
    tables = [notes.under(_RECOGNITION, rows, ["task", "WER", "loss", "rest", "n\nheard", "gap\nheard"])]
    return [*tables, voices_table(record.overall)] if record.overall.recognition.wer_by_voice else tables


def voices_table(result: TaskResult | GroupResult) -> str:
    """Word error rate by voice, the worst ones first."""
    notes = Footnotes()
    found = result.recognition.wer_by_voice
    worst = sorted(found.items(), key=lambda pair: -pair[1].value if math.isfinite(pair[1].value) else math.inf)[:_MOST_VOICES]
    rows = [[voice, str(of.n), notes.cell(of_ratio(of))] for voice, of in worst]
    more = f"; {len(found) - len(worst)} more are in the record" if len(found) > len(worst) else ""
    return notes.under(f"{_VOICES}{more}", rows, ["voice", "n", "WER"])


def representation_table(result: TaskResult | GroupResult, layers: str = DEFAULT_LAYERS) -> str:
    """Per metric: value, each null, and how far the value is above it."""
    notes = Footnotes()

    def row(name: str, of: Representation) -> list[str]:
        sides = [
            cell
            for side in ("other_task", "same_task")
            for cell in (
                notes.cell(of.null.get(side), f"no {side} null", interval=False),
                notes.cell(of.above_null.get(side), f"no {side} null", signed=True),
            )
        ]
        return [name, of.unit, notes.cell(of.value, interval=False), *sides]

    headers = ["metric", "unit", "value", "other\ntask", "above\nother task", "same\ntask", "above\nsame task"]
    return notes.under(_REPRESENTATION.format(layers), [row(name, of) for name, of in result.representation.items()], headers)


def answers_table(result: TaskResult | GroupResult) -> str:
    """Per answer metric: value, null, and how far the value is above it."""
    notes = Footnotes()

    def cell(shown: Estimate, signed: bool = False) -> str:
        return notes.cell(of_difference(shown) if shown.unit == "points" else shown, signed=signed)

    rows = [
        [name, of.unit, str(of.value.n), cell(of.value), cell(of.null), str(of.null.n), cell(of.above_null, signed=True)]
        for name, of in result.answers.items()
    ]
    return notes.under(_ANSWERS, rows, ["metric", "unit", "n", "value", "null", "n of\nnull", "above null"])


def agreement_table(result: TaskResult | GroupResult) -> str:
    """Per pair of systems: what each metric of two systems' answers says."""
    notes = Footnotes()
    pairs = list(dict.fromkeys(pair for of in result.agreement.values() for pair in of))
    rows = [[pair.replace("|", " and "), *(notes.cell(of.get(pair)) for of in result.agreement.values())] for pair in pairs]
    return notes.under(_AGREEMENT, rows, ["systems", *result.agreement])


def interventions_table(result: TaskResult | GroupResult) -> str:
    """Per condition: score, gain, items recovered and broken, positions replaced."""
    notes = Footnotes()

    rows = [
        [
            name.replace("=", "\n="),  # a control on a line of its own
            notes.cell(of_score(of.score), interval=False),
            notes.cell(of_difference(of.gain), signed=True),
            notes.p(of.p_value),
            p_value(of.p_holm),
            notes.count(of.recovered, of.gain),
            notes.count(of.broken, of.gain),
            notes.cell(absent("not counted")) if math.isnan(of.replaced) else number(of.replaced),
        ]
        for name, of in result.interventions.items()
    ]
    return notes.under(_INTERVENTIONS, rows, ["condition", "score", "gain", "p", "p\nHolm", "recov-\nered", "broken", "states\nedited"])


def _title(system: Mapping[str, Any]) -> str:
    size = parameters(system.get("parameters"))
    facts = [system.get("name"), system.get("kind"), system.get("dtype"), None if size == ABSENT else f"{size} parameters"]
    return ", ".join(str(fact) for fact in facts if fact)
