"""`lsgap new-task NAME`: write a task to begin with."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "new-task",
        help="write a commented task file and a sample that validates",
        description="Write a commented YAML and a sample of two items that validates at once. Nothing is overwritten.",
    )
    parser.add_argument("name", metavar="NAME", help="of the task: letters, digits and _")
    parser.add_argument("--folder", metavar="DIR", help="where to write it (default: a folder called NAME)")
    parser.add_argument(
        "--from",
        dest="form",
        metavar="FORM",
        default="csv",
        help="csv: a table and a folder of clips (default); hub: a data set of the hub; text: questions that a voice says",
    )
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Write the files and say what comes next."""
    from lsgap_bench import new_task as made

    folder = Path(asked.folder or asked.name)
    written = made.new_task(asked.name, folder, asked.form)
    print("\n".join(["Written:", *(f"  {path}" for path in written)]))
    if asked.form != "text" and not made.says_words():
        print("The clips are tones: no voice is installed (pip install 'lsgap-bench[speech]'). Record the questions in their place.")
    where = shlex.quote(str(folder))
    print(f"Next:\n  lsgap validate {asked.name} --include_path {where}\n  lsgap run --tasks {asked.name} --include_path {where}")
    print("  docs/add_a_benchmark.md says what every line is for.")
    return 0
