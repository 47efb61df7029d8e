"""An Analysis as a person or a program reads it: terminal tables, Markdown with its answers in words, JSON, and CSV of the checkpoints."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsgap_bench.records import to_plain
from lsgap_bench.schema import Estimate
from lsgap_bench.series import QUANTITIES, SCORES, SYSTEMS, Checkpoint
from lsgap_bench.series_analysis import Analysis
from lsgap_bench.series_findings import findings
from lsgap_bench.series_items import label
from lsgap_bench.series_tables import Table, all_tables

SCHEMA = 1
READING = """\
**Why one R2 is not enough.** A pooled R2 over checkpoints of several runs, sizes or training strategies mixes two things: how the gap
moves with a metric *while one model trains*, and how *different models* differ. The two need not agree (Simpson's paradox). Between
strategies a metric may sit at another level for reasons that have nothing to do with the gap, and a relation that is strong inside each
run then vanishes from the pooled R2; or all runs move from "early" to "late" together, and anything that changes with training seems to
explain the gap. So five figures stand side by side: the pooled R2; the R2 of the model with a dummy for each run, where differences
between runs count as explained (it is high for *any* predictor when runs differ much); the R2 within runs, where they do not; the
correlation with log(step) held fixed, which asks whether the metric says more than "trained longer"; and the R2 of predicting each run
from the others. A claim that holds in all of them is about alignment; one that holds only pooled is about which runs were put together.
Metrics are also given above their nulls (the same speech against another item's text), because a maximum over speech positions grows
with the length of the clip."""
_TITLES = {
    "checkpoints": "The checkpoints",
    "training": "(a) Along training",
    "depth": "(b) Along depth",
    "associations": "(c, d) What goes with the gap",
    "comparisons": "(c) Which is stronger",
    "flips": "(e) Item by item",
    "interventions": "(f) Interventions",
}
_FIGURES = {
    "scores_by_step": "training",
    "metrics_by_step": "training",
    "layers_by_step": "depth",
    "gap_by_metric": "associations",
    "interventions": "interventions",
}
"""Figure -> the section that shows it."""


def series_tables(analysis: Analysis) -> str:
    """For the terminal: the answers, then the tables."""
    parts = [heading(analysis), "\n".join(f"- {line}" for line in findings(analysis))]
    parts += [table.text() for table in all_tables(analysis).values()]
    parts += [f"Not there: {why}" for why in analysis.missing.values()]
    return "\n\n".join(parts) + "\n"


def series_markdown(analysis: Analysis, figures: Mapping[str, str] | None = None) -> str:
    """A page: the answers in words, how to read them, every table, every figure. figures: name -> address of the picture."""
    shown = figures or {}
    parts = [f"# {heading(analysis)}", "\n".join(f"- {line}" for line in findings(analysis)), READING.replace("\n", " ")]
    tables = all_tables(analysis)
    for part, title in _TITLES.items():
        if part not in tables:
            continue
        pictures = [f"![{name}]({shown[name]})" for name, of in _FIGURES.items() if of == part and name in shown]
        parts += [f"## {title}", tables[part].markdown(), *pictures]
    if analysis.checkpoint_gains:
        parts.append(_checkpoint_gains(analysis).markdown())
    parts += [f"Not there: {why}." for why in analysis.missing.values()]
    return "\n\n".join(parts) + "\n"


def series_json(analysis: Analysis) -> dict[str, Any]:
    """JSON types; NaN is null, Estimates as in record.json (their n counts checkpoints, in flips items)."""
    parts = ("associations", "comparisons", "depth", "training", "flips", "gains", "checkpoint_gains")
    plain: dict[str, Any] = {
        "schema": SCHEMA,
        "by": analysis.by,
        "tasks": list(analysis.series.checkpoints[0].record.overall.tasks),
        "answers": findings(analysis),
        "checkpoints": [_checkpoint(c) for c in analysis.series.checkpoints],
        **{part: to_plain(list(getattr(analysis, part))) for part in parts},
        "missing": dict(analysis.missing),
    }
    return plain


def checkpoints_csv(analysis: Analysis) -> str:
    """One line per checkpoint: tags, scores with limits, and of each metric the value, its nulls and the differences; empty = absent."""
    tags = list(dict.fromkeys(tag for c in analysis.series.checkpoints for tag in c.tags))
    rows = [_flat(c, tags) for c in analysis.series.checkpoints]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write_series(analysis: Analysis, out: Path, figures: Mapping[str, str] | None = None) -> list[Path]:
    """Write series.json, series.md and checkpoints.csv into `out`, each whole; the paths."""
    out.mkdir(parents=True, exist_ok=True)
    made = {
        out / "series.json": json.dumps(series_json(analysis), indent=2, ensure_ascii=False) + "\n",
        out / "series.md": series_markdown(analysis, figures),
        out / "checkpoints.csv": checkpoints_csv(analysis),
    }
    for path, text in made.items():
        partial = path.with_name(f"{path.name}.part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    return list(made)


def heading(analysis: Analysis) -> str:
    """How much there is."""
    series = analysis.series
    runs, tasks = len(set(series.runs)), len(series.checkpoints[0].record.overall.tasks)
    items = sum(task.n for task in series.checkpoints[0].record.tasks.values())
    return f"{len(series)} checkpoints of {runs} training run{'s' * (runs > 1)}, {items} items of {tasks} task{'s' * (tasks > 1)}"


def _checkpoint_gains(analysis: Analysis) -> Table:
    table = Table("Gain of each intervention at each checkpoint", ["checkpoint", "condition", "gain", "p", "p, Holm"])
    for row in analysis.checkpoint_gains:
        ps = ["-" if math.isnan(p) else f"{p:.4f}" for p in (row.p.value, row.p_holm)]
        table.rows.append([row.checkpoint, row.condition, table.cell(row.gain, signed=True), *ps])
    return table


def _checkpoint(c: Checkpoint) -> dict[str, Any]:
    return {
        "source": c.source.name,
        "run": c.run,
        "step": c.step,
        "tags": dict(c.tags),
        **{name: c.estimate(name).to_dict() for name in (*SCORES, *SYSTEMS)},
        "representation": to_plain(dict(c.representation)),
        "interventions": to_plain(dict(c.interventions)),
    }


def _flat(c: Checkpoint, tags: list[str]) -> dict[str, str]:
    row = {"source": c.source.name, "run": c.run, "step": f"{c.step:g}", **{tag: c.tags.get(tag, "") for tag in tags}}
    for name in (*SCORES, *SYSTEMS):
        row |= _limits(name, c.estimate(name))
    for metric, of in c.representation.items():
        for quantity in QUANTITIES:
            row |= _limits(label(metric, quantity).replace(" ", "_"), c.measured(metric, quantity))
        row |= {f"{metric}_null_{side}": _exact(null.value) for side, null in of.null.items()}
    return row


def _limits(name: str, of: Estimate) -> dict[str, str]:
    return {name: _exact(of.value), f"{name}_low": _exact(of.low), f"{name}_high": _exact(of.high)}


def _exact(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else ""
