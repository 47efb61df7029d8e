"""The projector: two linear layers over stacked frames, and how one is read from the file that a training wrote."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers.activations import ACT2FN

from lsgap_bench.errors import UsageError, first_line
from lsgap_bench.models.whisper_llm.config import WhisperLLMConfig

LAYERS = ("linear_1", "linear_2")
Weights = Mapping[str, Tensor]
"""`linear_1.weight`, `linear_2.weight`, and where there are biases `linear_1.bias`, `linear_2.bias`."""


class StackedProjector(nn.Module):
    """Frames (B, F, encoder width) -> speech tokens (B, ceil(F / stack), the language model's width); zeros fill the last stack."""

    def __init__(self, config: WhisperLLMConfig) -> None:
        super().__init__()
        self.stack = config.stack
        width, bias = config.stack * config.audio_config.d_model, config.projector_bias
        self.linear_1 = nn.Linear(width, config.projector_size, bias=bias)
        self.act: nn.Module = ACT2FN[config.projector_act]
        self.linear_2 = nn.Linear(config.projector_size, config.text_config.hidden_size, bias=bias)

    def forward(self, frames: Tensor) -> Tensor:
        """See the class."""
        whole = nn.functional.pad(frames, (0, 0, 0, -frames.shape[1] % self.stack))
        stacked = whole.reshape(len(whole), -1, self.stack * whole.shape[2])
        projected: Tensor = self.linear_2(self.act(self.linear_1(stacked)))
        return projected


def read_projector(path: str, heard: int, read: int) -> Weights:
    """The weights in a file (safetensors, or what torch.save wrote), whatever its names are.

    heard: width of the encoder; read: of the language model. The layers are told apart by their shapes, (m, k * heard) and (read, m); where
    those leave it open, by the order of their names. UsageError for a file that is none, or that holds anything else.
    """
    found = _tensors(path)
    layers = [name.removesuffix("weight") for name, value in sorted(found.items()) if name.endswith("weight") and value.dim() == 2]
    biased = [layer for layer in layers if f"{layer}bias" in found]
    known = {f"{layer}weight" for layer in layers} | {f"{layer}bias" for layer in biased}
    if len(layers) != 2 or len(biased) == 1 or known != set(found):
        raise UsageError(
            f"projector={path} holds {_shown(found)}; this recipe's is two linear layers: linear_1.weight, linear_2.weight and, unless "
            "neither has one, their biases"
        )
    for pair in permutations(layers):
        first, second = (found[f"{layer}weight"] for layer in pair)
        if first.shape[1] % heard == 0 and second.shape == (read, first.shape[0]):
            ends = ("weight", "bias") if biased else ("weight",)
            return {f"{ours}.{end}": found[theirs + end] for ours, theirs in zip(LAYERS, pair, strict=True) for end in ends}
    raise UsageError(
        f"projector={path} holds {_shown(found)}, which does not fit between an encoder of width {heard} and a language model of width "
        f"{read}; give the encoder and the language model that it was trained with"
    )


def _tensors(path: str) -> dict[str, Tensor]:
    if not Path(path).is_file():
        raise UsageError(f"projector={path} is no file; give the projector's weights, two linear layers, as .safetensors or .pt")
    try:
        found: Any = load_file(path) if path.endswith(".safetensors") else torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, pickle.UnpicklingError) as error:
        raise UsageError(
            f"projector={path} cannot be read ({first_line(error)}); give a .safetensors file, or a state dict of torch.save"
        ) from None
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise UsageError(f"projector={path} is no state dict; save projector.state_dict() and nothing else")
    return dict(found)


def _shown(found: Weights) -> str:
    shown = [f"{name} {tuple(value.shape)}" for name, value in list(found.items())[:6]]
    return ", ".join(shown) + (f" and {len(found) - 6} more" if len(found) > 6 else "") if found else "nothing"
