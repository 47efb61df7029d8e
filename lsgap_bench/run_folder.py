"""A whole run folder: record, results, rows, items and plots, of a run or of a run judged again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lsgap_bench.example import AlignmentExample
from lsgap_bench.protocols import choices_of
from lsgap_bench.records import Rows, tables_of, write_run
from lsgap_bench.schema import Record
from lsgap_bench.store import check_writable

PLOTS = ("layers", "gap", "systems", "alignment", "length", "interventions")
KINDS = (".png", ".svg")


def save_run(
    folder: Path,
    record: Record,
    results: Mapping[str, Any],
    rows: Rows,
    items: Sequence[Mapping[str, Any]] | None = None,
    example: AlignmentExample | None = None,
) -> Path:
    """Draw the plots and write the files, record.json at last; returns the folder. UsageError where it cannot be written.

    results: lm-eval's. items: rows of `item_rows`, None where they are not known. example: what `alignment` draws.
    """
    from lsgap_bench.plots import plot_alignment, save_plots
    from lsgap_bench.run_plots import save_run_plots

    check_writable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in plots_in(folder):  # an earlier run may have drawn what this one has no numbers for
        path.unlink()
    versions = {name: task.version for name, task in record.tasks.items()}
    save_plots(record, folder)
    save_run_plots(record, tables_of(rows, versions, choices_of(record.provenance)["layers"]), folder)
    if example is not None:
        plot_alignment(example, folder)
    write_run(folder, record, results, rows, items)
    return folder


def plots_in(folder: Path, names: Sequence[str] = PLOTS) -> list[Path]:
    """The files of the named plots that are there."""
    return [path for name in names for kind in KINDS if (path := folder / f"{name}{kind}").exists()]
