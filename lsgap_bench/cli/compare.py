"""`lsgap compare RUN RUN ...`: several models on the same items, paired, as tables, figures, Markdown, LaTeX and JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from lsgap_bench.cli.arguments import names
from lsgap_bench.errors import UsageError

OUT = "lsgap_results/compare"


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "compare",
        help="compare models item by item, and refuse what is not comparable",
        description="Compare runs on the same tasks and items; the first one is the reference of all differences.",
    )
    add = parser.add_argument
    add("runs", metavar="RUN", nargs="+", help="run folders that `lsgap run` wrote, the reference first")
    add("--tasks", metavar="A,B", help="compare these tasks or groups alone (default: all, which every run must have)")
    add("--out", metavar="DIR", default=OUT, help=f"where tables and figures go (default {OUT})")
    add("--json", action="store_true", help="print comparison.json instead of the tables")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Compare, write the files, print the tables."""
    from lsgap_bench.comparison import compare
    from lsgap_bench.comparison_plots import save_comparison_plots
    from lsgap_bench.comparison_report import comparison_json, comparison_text, write_comparison
    from lsgap_bench.store import check_writable

    out = Path(asked.out)
    tasks = None if asked.tasks is None else names(asked.tasks)
    if tasks == []:
        raise UsageError("--tasks names nothing; write a name, or leave the option out")
    check_writable(out)
    comparison = compare(asked.runs, tasks)
    drawn = save_comparison_plots(comparison, out)
    written = write_comparison(comparison, out, drawn.figures)
    print(json.dumps(comparison_json(comparison), indent=2, ensure_ascii=False) if asked.json else comparison_text(comparison))
    said = sys.stderr if asked.json else sys.stdout
    for name, why in drawn.left_out.items():
        print(f"No figure {name}: {why}", file=said)
    print(f"Files: {', '.join(path.name for path in [*written, *drawn.paths])} in {out}", file=said)
    return 0
