"""The rows of a run's files -> one table per task: what estimates are made of, in memory or read back from disk."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from lsgap_bench.block_curves import BlockCurves, block_curves
from lsgap_bench.bootstrap import Floats
from lsgap_bench.protocols import DEFAULT_LAYERS
from lsgap_bench.run_rows import COUNTED, OTHER_CLIP, column_of
from lsgap_bench.schema import CANARY, COMPANIONS, SIDES

NOTHING = "(nothing)"
"""The label of an answer from which nothing could be read."""
TRANSCRIBED = ("cascade", "text=transcript")
"""The columns that have transcripts, which are the same in all of them."""
Details = Sequence[Mapping[str, Any] | None]
Row = Mapping[str, Any]


class Judged(NamedTuple):
    """What one scorer makes of a task's answers: condition, `base` or `cascade` -> a column over the items."""

    scores: Mapping[str, Floats]
    """(n,), NaN where it was not run or has no verdict."""
    extracted: Mapping[str, Floats]
    """(n,), 1 where the scorer read something, 0 where it did not, NaN where it was not run."""
    details: Mapping[str, Details]
    """What it told of each item, n of them, None where it told nothing; without the conditions under which it told nothing at all."""


@dataclass(frozen=True)
class TaskTable:
    """One task's items, row by row, in the order of their ids. n items, decoder layers 0..L.

    A condition that was not run on an item is NaN, or None, in its column.
    """

    task: str
    version: str
    items: Sequence[str]
    clusters: Sequence[str]
    """A name per item."""
    chance: Floats
    """(n,), NaN where unknown."""
    scores: Mapping[str, Floats]
    """Condition -> (n,), by the task's own scorer."""
    extracted: Mapping[str, Floats]
    """Condition, `base` or `cascade` -> (n,), 1 where the scorer read something from the answer, else 0."""
    replaced: Mapping[str, Floats]
    """Condition -> (n,), the share of speech positions that an intervention replaced."""
    curves: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    """Metric -> side -> (n, L + 1)."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Metric -> what it is measured in."""
    systems: Mapping[str, Floats] = field(default_factory=dict)
    """`base`, `cascade` -> scores (n,), where they were run."""
    labels: Mapping[str, Sequence[Hashable]] = field(default_factory=dict)
    """Condition, `base` or `cascade` -> what was answered, (n,): the option's place, or what the scorer read."""
    tokens: Floats = field(default_factory=lambda: np.empty(0))
    """Speech positions of each clip, (n,)."""
    measures: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    """Answer metric -> `speech` and `speech=other` -> (n,)."""
    blocks: Mapping[str, BlockCurves] = field(default_factory=dict)
    """Metric of many items -> its curves."""
    layers: str = DEFAULT_LAYERS
    """The value of the choice `layers`, over which the curves are averaged."""
    voices: Sequence[str | None] = ()
    """Who speaks each clip, None where the task does not say."""
    transcripts: Mapping[str, Floats] = field(default_factory=dict)
    """Each of COUNTED -> (n,), NaN where no recognizer was asked."""
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    """Metric that has no curve -> why."""
    weight: float = 1.0
    """What the task weighs in the group that is looked at, up to a factor."""
    others: Mapping[str, Judged] = field(default_factory=dict)
    """Further scorer -> what it makes of the same answers."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """Condition that no item was answered under -> the reason."""
    unjudged: Mapping[str, str] = field(default_factory=dict)
    """Condition, `base` or `cascade` -> why none of its answers has a score, where a judge would have to give it."""
    details: Mapping[str, Details] = field(default_factory=dict)
    """As in `Judged`, of the task's own scorer."""
    scorer: str | None = None
    """The task's own by its name, None where it is not known."""

    @property
    def lengths(self) -> Floats:
        """Speech positions of each clip, (n,), NaN where they are not known."""
        return self.tokens if len(self.tokens) else np.full(len(self.items), np.nan)

    def score(self, condition: str) -> Floats:
        """(n,), NaN where the condition was not run."""
        return self.scores.get(condition, np.full(len(self.items), np.nan))

    def system(self, name: str) -> Floats:
        """Scores of `base` or `cascade`: (n,), NaN where it was not run."""
        return self.systems.get(name, np.full(len(self.items), np.nan))

    def judged_by(self, rule: str | None) -> TaskTable:
        """With the scores that a further scorer gives in the place of its own; None: as it is."""
        return self if rule is None else replace(self, **self.others[rule]._asdict(), scorer=rule, others={})

    def transcript(self, counted: str) -> Floats:
        """What was counted in the transcripts: (n,), NaN where no recognizer was asked."""
        return self.transcripts.get(counted, np.full(len(self.items), np.nan))


def weights_of(tables: Sequence[TaskTable]) -> list[float]:
    """What each of a group's tasks weighs, as the mean functions of `stats` take it."""
    return [table.weight for table in tables]


