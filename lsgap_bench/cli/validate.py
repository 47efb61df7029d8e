"""`lsgap validate`: build every task, check every clip and every pair, and say all that is wrong."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "validate",
        help="check tasks strictly before they are run",
        description="Build each task and check every clip and pair of it; with --model, show where its two prompts differ.",
    )
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="task, group, tag or YAML file (default: all there are)")
    parser.add_argument("--include_path", metavar="DIR", action="append", default=[], help="folder with your own task YAML")
    parser.add_argument("--model", metavar="NAME", help="adapter whose prompts to show: where the two of an item differ")
    parser.add_argument("--model_args", metavar="K=V,...", help="for it, such as pretrained=Qwen/Qwen2-Audio-7B-Instruct")
    parser.add_argument("--system_instruction", metavar="S", help="system turn that the run will have")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: CUDA where there is one)")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Print a line per task, with a model also its prompts; exit status 2 when anything is wrong."""
    from tabulate import tabulate

    from lsgap_bench.validation import validate

    report = validate(asked.tasks, asked.include_path)
    print(tabulate(report.rows, headers="keys", tablefmt="simple", floatfmt=".2f"))
    for problem in report.problems:
        print(f"lsgap: {problem}", file=sys.stderr)
    print(f"\n{len(report.rows)} tasks, {len(report.problems)} problems")
    wrong = _show_prompts(asked) if (asked.model or asked.model_args) and not report.problems else 0
    return 2 if report.problems or wrong else 0


def _show_prompts(asked: argparse.Namespace) -> int:
    """Both prompts of an item of each task; how many of the pairs differ in more than the content."""
    from lsgap_bench.cli.arguments import pairs
    from lsgap_bench.prompt_preview import previews
    from lsgap_bench.registry import models
    from lsgap_bench.systems import make

    model = make(models[asked.model or "hf-speech"], pairs(asked.model_args or "", "--model_args"), "--model_args", asked.device, "models")
    found = previews(model, asked.tasks, asked.include_path, asked.system_instruction)
    print(f"\nPrompts of {model.name}: < written, > spoken, the rest is shared")
    print("\n".join(line for one in found for line in one.lines))
    return sum(one.apart is None for one in found)
