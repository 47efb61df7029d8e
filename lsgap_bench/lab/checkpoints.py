"""Lab models on disk: transformers' own folders, with `lab.json` beside the weights to say what made them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from transformers.utils import logging

from lsgap_bench import __version__

_PACKAGES = ("torch", "transformers", "peft", "espeakng-loader")
_Model = TypeVar("_Model", bound=nn.Module)


def save(folder: Path, made_by: Mapping[str, Any], *parts: Any) -> None:
    """Write a checkpoint whole or not at all. parts: the model and what reads its input, anything of transformers that saves itself.

    made_by: goes into `lab.json`, with the versions and the number of threads, for sums depend on it in their last bits.
    """
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # of writing one small file
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for part in parts:
        part.save_pretrained(str(partial))
    versions = {"lsgap_bench": __version__, **{name: version(name) for name in _PACKAGES}}
    (partial / "lab.json").write_text(json.dumps({**made_by, "threads": torch.get_num_threads(), "versions": versions}, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def made_by(folder: Path) -> dict[str, Any]:
    """What `lab.json` of a checkpoint says; empty where there is none."""
    file = folder / "lab.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def weights_sha256(folder: Path) -> str:
    """Of the weights of a checkpoint."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def half(model: _Model) -> _Model:
    """The model in bfloat16, as it is kept: half the bytes."""
    nn.Module.to(model, torch.bfloat16)
    return model


def on(device: str, model: _Model) -> _Model:
    """The model, moved to a device."""
    nn.Module.to(model, device)
    return model
