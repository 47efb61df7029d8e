"""`lsgap lab train|sweep|report|words`: tiny speech language models, trained and measured on this machine."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = "lsgap_lab"
NOTHING_BUT_THE_WORDS = "the words that lab models know; an item with another word is refused"


def add_parser(commands: Any) -> None:
    """Declare the command and its verbs."""
    parser = commands.add_parser("lab", help="train tiny models and reproduce the paper's findings", description="The laboratory.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    train = verbs.add_parser("train", help="train one model; an interrupted training goes on", description="Train one lab model.")
    add = train.add_argument
    add(
        "--preset",
        metavar="NAME",
        default="demo",
        help="demo (the shipped model, from nothing), sweep (begins with the embedded models) or smoke (seconds, learns nothing)",
    )
    add("--size", metavar="NAME", help="of the text model: nano or micro (default: the preset's)")
    add("--strategy", metavar="NAME", help="full (fine-tuning) or lora (default: the preset's)")
    add("--seed", metavar="N", type=int, help="of the alignment (default 0)")
    _add_place(train)
    train.set_defaults(command=_train)
    sweep = verbs.add_parser("sweep", help="train and measure sizes x strategies x seeds", description="Train and measure many models.")
    add = sweep.add_argument
    add("--preset", metavar="NAME", default="sweep", help="what every run is like (default sweep)")
    add("--sizes", metavar="A,B", help="text models (default nano,micro)")
    add("--strategies", metavar="A,B", help="default full,lora")
    add("--seeds", metavar="A,B", default="0,1,2", help="default 0,1,2")
    add("--limit", metavar="N", type=int, help="items per task at every checkpoint (default all)")
    add(
        "--grid_limit",
        metavar="N",
        type=int,
        default=20,
        help="items per task for the interventions on last checkpoints (default 20; 0: none)",
    )
    add("--processes", metavar="N", type=int, default=1, help="models trained side by side (default 1)")
    _add_place(sweep)
    sweep.set_defaults(command=_sweep)
    report = verbs.add_parser(
        "report", help="the paper's findings on a sweep", description="Test the paper's findings on a sweep's models."
    )
    report.add_argument("--folder", metavar="DIR", default=FOLDER, help=f"the sweep's folder (default {FOLDER})")
    report.add_argument("--out", metavar="DIR", default=f"{FOLDER}/report", help=f"where tables and figures go (default {FOLDER}/report)")
    report.set_defaults(command=_report)
    words = verbs.add_parser("words", help=NOTHING_BUT_THE_WORDS, description=f"Print {NOTHING_BUT_THE_WORDS}.")
    words.add_argument("--questions", action="store_true", help="print one example of every kind of question instead")
    words.set_defaults(command=_words)


def _add_place(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--set", metavar="FIELD=VALUE", action="append", default=[], help="change the recipe, such as speech.snr=[10,30]; may be repeated")
    add("--folder", metavar="DIR", default=FOLDER, help=f"where everything is kept (default {FOLDER})")
    add("--device", metavar="D", help="cpu, cuda, ... (default: a GPU where there is one)")
    add("--threads", metavar="N", type=int, help="of torch (default: all)")
    add("--workers", metavar="N", type=int, default=1, help="processes that say the training questions (default 1)")
    add("--minutes", metavar="M", type=float, help="stop after so long, with everything saved; the same command goes on")


def _lab(asked: argparse.Namespace) -> Any:
    """(lab, clock) of the arguments; UsageError where the extra `lab` is not installed."""
    import torch

    from lsgap_bench.errors import UsageError

    if find_spec("peft") is None:
        raise UsageError("`lsgap lab` needs the package peft; pip install 'lsgap-bench[lab]'")
    from lsgap_bench.lab.loop import Clock
    from lsgap_bench.lab.train import Lab
    from lsgap_bench.store import check_writable

    folder = Path(asked.folder)
    check_writable(folder)
    device = asked.device or ("cuda" if torch.cuda.is_available() else "cpu")
    return Lab(folder, device, asked.threads, asked.workers), Clock.minutes(asked.minutes)


def _train(asked: argparse.Namespace) -> int:
    lab, clock = _lab(asked)
    from lsgap_bench.lab.recipe import changed, preset
    from lsgap_bench.lab.train import train_model

    recipe = changed(preset(asked.preset, size=asked.size, strategy=asked.strategy, seed=asked.seed), asked.set)
    trained = train_model(recipe, lab, clock)
    print(f"base: {trained.base}\nmodel: {trained.last}")
    print(f"measure it: lsgap run --model_args pretrained={trained.last} --systems base,lslm --base_args pretrained={trained.base}")
    return 0


def _sweep(asked: argparse.Namespace) -> int:
    lab, clock = _lab(asked)
    from lsgap_bench.cli.arguments import names
    from lsgap_bench.errors import UsageError
    from lsgap_bench.lab.alignment_stage import STRATEGIES
    from lsgap_bench.lab.architecture import SIZES
    from lsgap_bench.lab.recipe import changed
    from lsgap_bench.lab.sweep import Measuring, sweep, sweep_recipes

    seeds = names(asked.seeds)
    if not all(seed.isdecimal() for seed in seeds):
        raise UsageError(f"--seeds '{asked.seeds}' are not all whole numbers; write --seeds 0,1,2")
    sizes, strategies = names(asked.sizes or "") or list(SIZES), names(asked.strategies or "") or list(STRATEGIES)
    for setting in asked.set:
        if "." not in setting.partition("=")[0]:
            raise UsageError(f"--set {setting}: a sweep varies that itself; set a part, such as --set alignment.rank=4, or use --seeds")
    recipes = [changed(r, asked.set) for r in sweep_recipes(sizes, strategies, [int(seed) for seed in seeds], asked.preset)]
    folders = sweep(recipes, lab, Measuring(asked.limit, asked.grid_limit), clock, asked.processes)
    print(
        f"{len(folders)} checkpoints measured, of {len(recipes)} runs and the matching before them; lsgap lab report --folder {lab.folder}"
    )
    return 0


def _report(asked: argparse.Namespace) -> int:
    from lsgap_bench.lab.findings import report

    for line in report(Path(asked.folder), Path(asked.out)):
        print(line)
    return 0


def _words(asked: argparse.Namespace) -> int:
    from random import Random

    from lsgap_bench.lab import world

    if asked.questions:
        for name, make in world.TASKS.items():
            question = make(Random(7))
            print(f"{name:12} {question.text} -> {question.answer}")
    else:
        print(" ".join(world.vocabulary()))
    return 0
