"""`lsgap validate`: build every task, check every clip and every pair, and say all that is wrong."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "validate", help="check tasks strictly before they are run", description="Build each task and check every clip and pair of it."
    )
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="task, group, tag or YAML file (default: all there are)")
    parser.add_argument("--include_path", metavar="DIR", action="append", default=[], help="folder with your own task YAML")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Print a line per task; exit status 2 when anything is wrong."""
    from tabulate import tabulate

    from lsgap_bench.validation import validate

    report = validate(asked.tasks, asked.include_path)
    print(tabulate(report.rows, headers="keys", tablefmt="simple", floatfmt=".2f"))
    for problem in report.problems:
        print(f"lsgap: {problem}", file=sys.stderr)
    print(f"\n{len(report.rows)} tasks, {len(report.problems)} problems")
    return 2 if report.problems else 0
