"""A finished run in the terminal: scores, representation, interventions and checks, as plain tables."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tabulate import SEPARATING_LINE, tabulate

from lsgap_bench.protocols import DEFAULT_LAYERS, choices_of, in_words
from lsgap_bench.schema import COMPANIONS, NOT_MADE, NOT_RUN, Estimate, GroupResult, PValue, Record, Representation, TaskResult, absent
from lsgap_bench.usage import usage_lines

ABSENT = "-"
_WIDTHS = {"task": 28, "metric": 32, "unit": 8}  # characters before a cell wraps, so that a table stays near 110 columns
_DIGITS = {"points": 1, "distance": 2, "nats": 2, "norm": 1}
_SCORES = "Scores in points with 95 % intervals; gap = text - speech; a group is the unweighted mean of its tasks"
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
    asked = [f"Asked of a server, {line}" for line in usage_lines(record.provenance.get("usage", {}))]
    parts = ["\n".join([_title(record.system), *followed, *(wrapped for line in asked for wrapped in _wrapped(line))])]
    if not record.tasks:
        return f"{parts[0]}\n\nNo paired task was run; the text tasks are in results.json\n"
    parts.append(scores_table(record))
    if companions_of(record):
        parts.append(systems_table(record))
    parts += recognition_tables(record)
    if record.overall.representation:
        parts.append(representation_table(record.overall, choices_of(record.provenance)["layers"]))
    if record.overall.answers:
        parts.append(answers_table(record.overall))
    if any(record.overall.agreement.values()):
        parts.append(agreement_table(record.overall))
    if record.overall.interventions:
        parts.append(interventions_table(record.overall))
    parts.append("Checks\n" + "\n".join(line.shown for line in check_lines(record.checks)))
    return "\n\n".join(parts) + "\n"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, 110, subsequent_indent="  ")


def number(value: float, unit: str = "points", signed: bool = False) -> str:
    """Points to one decimal, distances to two, other units to three; a dash for NaN. signed: a plus before 0 and above."""
    if not math.isfinite(value):
        return ABSENT
    digits = _DIGITS.get(unit, 3)
    rounded = round(value, digits) + 0.0  # -0.0 + 0.0 = 0.0, so that no "-0.0" is shown
    return f"{rounded:{'+' if signed else ''}.{digits}f}"


def estimate(shown: Estimate, signed: bool = False, interval: bool = True) -> str:
    """`96.2 [93.1, 98.0]`; the value alone where there is no interval; a dash where there is no value."""
    value = number(shown.value, shown.unit, signed)
    if not interval or math.isnan(shown.low) or math.isnan(shown.high):
        return value
    return f"{value} [{number(shown.low, shown.unit)}, {number(shown.high, shown.unit)}]"


def p_value(p: float) -> str:
    """Three decimals, `<0.001` below."""
    return ABSENT if math.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def of_score(exact: Estimate) -> Estimate:
    """A score as it is shown: a t interval of few clusters may pass what a score can be, and is cut at 0 and 100 points."""
    return replace(exact, low=max(exact.low, 0.0), high=min(exact.high, 100.0))


def of_difference(exact: Estimate) -> Estimate:
    """A gap or a gain as it is shown: its interval is cut at -100 and 100 points."""
    return replace(exact, low=max(exact.low, -100.0), high=min(exact.high, 100.0))


def parameters(count: Any) -> str:
    """`1.3 M`, `8.4 B`; a dash where the count is unknown."""
    if isinstance(count, bool) or not isinstance(count, (int, float)) or not count > 0:
        return ABSENT
    scale, letter = next((s, name) for s, name in ((1e9, " B"), (1e6, " M"), (1e3, " k"), (1, "")) if count >= s or s == 1)
    return f"{count / scale:.3g}{letter}" if count < 1000 * scale else f"{count / scale:.0f}{letter}"


def mean_chance(record: Record, tasks: Sequence[str]) -> float | None:
    """Chance of a group, a fraction: the unweighted mean over its tasks; None where a task's is unknown."""
    known = [chance for task in tasks if (chance := record.tasks[task].chance) is not None]
    return sum(known) / len(known) if known and len(known) == len(tasks) else None


def companions_of(record: Record) -> list[str]:
    """Which of `base` and `cascade` were run."""
    return [name for name in COMPANIONS if getattr(record.overall, name).why != NOT_RUN.why]


def of_ratio(exact: Estimate) -> Estimate:
    """A ratio of scores as it is shown: a t interval of few clusters may pass below 0, and is cut there."""
    return replace(exact, low=max(exact.low, 0.0))


@dataclass
class Footnotes:
    """Cells of one table; what is absent becomes a dash and a number, and the reasons follow the table."""

    reasons: list[str] = field(default_factory=list)

    def cell(self, shown: Estimate | None, missing: str = "not run", signed: bool = False, interval: bool = True) -> str:
        """An estimate as text. missing: the reason where there is none."""
        shown = absent(missing) if shown is None else shown
        text = estimate(shown, signed, interval)
        unexplained = shown.why is None or (not math.isnan(shown.value) and not interval)
        return text if unexplained else self._marked(text, str(shown.why))

    def p(self, shown: PValue) -> str:
        """A p-value as text."""
        return self._marked(ABSENT, shown.test) if math.isnan(shown.value) else p_value(shown.value)

    def under(self, title: str, rows: Sequence[Any], headers: Sequence[str]) -> str:
        """The table between its title and its footnotes."""
        align = ["left", *["right"] * (len(headers) - 1)]
        widths = [_WIDTHS.get(header, 46) for header in headers]
        table = tabulate(rows, headers, "simple", colalign=align, disable_numparse=True, maxcolwidths=widths)
        return "\n".join([title, table, *(f"({k}) {reason}" for k, reason in enumerate(self.reasons, 1))])

    def _marked(self, text: str, reason: str) -> str:
        if reason not in self.reasons:
            self.reasons.append(reason)
        return f"{text} ({self.reasons.index(reason) + 1})"


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
            rows.append(row(name, group, n, mean_chance(record, group.tasks), group.p_value))
    table = notes.under(_SCORES, rows, ["task", "n", "chance", "text", "speech", "gap", "p"])
    return "\n".join(filter(None, [table, _detectable(record)]))


