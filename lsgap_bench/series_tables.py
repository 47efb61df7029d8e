"""The tables of a series' analysis as data, drawn as plain text or as Markdown, with the reasons for what is absent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tabulate import tabulate

from lsgap_bench.cells import ABSENT, of_difference, of_score, p_value
from lsgap_bench.regressions import R2, RHO, SHARE
from lsgap_bench.schema import Estimate
from lsgap_bench.series import SYSTEMS, Checkpoint
from lsgap_bench.series_analysis import Analysis
from lsgap_bench.series_items import label

_DIGITS = {"points": 1, R2: 2, "r": 2, RHO: 2, "AUROC": 3, SHARE: 2, "ratio": 2}
_BOUNDS = {RHO: (-1.0, 1.0), SHARE: (0.0, 1.0), "AUROC": (0.0, 1.0)}
_NOTHING = 1e-9  # what rounding alone makes of two equal figures
MOST_ROWS = 40
"""Of one table in the terminal; the files hold all."""


@dataclass
class Table:
    """One table. reasons: why cells are absent, numbered in the cells. note: what the reader must know to read it.

    page_only: headers of columns that a terminal has no room for. first: characters before the first column wraps there.
    words: cells are read and not compared, so they stand on the left and no row is left out.
    """

    title: str
    headers: Sequence[str]
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""
    page_only: frozenset[str] = frozenset()
    first: int = 30
    words: bool = False
    reasons: list[str] = field(default_factory=list)

    def cell(self, shown: Estimate, signed: bool = False, interval: bool = True) -> str:
        """`0.49 [0.39, 0.88]`; a dash with the number of its reason where there is no value, or no interval though one is asked for."""
        value = number(shown.value, shown.unit, signed)
        whole = math.isfinite(shown.low) and math.isfinite(shown.high)
        if interval and whole:
            value += f" {limits(shown)}"
        needed = shown.why is not None and (math.isnan(shown.value) or (interval and not whole))
        return f"{value} ({self._number_of(str(shown.why))})" if needed else value

    def text(self) -> str:
        """For the terminal, at most `MOST_ROWS` rows."""
        kept = [k for k, header in enumerate(self.headers) if header not in self.page_only]
        align = ["left", *["left" if self.words else "right"] * (len(kept) - 1)]
        widths = [self.first, *[50 if self.words else 30] * (len(kept) - 1)]
        shown = [[row[k] for k in kept] for row in (self.rows if self.words else self.rows[:MOST_ROWS])]
        headers = [self.headers[k] for k in kept]
        table = tabulate(shown, headers, "simple", colalign=align, disable_numparse=True, maxcolwidths=widths)
        more = [f"... and {len(self.rows) - len(shown)} more rows, in the files"] if len(self.rows) > len(shown) else []
        return "\n".join([self.title, table, *more, *self.below()])

    def markdown(self) -> str:
        """A GitHub table under a bold title."""
        align = ["left", *["left" if self.words else "right"] * (len(self.headers) - 1)]
        headers = [header.replace("\n", " ") for header in self.headers]
        rows = [[cell.replace("|", r"\|").replace("\n", " ") for cell in row] for row in self.rows]
        table = tabulate(rows, headers, "github", colalign=align, disable_numparse=True)
        return "\n\n".join([f"**{self.title}**", table, *self.below()])

    def below(self) -> list[str]:
        """What stands under the table: its note, and the numbered reasons."""
        reasons = [f"({k}) {reason}" for k, reason in enumerate(self.reasons, 1)]
        return [*([self.note] if self.note else []), *reasons]

    def _number_of(self, reason: str) -> int:
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason) + 1


def number(value: float, unit: str = "points", signed: bool = False) -> str:
    """Points to one decimal, correlations to two, others to three significant ones; a dash for NaN."""
    if not math.isfinite(value):
        return ABSENT
    if unit in _DIGITS:
        rounded = round(value, _DIGITS[unit]) + 0.0
        return f"{rounded:{'+' if signed else ''}.{_DIGITS[unit]}f}"
    return f"{value:{'+' if signed else ''}#.3g}".removesuffix(".")


def limits(shown: Estimate, signed: bool = False) -> str:
    """`[0.39, 0.88]`; a t interval of few runs may pass what a figure can be, and is cut there."""
    low, high = _BOUNDS.get(shown.unit, (-math.inf, math.inf))
    return f"[{number(max(shown.low, low), shown.unit, signed)}, {number(min(shown.high, high), shown.unit, signed)}]"


def all_tables(analysis: Analysis) -> dict[str, Table]:
    """Part -> table, in the order of the report; parts without anything to show are left out (`Analysis.missing` says why)."""
    made = {
        "checkpoints": checkpoints_table(analysis),
        "training": training_table(analysis),
        "depth": depth_table(analysis),
        "associations": associations_table(analysis),
        "comparisons": comparisons_table(analysis),
        "flips": flips_table(analysis),
        "interventions": gains_table(analysis),
    }
    return {part: table for part, table in made.items() if table.rows}


def checkpoints_table(analysis: Analysis) -> Table:
    """Text, speech and gap of each checkpoint; the other systems where any checkpoint has them."""
    series = analysis.series
    systems = [name for name in SYSTEMS if any(math.isfinite(v) for v in series.values(name))]
    by = [analysis.by] if analysis.by else []
    table = Table("Checkpoints: scores in points, with 95 % intervals over items", ["run", *by, "step", "text", "speech", "gap", *systems])

    def row(c: Checkpoint) -> list[str]:
        scores = [table.cell(of_score(c.estimate(name))) for name in ("text", "speech")]
        others = [table.cell(c.estimate(name)) for name in systems]
        return [c.run, *(c.tags[tag] for tag in by), f"{c.step:g}", *scores, table.cell(of_difference(c.estimate("gap"))), *others]

    table.rows = [row(c) for c in series.checkpoints]
    return table


def training_table(analysis: Analysis) -> Table:
    """How each quantity moves along training."""
    table = Table(
        "Along training: Spearman's rho with the step in each run, and the change per doubling of the step; mean over runs",
        ["quantity", "runs of", "rho with step", "change per doubling", "share of runs\nthat rise", "runs"],
        note="Only runs with three checkpoints or more count; intervals are over training runs.",
        page_only=frozenset(_single(analysis)),
    )
    for t in analysis.training:
        cells = [table.cell(t.rho, signed=True), table.cell(t.doubling, signed=True), table.cell(t.rising, interval=False)]
        table.rows.append([t.quantity, t.subset, *cells, str(t.rho.n)])
    return table


def depth_table(analysis: Analysis) -> Table:
    """How each metric moves along the layers."""
    table = Table(
        "Along depth, layers 1..L: Spearman's rho with the layer at each checkpoint, and the change over depth; mean over checkpoints",
        [
            "metric",
            "runs of",
            "rho with layer",
            "the same,\n1..L-1",
            "change over depth",
            "share of\ncheckpoints\nthat rise",
            "checkpoints",
        ],
        note="Intervals are over training runs. Layer L is after the final norm, which rescales distances: so the trend without it, too.",
        page_only=frozenset(_single(analysis)),
    )
    for d in analysis.depth:
        cells = [table.cell(e, signed=True) for e in (d.rho, d.inner, d.change)] + [table.cell(d.rising)]
        table.rows.append([label(d.metric, d.quantity), d.subset, *cells, str(d.rho.n)])
    return table


def associations_table(analysis: Analysis) -> Table:
    """The gap on each predictor."""
    table = Table(
        "What goes with the gap: least squares of the gap on one predictor over checkpoints",
        [
            "predictor",
            "runs of",
            "r",
            "R2",
            "R2 with\nrun dummies",
            "R2 within\nruns",
            "partial r,\nstep fixed",
            "the same\nwithin runs",
            "leave-one-\nrun-out R2",
            "best layer\n(its R2)",
            "n (runs)",
        ],
        note=(
            "Intervals: 95 %, over training runs (under 50: by leaving each out, on Fisher's scale). R2 with run dummies counts "
            "differences between runs as explained; R2 within runs does not. Step fixed: log(step). Leave-one-run-out R2 below 0: worse "
            "than the mean. The best layer (in series.md) is chosen on these data, so its R2 flatters."
        ),
        page_only=frozenset({"r", "the same\nwithin runs", "best layer\n(its R2)", *_single(analysis)}),
    )
    for a in analysis.associations:
        f = a.fit
        best = ABSENT if a.best_layer is None else f"{a.best_layer} ({a.by_layer[a.best_layer]:.2f})"
        cells = [table.cell(e) for e in (f.r, f.r2, f.full_r2, f.within_r2, f.partial_r, f.partial_within_r)]
        cells.append(table.cell(f.loo_r2, interval=False))
        table.rows.append([a.predictor, a.subset, *cells, best, f"{f.n} ({f.runs})"])
    return table


def _single(analysis: Analysis) -> list[str]:
    """The column of subsets, where there is one subset only."""
    return ["runs of"] if len(analysis.subsets) < 2 else []


def comparisons_table(analysis: Analysis) -> Table:
    """Which predictor is stronger."""
    table = Table(
        "Which predictor is stronger: R2 of A minus R2 of B for the gap",
        ["A", "B", "runs of", "R2", "difference", "says"],
        note="95 % intervals over training runs, A and B together. An interval that holds 0 does not tell the two apart.",
        page_only=frozenset(_single(analysis)),
    )
    for c in analysis.comparisons:
        kind = "within runs" if c.within else "pooled"
        table.rows.append([c.a, c.b, c.subset, kind, table.cell(c.difference, signed=True), verdict(c.difference)])
    return table


def verdict(difference: Estimate) -> str:
    """What a difference with its interval allows to say."""
    if math.isnan(difference.value):
        return "nothing"
    if math.isnan(difference.low):
        return "no interval"
    return "A stronger" if difference.low > _NOTHING else "B stronger" if difference.high < -_NOTHING else "not told apart"


def flips_table(analysis: Analysis) -> Table:
    """Does a metric tell which items are lost in speech."""
    table = Table(
        "Item by item: among items right in text, does the metric tell those kept in speech from those lost (AUROC, 0.5 = a coin)",
        ["metric", "all items", "net of checkpoint\nand task", "mean over checkpoints,\nnet", "items"],
        note=(
            "Distances are turned so that higher means better aligned. Net: standardised within checkpoint and task, so that neither easy "
            "tasks nor late checkpoints can make it. Intervals: over questions, in the third column over training runs."
        ),
    )
    for f in analysis.flips:
        table.rows.append([label(f.metric, f.quantity), *(table.cell(e) for e in (f.pooled, f.net, f.mean)), str(f.pooled.n)])
    return table


def gains_table(analysis: Analysis) -> Table:
    """The gain of each intervention, beside its controls."""
    controls = list(dict.fromkeys(name for gain in analysis.gains for name in gain.against))
    table = Table(
        "Interventions: gain over plain speech in points, mean over checkpoints",
        ["condition", "n (runs)", "gain", "p", "p, Holm", "p over\nruns", *(f"beyond\n{name}" for name in controls)],
        note=(
            "Intervals and the last p: over training runs. p: sign flips over questions, all answers to one question together; Holm over "
            "all conditions of the table."
        ),
        first=52,
    )
    for g in analysis.gains:
        beyond = [table.cell(g.against[name], signed=True) if name in g.against else "" for name in controls]
        ps = [p_value(p) for p in (g.p, g.p_holm, g.p_runs)]
        table.rows.append([g.condition, f"{g.checkpoints} ({g.runs})", table.cell(g.gain, signed=True), *ps, *beyond])
    return table
