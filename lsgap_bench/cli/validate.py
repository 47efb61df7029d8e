"""`lsgap validate`: build every task, check every clip and every pair, and say all that is wrong."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from lsgap_bench.errors import UsageError

if TYPE_CHECKING:
    from lsgap_bench.validation import Strictness

DEFAULT_MAX_WER = 0.5


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "validate",
        help="check tasks strictly before they are run",
        description="Build each task and check every clip and pair of it; with --model, show where its two prompts differ; with "
        "--recognizer, hear whether the clips say their words. Exit status 2 for problems; warnings are listed only.",
    )
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="task, group, tag or YAML file (default: all there are)")
    parser.add_argument("--include_path", metavar="DIR", action="append", default=[], help="folder with your own task YAML")
    parser.add_argument("--model", metavar="NAME", help="adapter whose prompts to show: where the two of an item differ")
    parser.add_argument("--model_args", metavar="K=V,...", help="for it, such as pretrained=Qwen/Qwen2-Audio-7B-Instruct")
    parser.add_argument("--system_instruction", metavar="S", help="system turn that the run will have")
    parser.add_argument("--recognizer", metavar="NAME", help="hears every clip, for a word error rate; see `lsgap ls recognizers`")
    parser.add_argument("--recognizer_args", metavar="K=V,...", help="for it, such as pretrained=openai/whisper-large-v3,language=en")
    parser.add_argument("--max_wer", metavar="X", help=f"errors per word above which a clip is told (default {DEFAULT_MAX_WER})")
    parser.add_argument("--max_seconds", metavar="S", help="longest clip that the model hears (default: a warning above 30)")
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: CUDA where there is one)")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Print a line per task, with a model also its prompts; exit status 2 when anything is wrong."""
    strictness = _strictness(asked)
    from tabulate import tabulate

    from lsgap_bench.validation import validate

    report = validate(asked.tasks, asked.include_path, strictness)
    if report.rows:
        print(f"{tabulate(report.rows, headers='keys', tablefmt='simple', floatfmt='.2f')}\n")
    for line in report.problems:
        print(f"lsgap: {line}", file=sys.stderr)
    for line in report.warnings:
        print(f"lsgap: warning: {line}", file=sys.stderr)
    counts = {"task": len(report.rows), "problem": len(report.problems), "warning": len(report.warnings)}
    print(", ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items()))
    prompts = bool(asked.model or asked.model_args)
    wrong = _show_prompts(asked) if prompts and not report.problems else 0
    unseen = {
        "the prompts that a model makes of them (--model NAME)": prompts,
        "whether clips say their words (--recognizer NAME)": asked.recognizer,
    }
    if report.rows and not all(unseen.values()):
        print(f"Not checked: {', '.join(what for what, checked in unseen.items() if not checked)}")
    return 2 if report.problems or wrong else 0


def _strictness(asked: argparse.Namespace) -> Strictness:
    """What the options ask for; the recognizer is loaded here, before any task is read."""
    max_wer, max_seconds = _positive(asked.max_wer, "--max_wer"), _positive(asked.max_seconds, "--max_seconds")
    if not asked.recognizer and (asked.recognizer_args or max_wer):
        raise UsageError(
            "--recognizer_args and --max_wer do nothing without a recognizer; add --recognizer NAME, see `lsgap ls recognizers`"
        )
    from lsgap_bench.validation import Strictness

    if not asked.recognizer:
        return Strictness(asked.system_instruction, max_seconds)
    from lsgap_bench.cli.arguments import pairs
    from lsgap_bench.plugins import load_plugins
    from lsgap_bench.registry import recognizers
    from lsgap_bench.systems import make
    from lsgap_bench.validation.round_trip import RoundTrip

    load_plugins(asked.include_path)
    arguments = pairs(asked.recognizer_args or "", "--recognizer_args")
    recognizer = make(recognizers[asked.recognizer], arguments, "--recognizer_args", asked.device, "recognizers")
    return Strictness(asked.system_instruction, max_seconds, RoundTrip(recognizer, max_wer or DEFAULT_MAX_WER))


def _positive(value: str | None, option: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise UsageError(f"{option} {value!r} is no number above 0; write for example {option} 0.5")
    return number


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
