"""`lsgap rescore RUN`: a finished run under another scorer, other choices or another protocol, without running a model."""

from __future__ import annotations

import argparse
from typing import Any

from lsgap_bench.cli.arguments import names, pairs
from lsgap_bench.errors import UsageError


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "rescore",
        help="judge or average a finished run in another way, without a model",
        description="Judge the stored answers of a finished run by another scorer, or average its metrics by other choices.",
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="run folder that `lsgap run` wrote; it stays as it is")
    add("--scorer", metavar="NAME", help="for every task, or TASK=NAME,... for some; see `lsgap ls scorers`")
    add("--judge", metavar="NAME", help="votes on the tasks whose scorer needs a judge; see `lsgap ls judges`")
    add("--judge_args", metavar="K=V,...", help="for it, such as base_url=...,model=gpt-4o-mini-2024-07-18,votes=3")
    add("--choice", metavar="K=V,...", help="such as layers=0..L; see `lsgap ls protocols`")
    add("--protocol", metavar="NAME", help="such as emnlp2025; see `lsgap ls protocols`")
    add("--tag", metavar="K=V,...", help="added to the record's labels, so that a leaderboard can hold both")
    add("--include_path", metavar="DIR", action="append", default=[], help="folder with plug-ins of your own; may be given again")
    add("--output_path", metavar="DIR", help="run folder to write (default RUN-rescored)")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Rescore, print the tables, say what changed and where it is."""
    from lsgap_bench.rescoring import rescore

    done = rescore(
        asked.run,
        scorer=None if asked.scorer is None else _scorers(asked.scorer),
        choices=pairs(asked.choice or "", "--choice"),
        protocol=asked.protocol,
        output_path=asked.output_path,
        tags=pairs(asked.tag or "", "--tag"),
        include_path=asked.include_path,
        judge=asked.judge,
        judge_args=pairs(asked.judge_args or "", "--judge_args"),
    )
    print(done.table())
    print(f"Changed: {done.changed}")
    print(f"Run folder: {done.folder}")
    return 0


def _scorers(value: str) -> str | dict[str, str]:
    """`exact`, or `a=exact,b=choice` as task -> scorer."""
    given = [part.partition("=") for part in names(value)]
    if len(given) == 1 and not given[0][1]:
        return given[0][0]
    if not given or not all(task and rule for task, _, rule in given):
        raise UsageError(f"--scorer {value!r} is neither one name nor TASK=NAME,...; write for example --scorer exact")
    return {task: rule for task, _, rule in given}
