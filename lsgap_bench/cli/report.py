"""`lsgap report series|paper`: what many checkpoints say together, and the same statistics on the paper's own table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

OUT = "lsgap_results/series"


def add_parser(commands: Any) -> None:
    """Declare the command and its verbs."""
    parser = commands.add_parser(
        "report", help="analyse many checkpoints together", description="Analyse a series of checkpoints, or the paper's own table."
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    series = verbs.add_parser(
        "series",
        help="gap, similarity and APS over any set of runs with tags",
        description="Analyse runs that were tagged with `lsgap run --tag run=NAME,step=NUMBER`: trends, regressions, flips, interventions.",
    )
    add = series.add_argument
    add("runs", metavar="RUN", nargs="+", help="run folders that `lsgap run` wrote, one per checkpoint (or record.json files)")
    add("--by", metavar="TAG", help="also analyse each value of this tag alone, such as strategy")
    add("--out", metavar="DIR", default=OUT, help=f"where tables and figures go (default {OUT})")
    add("--items", action=argparse.BooleanOptionalAction, default=True, help="read the samples too, for flips and p-values (default)")
    add("--seed", metavar="N", type=int, default=0, help="of the resampling (default 0)")
    add("--json", action="store_true", help="print series.json instead of the tables")
    series.set_defaults(command=_series)
    paper = verbs.add_parser("paper", help="recompute the paper's Table 2", description="The paper's own table through our statistics.")
    paper.add_argument("--json", action="store_true", help="as JSON")
    paper.set_defaults(command=_paper)


def _series(asked: argparse.Namespace) -> int:
    from tqdm import tqdm

    from lsgap_bench.series import load_series
    from lsgap_bench.series_analysis import analyse
    from lsgap_bench.series_plots import save_series_plots
    from lsgap_bench.series_report import series_json, series_tables, write_series
    from lsgap_bench.store import check_writable

    out = Path(asked.out)
    check_writable(out)
    series = load_series(asked.runs)
    analysis = analyse(
        series, asked.by, asked.items, seed=asked.seed, progress=lambda many: tqdm(many, unit="run", desc="reading samples", leave=False)
    )
    drawn = save_series_plots(analysis, out)
    written = write_series(analysis, out, drawn.figures)
    print(json.dumps(series_json(analysis), indent=2, ensure_ascii=False) if asked.json else series_tables(analysis))
    said = sys.stderr if asked.json else sys.stdout
    for name, why in drawn.left_out.items():
        print(f"No figure {name}: {why}", file=said)
    print(f"Files: {', '.join(path.name for path in [*written, *drawn.paths])} in {out}", file=said)
    return 0


def _paper(asked: argparse.Namespace) -> int:
    from lsgap_bench.lab.paper import paper_json, paper_tables

    print(json.dumps(paper_json(), indent=2, ensure_ascii=False) if asked.json else paper_tables())
    return 0
