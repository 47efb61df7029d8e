"""The paper's own table of 40 checkpoints through this project's statistics: overall means, gaps, the headline, the gap on log(step)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsgap_bench.records import to_plain
from lsgap_bench.regressions import Fit, fit
from lsgap_bench.series_tables import Table, number

DATA = Path(__file__).with_name("paper_table2.json")
MEAN_ROUNDING = 0.01
"""Points. A printed mean (two decimals) of printed scores (two decimals) may lie this far from their mean: 0.005 each."""
GAP_ROUNDING = 0.015
"""Points. Two printed overalls and a printed gap, 0.005 each."""
_FLOAT = 1e-9


@dataclass(frozen=True)
class PaperRow:
    """One checkpoint as printed, in points. text, speech: one score per task. A run is a backbone with a training strategy."""

    backbone: str
    training: str
    step: int
    text: Sequence[float]
    text_overall: float
    speech: Sequence[float]
    speech_overall: float
    gap: float

    @property
    def name(self) -> str:
        """`Qwen2.5-7B LoRA 2000`."""
        return f"{self.backbone} {self.training} {self.step}"


@dataclass(frozen=True)
class Agreement:
    """How many printed numbers follow from other printed ones within rounding. differing: name -> (printed, recomputed)."""

    what: str
    agreeing: int
    n: int
    differing: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Headline:
    """25 points from backbone to speech = erosion + gap (paper section 3), at the last step, mean over the eight runs.

    base: what the paper takes for the backbones' text score: the mean of its four cascades (the two were conflated; we keep them apart).
    """

    base: float
    text: float
    speech: float

    @property
    def erosion(self) -> float:
        """Points lost in text by alignment training."""
        return self.base - self.text

    @property
    def gap(self) -> float:
        """Points lost from text to speech."""
        return self.text - self.speech


def paper_rows() -> list[PaperRow]:
    """The 40 checkpoints of Table 2."""
    return [PaperRow(*row) for row in _data()["rows"]]


def agreements(rows: Sequence[PaperRow]) -> list[Agreement]:
    """Printed overalls against the mean of their five tasks, and printed gaps against the printed overalls."""
    sides = {
        "text overall = mean of its five tasks": {r.name: (r.text_overall, float(np.mean(r.text))) for r in rows},
        "speech overall = mean of its five tasks": {r.name: (r.speech_overall, float(np.mean(r.speech))) for r in rows},
        "gap = text overall - speech overall": {r.name: (r.gap, r.text_overall - r.speech_overall) for r in rows},
    }
    made = []
    for what, pairs in sides.items():
        slack = GAP_ROUNDING if what.startswith("gap") else MEAN_ROUNDING
        off = {name: pair for name, pair in pairs.items() if abs(pair[0] - pair[1]) > slack + _FLOAT}
        made.append(Agreement(what, len(pairs) - len(off), len(pairs), off))
    return made


def headline(rows: Sequence[PaperRow]) -> Headline:
    """Erosion and gap at the last step."""
    last = [row for row in rows if row.step == max(r.step for r in rows)]
    cascades = list(_data()["cascade"].values())
    text, speech = (float(np.mean(side)) for side in ([r.text_overall for r in last], [r.speech_overall for r in last]))
    return Headline(float(np.mean(cascades)), text, speech)


def gap_on_step(rows: Sequence[PaperRow], training: str, recomputed: bool = False) -> Fit:
    """The gap on log(step) over the checkpoints of one strategy, `LoRA` or `Full`; a run is a backbone.

    recomputed: gaps from the printed task scores, the misprint among them, instead of the printed gaps.
    """
    own = [row for row in rows if row.training == training]
    gaps = [float(np.mean(r.text) - np.mean(r.speech)) if recomputed else r.gap for r in own]
    return fit([math.log(row.step) for row in own], gaps, [row.backbone for row in own])


def paper_report() -> list[Table]:
    """Everything recomputed, as tables."""
    rows = paper_rows()
    return [_runs_table(rows), _agreement_table(rows), _regression_table(rows), _headline_table(rows)]


def paper_tables() -> str:
    """For the terminal."""
    return "\n\n".join([_data()["source"], *(table.text() for table in paper_report())]) + "\n"


def paper_markdown() -> str:
    """The same for a page."""
    return "\n\n".join([f"Source: {_data()['source']}.", *(table.markdown() for table in paper_report())]) + "\n"


def paper_json() -> dict[str, Any]:
    """The same as JSON types."""
    rows = paper_rows()
    found = headline(rows)
    return {
        "source": _data()["source"],
        "misprint": _data()["misprint"],
        "agreements": to_plain(agreements(rows)),
        "gap_on_log_step": {training: to_plain(gap_on_step(rows, training)) for training in ("LoRA", "Full")},
        "headline": {name: getattr(found, name) for name in ("base", "text", "speech", "erosion", "gap")},
    }


def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return loaded


def _runs_table(rows: Sequence[PaperRow]) -> Table:
    steps = sorted({row.step for row in rows})
    title = "Gap in points at each step, and mean scores over the steps, as printed"
    table = Table(title, ["run", *map(str, steps), "text", "speech", "gap"])
    for run in dict.fromkeys((row.backbone, row.training) for row in rows):
        own = [row for row in rows if (row.backbone, row.training) == run]
        gaps = {row.step: row.gap for row in own}
        means = [float(np.mean([getattr(row, name) for row in own])) for name in ("text_overall", "speech_overall", "gap")]
        table.rows.append([" ".join(run), *(f"{gaps[step]:.2f}" for step in steps), *(f"{mean:.2f}" for mean in means)])
    means = [float(np.mean([getattr(row, name) for row in rows])) for name in ("text_overall", "speech_overall", "gap")]
    by_step = [float(np.mean([row.gap for row in rows if row.step == step])) for step in steps]
    table.rows.append(["mean of all", *(f"{mean:.2f}" for mean in [*by_step, *means])])
    return table


def _agreement_table(rows: Sequence[PaperRow]) -> Table:
    table = Table("Do the printed numbers agree with each other, within rounding", ["claim", "agree", "of", "differ: printed, recomputed"])
    table.note = _data()["misprint"]
    for found in agreements(rows):
        off = "; ".join(f"{name}: {printed:.2f}, {ours:.2f}" for name, (printed, ours) in found.differing.items())
        table.rows.append([found.what, str(found.agreeing), str(found.n), off or "none"])
    return table


def _regression_table(rows: Sequence[PaperRow]) -> Table:
    table = Table(
        "The gap on log(step) alone, which is what any predictor that grows with training has to beat",
        ["strategy", "points per\ndoubling", "R2 pooled", "R2 with\nrun dummies", "R2 within\nruns", "leave-one-\nrun-out R2", "n (runs)"],
        note=(
            "95 % intervals: by leaving each of the four backbones out; so few make them wide. From the printed gaps; gaps recomputed "
            f"from the tasks, misprint included, give R2 {_with_misprint(rows)} for LoRA."
        ),
    )
    for training in ("LoRA", "Full"):
        f = gap_on_step(rows, training)
        cells = [table.cell(e) for e in (f.r2, f.full_r2, f.within_r2)]
        loo = table.cell(f.loo_r2, interval=False)
        table.rows.append([training, number(f.slope * math.log(2), "points", True), *cells, loo, f"{f.n} ({f.runs})"])
    return table


def _with_misprint(rows: Sequence[PaperRow]) -> str:
    f = gap_on_step(rows, "LoRA", recomputed=True)
    return f"{f.r2.value:.2f} pooled and {f.full_r2.value:.2f} with run dummies"


def _headline_table(rows: Sequence[PaperRow]) -> Table:
    found = headline(rows)
    table = Table(
        "The headline at the last step, mean over the eight runs: points",
        ["base text", "LSLM text", "LSLM speech", "erosion", "gap", "sum"],
        note="Table 2 holds no backbone; base is the mean of the paper's four cascades, which it takes for the backbones' text score.",
    )
    values = [found.base, found.text, found.speech, found.erosion, found.gap, found.erosion + found.gap]
    table.rows.append([f"{value:.2f}" for value in values])
    return table
