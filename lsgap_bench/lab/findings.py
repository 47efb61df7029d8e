"""What a sweep says of the paper's findings: its checkpoints as a series, its interventions, and the paper's own table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lsgap_bench.bootstrap import Floats
from lsgap_bench.errors import UsageError
from lsgap_bench.lab.claims import claims_table
from lsgap_bench.lab.paper import paper_markdown, paper_tables
from lsgap_bench.lab.sweep import EVALUATIONS, MATCHING
from lsgap_bench.regressions import fit
from lsgap_bench.series import Series, load_series
from lsgap_bench.series_analysis import Analysis, analyse
from lsgap_bench.series_items import label
from lsgap_bench.series_plots import save_series_plots
from lsgap_bench.series_report import write_series
from lsgap_bench.series_tables import Table, number
from lsgap_bench.store import check_writable

PAGE = "findings.md"
STAGES = """\
Training has stages, and each changes something else: the matching stage changes what the text model is given, the alignment stage above all
how it reads it. The table asks of each alone, and of all checkpoints together, whether the gap goes with similarity. Where the answers
differ, a figure over mixed stages says which checkpoints were put together, and nothing about alignment."""


def report(folder: Path, out: Path) -> Iterator[str]:
    """Analyse the sweep in `folder` and write tables, figures and `findings.md` to `out`; yields what the terminal shows.

    UsageError where the folder holds no measured checkpoint.
    """
    check_writable(out)
    measured = sorted(file.parent for file in (folder / EVALUATIONS).glob("*/record.json"))
    matchings = [run for run in measured if f"-{MATCHING}-" in run.name]
    grids = [run for run in measured if run.name.endswith("-grid")]
    checkpoints = [run for run in measured if run not in (*matchings, *grids)]
    if not checkpoints:
        raise UsageError(f"{folder / EVALUATIONS} holds no measured checkpoint; run `lsgap lab sweep --folder {folder}` first")
    analysis = _analysed(checkpoints, out / "checkpoints")
    grid = _analysed(grids, out / "interventions") if len(grids) > 1 else None
    claims = claims_table(analysis, grid)
    yield claims.text()
    pages = ["# The paper's findings on tiny models", _told(checkpoints), claims.markdown()]
    pages += [f"![{name}](checkpoints/{name}.png)" for name in ("scores_by_step", "gap_by_metric")]
    if matchings:
        stages = stages_table(load_series([*matchings, *checkpoints]))
        yield stages.text()
        pages += ["## Why stages of training must not be mixed", STAGES.replace("\n", " "), stages.markdown()]
    pages += ["## All answers, tables and figures", _contents(grid is not None), "## The paper's own table", paper_markdown()]
    yield paper_tables()
    page = out / PAGE
    page.write_text("\n\n".join(pages) + "\n", encoding="utf-8")
    yield f"Page: {page}, {len(analysis.series.checkpoints)} checkpoints"


def stages_table(series: Series) -> Table:
    """The gap and three predictors within each stage and strategy, and over all of them: the same points, put together in other ways."""
    table = Table(
        "The gap and similarity, by what was trained",
        ["trained", "checkpoints (runs)", "gap", "predictor", "its range", "r with gap", "r within runs"],
        note="Ranges are from the smallest to the largest checkpoint. matching: the encoder alone learns to give the words' embeddings.",
        first=34,
    )
    named = {"matching": "encoder (matching)", "full": "all, full", "lora": "all, LoRA"}
    parts = {named.get(value, value): part for value, part in series.parts("strategy").items()}
    parts["everything together"] = series
    for name, part in parts.items():
        gap = part.values("gap")
        for metric, quantity in (("pooled_cosine", "value"), ("alignment_path_score", "value"), ("alignment_path_score", "same_task")):
            found = fit(part.measured(metric, quantity), gap, part.runs)
            about = [name, f"{len(part)} ({len(set(part.runs))})", _range(gap, "points")]
            values = _range(part.measured(metric, quantity), "cosine")
            table.rows.append([*about, label(metric, quantity), values, table.cell(found.r, True), table.cell(found.within_r, True)])
    return table


def _range(values: Floats, unit: str) -> str:
    return f"{number(float(np.nanmin(values)), unit)} to {number(float(np.nanmax(values)), unit)}"


def _analysed(runs: Sequence[Path], out: Path) -> Analysis:
    analysis: Analysis = analyse(load_series(runs), by="strategy")
    write_series(analysis, out, save_series_plots(analysis, out).figures)
    return analysis


def _contents(grid: bool) -> str:
    parts = ["[the checkpoints](checkpoints/series.md) ([as CSV](checkpoints/checkpoints.csv))"]
    parts += ["[the interventions](interventions/series.md)"] if grid else []
    return f"Every number with its interval, layer by layer and item by item: {'; '.join(parts)}."


def _told(checkpoints: Sequence[Path]) -> str:
    return (
        f"{len(checkpoints)} checkpoints of tiny speech language models, trained by `lsgap lab sweep` and measured on the embedded tasks. "
        "Where they disagree with the paper, the numbers below say so; they say nothing about large models."
    )
