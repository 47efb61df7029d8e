"""What a sweep says of the paper's findings: its checkpoints as a series, its interventions, and the paper's own table."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from lsgap_bench.errors import UsageError
from lsgap_bench.lab.paper import paper_markdown, paper_tables
from lsgap_bench.lab.sweep import EVALUATIONS
from lsgap_bench.series import load_series
from lsgap_bench.series_analysis import Analysis, analyse
from lsgap_bench.series_plots import save_series_plots
from lsgap_bench.series_report import series_markdown, series_tables, write_series
from lsgap_bench.store import check_writable

PAGE = "findings.md"


def report(folder: Path, out: Path) -> Iterator[str]:
    """Analyse the sweep in `folder` and write tables, figures and `findings.md` to `out`; yields what the terminal shows.

    UsageError where the folder holds no measured checkpoint.
    """
    check_writable(out)
    measured = sorted(file.parent for file in (folder / EVALUATIONS).glob("*/record.json"))
    checkpoints = [run for run in measured if not run.name.endswith("-grid")]
    grids = [run for run in measured if run.name.endswith("-grid")]
    if not checkpoints:
        raise UsageError(f"{folder / EVALUATIONS} holds no measured checkpoint; run `lsgap lab sweep --folder {folder}` first")
    pages = ["# The paper's findings on tiny models", _told(checkpoints)]
    analysis = yield from _part(checkpoints, out, pages, "Checkpoints")
    if grids:
        pages.append("# Interventions on the last checkpoint of every run")
        yield from _part(grids, out / "interventions", pages, "Interventions")
    pages += ["# The paper's own table", paper_markdown()]
    yield paper_tables()
    page = out / PAGE
    page.write_text("\n\n".join(pages) + "\n")
    yield f"Page: {page}, {len(analysis.series.checkpoints)} checkpoints"


def _part(runs: Sequence[Path], out: Path, pages: list[str], name: str) -> Generator[str, None, Analysis]:
    analysis: Analysis = analyse(load_series(runs), by="strategy")
    drawn = save_series_plots(analysis, out)
    write_series(analysis, out, drawn.figures)
    pages.append(series_markdown(analysis, drawn.figures))
    yield f"{name}\n\n{series_tables(analysis)}"
    return analysis


def _told(checkpoints: Sequence[Path]) -> str:
    return (
        f"{len(checkpoints)} checkpoints of tiny speech language models, trained by `lsgap lab sweep` and measured on the embedded tasks. "
        "Where they disagree with the paper, the numbers below say so; they say nothing about large models."
    )
