"""Makes the embedded models: `python -m lsgap_bench.lab.ship [LAB_FOLDER]` trains the preset `demo` and puts it into the package."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from lsgap_bench.lab import checkpoints, tokens
from lsgap_bench.lab.recipe import preset
from lsgap_bench.lab.train import Lab, recognizer_of, train_model
from lsgap_bench.resources import DEMO_BASE, DEMO_MODEL, DEMO_RECOGNIZER


def ship(lab: Lab, say: Callable[[str], object] = print) -> None:
    """Train what is not trained yet, and replace the embedded speech model, its base and the recognizer; all in bfloat16."""
    recipe = preset("demo")
    trained = train_model(recipe, lab, say=say)
    recognizer = recognizer_of(recipe, lab, say=say)
    base = AutoModelForCausalLM.from_pretrained(trained.base, dtype=torch.bfloat16)
    checkpoints.save(DEMO_BASE, checkpoints.made_by(trained.base), base, tokens.build_tokenizer())
    for source, target in ((trained.last, DEMO_MODEL), (recognizer, DEMO_RECOGNIZER)):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    for folder in (DEMO_BASE, DEMO_MODEL, DEMO_RECOGNIZER):
        size = sum(file.stat().st_size for file in folder.iterdir())
        say(f"{folder.name}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    ship(Lab(Path(sys.argv[1] if len(sys.argv) > 1 else "lsgap_lab")))
