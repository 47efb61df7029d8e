"""`lsgap`: one file per command. Heavy imports happen inside the command that needs them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from lsgap_bench import __version__
from lsgap_bench.cli import compare, lab, leaderboard, ls, new_task, report, rescore, run, synth, validate, verify
from lsgap_bench.errors import UsageError

INTERRUPTED = 130  # what a shell reports after Ctrl-C
QUIET = {"DATASETS_VERBOSITY": "critical", "HF_HUB_VERBOSITY": "error", "TRANSFORMERS_VERBOSITY": "error"}


class _Parser(argparse.ArgumentParser):
    """Wrong usage ends as everything that the user can mend: in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 2 bad usage or bad input with one line on standard error."""
    parser = _Parser(
        prog="lsgap",
        description="Measure, and explain, the modality gap of large speech language models: the same question, spoken and written.",
    )
    parser.add_argument("--version", action="version", version=f"lsgap-bench {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (run, ls, new_task, validate, synth, verify, leaderboard, report, compare, rescore, lab):
        command.add_parser(commands)
    for name, level in QUIET.items():  # what goes wrong is said by us, in one line
        os.environ.setdefault(name, level)
    try:
        asked = parser.parse_args(arguments)
        if "command" not in asked:
            parser.print_help(sys.stderr)
            return 2
        return int(asked.command(asked))
    except UsageError as error:
        print(f"lsgap: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("lsgap: interrupted; the same command goes on where it stopped", file=sys.stderr)
        return INTERRUPTED