def _detectable(record: Record) -> str:
    """What a gap must be for these items to show it, in one line; empty where it is not known."""
    each = [task.detectable.value for task in record.tasks.values() if math.isfinite(task.detectable.value)]
    least = record.overall.detectable.value
    if not each or not math.isfinite(least):
        return ""
    per_task = f", of {number(min(each))} to {number(max(each))} in one task" if len(record.tasks) > 1 else ""
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

    def count(items: int | None, gain: Estimate) -> str:
        return notes.cell(absent("scores are graded" if gain.n else str(gain.why))) if items is None else str(items)

    rows = [
        [
            name.replace("=", "\n="),  # a control on a line of its own
            notes.cell(of_score(of.score), interval=False),
            notes.cell(of_difference(of.gain), signed=True),
            notes.p(of.p_value),
            p_value(of.p_holm),
            count(of.recovered, of.gain),
            count(of.broken, of.gain),
            notes.cell(absent("not counted")) if math.isnan(of.replaced) else number(of.replaced),
        ]
        for name, of in result.interventions.items()
    ]
    return notes.under(_INTERVENTIONS, rows, ["condition", "score", "gain", "p", "p\nHolm", "recov-\nered", "broken", "states\nedited"])


class CheckLine(NamedTuple):
    """One check in words. passed: None where it was not made or decides nothing."""

    name: str
    text: str
    passed: bool | None

    @property
    def shown(self) -> str:
        """As a line of the terminal: loud when the check failed."""
        mark = "WARNING" if self.passed is False else "passed" if self.passed else "-"
        return f"{mark:<8} {self.name}: {self.text}"


def check_lines(checks: Mapping[str, Any]) -> list[CheckLine]:
    """A run's checks, what failed first; a check that is not there was not made. Its scores and chance are fractions, shown in points."""
    lines = [_tested(_mapping(checks, name), name, facts) for name, facts in _FACTS.items()]
    rate = _mapping(checks, "sampling_rate")
    if rate:
        resampled = ", resampled" if rate.get("resampled") else ""
        lines.append(
            CheckLine("sampling rate", f"model {_plain(rate.get('model'))} Hz, clips {_plain(rate.get('clips'))} Hz{resampled}", None)
        )
    for key, words in _COUNTS.items():
        if isinstance(checks.get(key), Mapping):
            lines.append(_tested(checks[key], key, {}))
        elif key in checks:
            lines.append(CheckLine(key.replace("_", " "), f"{_plain(checks[key])} {words}", checks[key] == 0))
    lines += [CheckLine("run", text, False) for text in _warnings(checks)]
    return sorted(lines, key=lambda line: line.passed is not False)


# check -> its facts: key in the record and the words before it
_FACTS = {
    "prompts": {"n": "items", "wrapper": "clips as"},
    "silence": {"n": "items", "bit_equal": "bit-equal logits", "equal_answers": "equal answers"},
    "other_clip": {"n": "items", "score": "score", "chance": "chance"},
    "batch_invariance": {"value": "largest relative difference", "tolerance": "tolerance"},
}
_FRACTIONS = ("score", "chance")
_COUNTS = {
    "truncated_clips": "clips cut to what the model hears",
    "skipped_items": "items left out",
    "placeholder_mismatch": "clips with another number of placeholders than expected",
}


def _tested(found: Mapping[str, Any], name: str, facts: Mapping[str, str]) -> CheckLine:
    words = name.replace("_", " ")
    if not found:
        return CheckLine(words, "not checked", None)
    said = [f"{word} {_plain(found[key], key in _FRACTIONS)}" for key, word in facts.items() if found.get(key) is not None]
    note = [] if found.get("note") is None else [_plain(found["note"])]
    passed = found.get("passed")
    return CheckLine(words, "; ".join(filter(None, [", ".join(said), *note])), passed if isinstance(passed, bool) else None)


def _warnings(checks: Mapping[str, Any]) -> list[str]:
    """The run's own warnings, but for those that a failed check's line says already."""
    notes = {_plain(_mapping(checks, name).get("note")) for name in _FACTS if _mapping(checks, name).get("passed") is False}
    said = checks.get("warnings")
    return [text for one in (said if isinstance(said, (list, tuple)) else []) if (text := _plain(one)) not in notes]


def _mapping(plain: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = plain.get(key)
    return found if isinstance(found, Mapping) else {}


def _plain(value: Any, fraction: bool = False) -> str:
    """A fact of a check on one line; a fraction in points."""
    if fraction and isinstance(value, (int, float)):
        return number(100 * value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    if isinstance(value, float):
        return f"{value:.3g}"
    return " ".join(str(value).split())


def _title(system: Mapping[str, Any]) -> str:
    size = parameters(system.get("parameters"))
    facts = [system.get("name"), system.get("kind"), system.get("dtype"), None if size == ABSENT else f"{size} parameters"]
    return ", ".join(str(fact) for fact in facts if fact)