def task_table(
    task: str,
    version: str,
    samples: Iterable[Row],
    curves: Iterable[Row],
    blocks: Iterable[Row] = (),
    layers: str = DEFAULT_LAYERS,
    unmeasured: Mapping[str, str] | None = None,
    scorer: str | None = None,
) -> TaskTable:
    """The table of one task from rows of `sample_rows`, `curve_rows` and `block_rows`, made in memory or read back from disk.

    layers: over which its curves are averaged. unmeasured, scorer: see `TaskTable`. The canary's conditions have no column where they cover
    some items only.
    """
    of = _Columns([{**row, "condition": column_of(row)} for row in samples if row["task"] == task])
    own = of.judged()
    measured = [row for row in curves if row["task"] == task and row["condition"] == "speech"]
    return TaskTable(
        task=task,
        version=version,
        items=list(of.place),
        clusters=[str(row["cluster"]) for row in of.first],
        chance=np.array([_or_nan(row["chance"]) for row in of.first], dtype=np.float64),
        scores=_of_the_model(own.scores),
        systems={name: own.scores[name] for name in COMPANIONS if name in own.scores},
        extracted=own.extracted,
        details=own.details,
        replaced=_of_the_model(of.numbers("replaced")),
        curves=_curves(measured, of.place),
        units={row["metric"]: row["unit"] for row in measured},
        labels=of.labels(),
        tokens=of.numbers("content_tokens").get("speech", np.full(len(of.place), np.nan)),
        measures=of.measures(),
        blocks=block_curves(task, blocks),
        layers=layers,
        voices=[row.get("voice") for row in of.first],
        transcripts=of.transcripts(),
        unmeasured=unmeasured or {},
        others={rule: of.judged(rule) for rule in dict.fromkeys(rule for row in of.rows for rule in row.get("other_scorers", ()))},
        whys={row["condition"]: row["why"] for row in of.rows if row.get("why") and np.isnan(own.scores[row["condition"]]).all()},
        unjudged=of.unjudged(),
        scorer=scorer,
    )


class _Columns:
    """A task's samples, read column by column. every: the rows, `condition` in them as `column_of` has it.

    first: the first row of each item, in the order of the ids. place: item -> its row in a column. rows: without those of the canary where
    they cover some items only.
    """

    def __init__(self, every: Sequence[Row]) -> None:
        first = {row["item"]: row for row in reversed(every)}
        self.first = [first[item] for item in sorted(first, key=_natural)]
        self.place = {row["item"]: k for k, row in enumerate(self.first)}
        covered = Counter(row["condition"] for row in every)
        self.every = every
        self.rows = [row for row in every if row["condition"] not in CANARY or covered[row["condition"]] == len(first)]

    def numbers(self, key: str, rule: str | None = None) -> dict[str, Floats]:
        """Condition -> (n,), of one key. rule: the further scorer that said it; None: the row itself."""
        found: dict[str, Floats] = {}
        for row in self.rows:
            column = found.setdefault(row["condition"], np.full(len(self.place), np.nan))
            column[self.place[row["item"]]] = _or_nan(_said_by(rule, row).get(key))
        return found

    def judged(self, rule: str | None = None) -> Judged:
        """By a further scorer; None: by the task's own."""
        return Judged(self.numbers("score", rule), self.numbers("extracted", rule), self._details(rule))

    def _details(self, rule: str | None) -> dict[str, Details]:
        found: dict[str, list[Row | None]] = {}
        for row in self.rows:
            if (told := _said_by(rule, row).get("details")) is not None:
                found.setdefault(row["condition"], [None] * len(self.place))[self.place[row["item"]]] = told
        return dict(found)

    def labels(self) -> dict[str, list[Hashable]]:
        """What was answered, made comparable between systems; None where nothing was asked."""
        found: dict[str, list[Hashable]] = {}
        for row in self.rows:
            if row["condition"] in ("text", "speech", *COMPANIONS) and row["score"] is not None:
                options, column = list(row.get("option_logprobs") or ()), found.setdefault(row["condition"], [None] * len(self.place))
                read = NOTHING if row.get("prediction") is None else str(row["prediction"])
                column[self.place[row["item"]]] = options.index(row["answer"]) if row.get("answer") in options else read
        return found

    def measures(self) -> dict[str, dict[str, Floats]]:
        """Answer metric -> `speech` and `speech=other` -> (n,), the canary's also where it covers some items only."""
        found: dict[str, dict[str, Floats]] = {}
        for row in self.every:
            for name, value in (row.get("measures") or {}).items():
                columns = found.setdefault(name, {c: np.full(len(self.place), np.nan) for c in ("speech", OTHER_CLIP)})
                columns[row["condition"]][self.place[row["item"]]] = _or_nan(value)
        return found

    def transcripts(self) -> dict[str, Floats]:
        """Each of COUNTED that the rows have -> (n,); nothing where no recognizer was asked."""
        there = {row["condition"] for row in self.rows}
        reader = next((name for name in TRANSCRIBED if name in there), None)
        return {name: self.numbers(name)[reader] for name in COUNTED if reader and any(name in row for row in self.rows)}

    def unjudged(self) -> dict[str, str]:
        """Condition or system -> the first reason, where none of its answers has a score for want of a judge's votes."""
        reasons: dict[str, list[str | None]] = {}
        for row in self.rows:
            if row["score"] is not None or "unjudged" in row:
                reasons.setdefault(row["condition"], []).append(row.get("unjudged"))
        return {condition: str(of[0]) for condition, of in reasons.items() if None not in of}


def _of_the_model(columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Without those of its companions."""
    return {condition: column for condition, column in columns.items() if condition not in COMPANIONS}


def _said_by(rule: str | None, row: Row) -> Row:
    """A sample's part that a further scorer said; None: the task's own."""
    part: Row = row if rule is None else row.get("other_scorers", {}).get(rule, {})
    return part


def _curves(rows: Iterable[Row], place: Mapping[str, int]) -> dict[str, dict[str, Floats]]:
    found: dict[str, dict[str, Floats]] = {}
    for row in rows:
        sides = found.setdefault(row["metric"], {s: np.full((len(place), len(row["matched"])), np.nan) for s in SIDES})
        for side in SIDES:
            sides[side][place[row["item"]]] = [_or_nan(v) for v in row[side]]
    return found


def _or_nan(value: Any) -> float:
    return math.nan if value is None else float(value)


def _natural(item: str) -> tuple[str, int]:
    task, _, number = item.rpartition("/")
    return task, int(number)
