"""`lsgap synth`: make the clips of tasks that a voice says, before they are run, and check that they can be understood."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsgap_bench.cli.arguments import pairs
from lsgap_bench.errors import UsageError

if TYPE_CHECKING:
    from lsgap_bench.synth import SpokenItem

SHOWN = 20
"""Wrong clips that the terminal shows; a report holds them all."""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "synth",
        help="make the clips of tasks that a voice says",
        description="Make the clips of tasks with `speech:`, side by side, into the cache (LSGAP_CACHE), and check them. "
        "Interrupted, the same command goes on where it stopped.",
    )
    add = parser.add_argument
    add("tasks", nargs="+", metavar="TASK", help="task, group, tag or YAML file")
    add("--include_path", metavar="DIR", action="append", default=[], help="folder with your own task YAML; may be given again")
    add("--voice", metavar="ENGINE:VOICE", help="in place of the tasks' own; see `lsgap ls voices`")
    add("--speed", metavar="X", type=float, help="multiple of the voice's own, in place of the tasks'")
    add("--processes", metavar="N", type=int, help="utterances at once (default one per processor), where the engine allows it")
    add("--limit", metavar="N", type=int, help="at most N items of each task")
    add("--max_seconds", metavar="S", type=float, default=30.0, help="longer clips are refused (default 30)")
    add("--recognizer", metavar="NAME", help="hears every clip, and its errors are counted; see `lsgap ls recognizers`")
    add("--recognizer_args", metavar="K=V,...", help="for it, such as pretrained=openai/whisper-small.en")
    add("--max_wer", metavar="X", type=float, default=0.3, help="word error rate from which a clip is refused (default 0.3)")
    add("--device", metavar="NAME", help="of the recognizer: cpu, cuda, cuda:1 ... (default: CUDA where there is one)")
    add("--report", metavar="FILE", help="a line per clip, as .csv or .json")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Print a line per task and what is wrong; exit status 2 when anything is."""
    if asked.report and Path(asked.report).suffix not in (".csv", ".json"):
        raise UsageError(f"--report {asked.report} is neither .csv nor .json; name a file that ends in one of them")
    if asked.report and not Path(asked.report).parent.is_dir():  # said before hours of work
        raise UsageError(f"--report {asked.report} cannot be written (there is no folder {Path(asked.report).parent}); name another file")
    if asked.recognizer_args and not asked.recognizer:
        raise UsageError("--recognizer_args are given, but no --recognizer; name one, such as hf-asr")
    from tabulate import tabulate

    from lsgap_bench.synth import Request, summary, synth

    own = ("tasks", "include_path", "voice", "speed", "processes", "limit", "max_seconds", "max_wer")
    items = synth(Request(**{name: getattr(asked, name) for name in own}, recognizer=_recognizer(asked)))
    if asked.report:
        _write(Path(asked.report), [item.row() for item in items])
    print(tabulate(summary(items), headers="keys", tablefmt="simple", floatfmt=".2f"))
    return _say_wrong([item for item in items if item.why], asked.report)


def _recognizer(asked: argparse.Namespace) -> Any:
    """A call that loads the recognizer; None where none was asked for. An unknown name is refused at once."""
    if not asked.recognizer:
        return None
    from functools import partial

    from lsgap_bench.registry import recognizers
    from lsgap_bench.systems import make

    given = pairs(asked.recognizer_args or "", "--recognizer_args")
    return partial(make, recognizers[asked.recognizer], given, "--recognizer_args", asked.device, "recognizers")


def _say_wrong(wrong: Sequence[SpokenItem], report: str | None) -> int:
    for item in wrong[:SHOWN]:
        if not item.spoken:  # why names the file and the item
            print(f"lsgap: {item.why}", file=sys.stderr)
            continue
        print(f"lsgap: {item.item}: {item.why}\n    said: {item.spoken}", file=sys.stderr)
    if len(wrong) > SHOWN:
        print(
            f"lsgap: and {len(wrong) - SHOWN} more; {'see ' + report if report else 'write them all with --report FILE'}", file=sys.stderr
        )
    return 2 if wrong else 0


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            if path.suffix == ".json":
                json.dump(list(rows), file, indent=2, ensure_ascii=False)
                return
            writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise UsageError(f"--report {path} cannot be written ({error.strerror}); name another file") from None
