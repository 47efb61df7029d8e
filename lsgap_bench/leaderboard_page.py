"""Records as boards of rows and cells, one board per set of tasks, drawn by the templates as Markdown and as one HTML page."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from lsgap_bench.cells import ABSENT, estimate, number, of_difference, of_ratio, of_score, p_value, parameters
from lsgap_bench.check_lines import CheckLine, check_lines
from lsgap_bench.layer_chart import HEIGHT, WIDTH, Chart, layer_chart
from lsgap_bench.report import companions_of, is_even, mean_chance
from lsgap_bench.resources import resource
from lsgap_bench.schema import Estimate, InterventionResult, Record, absent
from lsgap_bench.scorers_table import scored_by

_GAP = 7  # columns up to and with the gap
SIDE_NAMES = {"matched": "matched", "same_task": "null: same task", "other_task": "null: other task"}


class Column(NamedTuple):
    """A column of a board. numeric: sorted as numbers, largest first."""

    label: str
    numeric: bool
    title: str


COLUMNS = (
    Column("Model", False, "name and tags of the system"),
    Column("Parameters", True, "all weights, audio encoder included"),
    Column("dtype", False, "number format of the weights"),
    Column("Tasks", True, "groups or tasks, and items"),
    Column("Text", True, "score on the written questions, points"),
    Column("Speech", True, "score on the spoken questions, points"),
    Column("Gap", True, "text - speech, points"),
    Column("APS above null", True, "alignment path score less that of mismatched pairs of the same task, mean over layers 1..L"),
    Column("Cosine above null", True, "cosine of mean-pooled states less that of mismatched pairs of the same task, mean over layers 1..L"),
    Column("Best gain", True, "largest gain of an intervention over plain speech, points, picked after the fact; controls left out"),
    Column("Checks", True, "warnings of the run; every warning stands beside the name"),
)
SORTED_BY = 5  # Speech
BESIDE = (
    Column("Base", True, "score of the base language model on the written questions, points"),
    Column("Cascade", True, "score of recognizer + base language model on the spoken questions, points"),
    Column("Erosion", True, "base text - text: what the model lost of its base, points"),
    Column("Recovery", True, "speech / base text: how much of its base is left when the question is spoken"),
    Column("WER", True, "word error rate of the cascade's recognizer, a fraction"),
)
"""Of a board on which some record has a base or a cascade; they stand after the gap."""


class Cell(NamedTuple):
    """text: what stands there. notes: smaller lines below. value: what it sorts by, NaN = last."""

    text: str
    notes: tuple[str, ...] = ()
    value: float = math.nan


@dataclass(frozen=True)
class Row:
    """One record on a board."""

    record: Record
    cells: Sequence[Cell]
    warnings: Sequence[str]
    checks: Sequence[CheckLine]
    charts: Sequence[Chart]


@dataclass(frozen=True)
class Board:
    """Systems that were measured on the same tasks in the same versions, best speech score first."""

    title: str
    tasks: Sequence[str]
    rows: Sequence[Row]
    columns: Sequence[Column]


def page(records: Sequence[Record]) -> str:
    """The HTML page: one file, no request to anywhere, everything that a record says escaped."""
    return _environment().get_template("page.html.j2").render(boards=boards(records), sorted_by=SORTED_BY)


def table(records: Sequence[Record]) -> str:
    """The Markdown tables, everything that a record says escaped."""
    return _environment().get_template("table.md.j2").render(boards=boards(records))


def boards(records: Sequence[Record]) -> list[Board]:
    """The records by their tasks, versions and weights: scores on different sets are not comparable. Largest board first."""
    sets: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        weights = {} if is_even(record.overall.weights) else record.overall.weights
        key = tuple(
            sorted(f"{name} {record.tasks[name].version}" + (f" x {weights[name]:.4g}" if weights else "") for name in record.overall.tasks)
        )
        sets.setdefault(key, []).append(record)
    made = [_board(key, members) for key, members in sets.items()]
    return sorted(made, key=lambda board: (-len(board.rows), board.title))


_CONTROL = re.compile(r"\+identity:|:random\d*@|@\w+=")


def best_intervention(record: Record) -> tuple[str, InterventionResult] | None:
    """The condition of largest overall gain; the controls (identity, random tokens, another text, random directions) are left out."""
    tried = [(n, of) for n, of in record.overall.interventions.items() if not _CONTROL.search(n) and math.isfinite(of.gain.value)]
    return max(tried, key=lambda pair: pair[1].gain.value, default=None)


def _board(tasks: Sequence[str], records: Sequence[Record]) -> Board:
    beside = any(companions_of(record) for record in records)
    columns = (*COLUMNS[:_GAP], *BESIDE, *COLUMNS[_GAP:]) if beside else COLUMNS
    return Board(_title(records), tasks, _rows(records, beside), columns)


def _title(records: Sequence[Record]) -> str:
    tasks = records[0].overall.tasks
    whole = {name for record in records for name, group in record.groups.items() if set(group.tasks) == set(tasks)}
    return ", ".join(sorted(whole)) or (", ".join(tasks) if len(tasks) <= 2 else f"{len(tasks)} tasks")


def _items(record: Record) -> int:
    return sum(record.tasks[task].n for task in record.overall.tasks)


def _rows(records: Sequence[Record], beside: bool) -> list[Row]:
    most = max(map(_items, records))
    rows = [_row(record, most, beside) for record in records]
    return sorted(rows, key=lambda row: (-_or_least(row.cells[SORTED_BY].value), row.cells[0].text.lower()))


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _row(record: Record, most: int, beside: bool) -> Row:
    checks = check_lines(record.checks)
    warnings = [f"{line.name}: {line.text}" for line in checks if line.passed is False]
    if _items(record) < most:
        warnings.append(f"{_items(record)} items only; another system here was asked {most}")
    passed = sum(line.passed is True for line in checks)
    said = f"{len(warnings)} warning{'s' * (len(warnings) != 1)}" if warnings else f"{passed} passed"
    size = record.system["parameters"]
    cells = [
        Cell(str(record.system["name"]), tuple(f"{key}={value}" for key, value in record.tags.items())),
        Cell(parameters(size), value=math.nan if parameters(size) == ABSENT else float(size)),
        Cell(str(record.system["dtype"] or ABSENT)),
        Cell(", ".join(record.groups) or f"{len(record.tasks)} tasks", (f"{_items(record)} items",), _items(record)),
        *(_estimate_cell(of_score(record.overall.scores.get(side, absent(f"{side} was not run")))) for side in ("text", "speech")),
        _estimate_cell(of_difference(record.overall.gap)),
        *(_companions(record) if beside else ()),
        *(_above_null(record, metric) for metric in ("alignment_path_score", "pooled_cosine")),
        _best_gain(record),
        Cell(said, value=len(warnings)),
    ]
    charts = [chart for name, of in record.overall.representation.items() if (chart := layer_chart(name, of))]
    return Row(record, cells, warnings, checks, charts)


def _companions(record: Record) -> list[Cell]:
    """The cells of BESIDE."""
    of = record.overall
    shown = (of_score(of.base), of_score(of.cascade), of_difference(of.erosion), of_ratio(of.recovery), of_ratio(of.recognition.wer))
    return [_estimate_cell(one) for one in shown]


def _estimate_cell(shown: Estimate, *notes: str, signed: bool = False) -> Cell:
    interval = estimate(shown).partition(" ")[2]
    return Cell(number(shown.value, shown.unit, signed), tuple(filter(None, (interval, shown.why, *notes))), shown.value)


def _above_null(record: Record, metric: str) -> Cell:
    """Over the null of the same task, the sharper one, with the other one below."""
    found = record.overall.representation.get(metric)
    if found is None:
        return Cell(ABSENT, ("not measured",))
    same, other = (found.above_null.get(side, absent(f"no {side} null")) for side in ("same_task", "other_task"))
    return _estimate_cell(same, f"other task {number(other.value, other.unit, signed=True)}", signed=True)


def _best_gain(record: Record) -> Cell:
    best = best_intervention(record)
    return (
        Cell(ABSENT, ("not run",))
        if best is None
        else _estimate_cell(of_difference(best[1].gain), best[0].removeprefix("speech+"), signed=True)
    )


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(resource("leaderboard/template")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(estimate=estimate, number=number, p=p_value, plain=_plain, md=_markdown, breakable=_breakable)
    made.globals.update(
        chance_of=mean_chance,
        absent=absent,
        companions_of=companions_of,
        of_ratio=of_ratio,
        of_difference=of_difference,
        of_score=of_score,
        scored_by=scored_by,
        isfinite=math.isfinite,
        side_names=SIDE_NAMES,
        width=WIDTH,
        height=HEIGHT,
    )
    return made


def _plain(value: Any) -> str:
    """Anything of a record as text: mappings and lists as indented JSON."""
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, indent=1, ensure_ascii=False)
    return ABSENT if value is None else str(value)


# what Markdown could read as more than text within a table cell; an underscore within a word and a lone bracket are text already
_MARKS = re.compile(r"[\\`*|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\](?=\()|:(?=//)")


def _markdown(text: Any) -> Markup:
    """Text that Markdown takes for text: one line, HTML escaped, marks behind a backslash."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return Markup(_MARKS.sub(lambda mark: "\\" + mark[0], line))


def _breakable(text: str) -> Markup:
    """Escaped text that may break after a colon, as in the name of a condition."""
    return Markup(str(escape(text)).replace(":", ":<wbr>"))
