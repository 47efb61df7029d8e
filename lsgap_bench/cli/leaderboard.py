"""`lsgap leaderboard add|check|build`: from run folders to a page that can be published."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

RECORDS = "leaderboard/records"
SITE = "leaderboard/site"


def add_parser(commands: Any) -> None:
    """Declare the command and its three verbs."""
    parser = commands.add_parser("leaderboard", help="publish runs", description="Collect records and build the leaderboard.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="check a run's numbers against its samples and add its record")
    add.add_argument("run", metavar="RUN", help="run folder that `lsgap run` wrote")
    check = verbs.add_parser("check", help="check all records")
    build = verbs.add_parser("build", help="make the Markdown table and the page from all records")
    build.add_argument("--out", metavar="DIR", default=SITE, help=f"where to write (default {SITE})")
    for verb, command in ((add, _add), (check, _check), (build, _build)):
        verb.add_argument("--records", metavar="DIR", default=RECORDS, help=f"folder of records (default {RECORDS})")
        verb.set_defaults(command=command)


def _add(asked: argparse.Namespace) -> int:
    from lsgap_bench.leaderboard import add

    print(f"added {add(Path(asked.run), Path(asked.records))}")
    return 0


def _check(asked: argparse.Namespace) -> int:
    from lsgap_bench.leaderboard import check

    problems = check(Path(asked.records))
    for problem in problems:
        print(f"lsgap: {problem}", file=sys.stderr)
    print(f"{len(problems)} problems")
    return 2 if problems else 0


def _build(asked: argparse.Namespace) -> int:
    from lsgap_bench.leaderboard import build

    table, page = build(Path(asked.records), Path(asked.out))
    print(table.read_text(encoding="utf-8"))
    print(f"Page: {page}")
    return 0
