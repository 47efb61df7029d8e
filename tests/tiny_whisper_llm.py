"""The parts of a model of the recipe, each in a folder of its own, tiny and with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tiny_models
import torch
import transformers
from safetensors.torch import save_file
from tiny_models import MELS, STRINGS, text_config, tokenizer

_hub: Any = transformers  # largely untyped
LANGUAGE_MODELS: dict[str, dict[str, Any]] = {
    "qwen2": {},
    "llama": {"tie_word_embeddings": True},
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 2048, "initializer_range": 0.3},
    "gpt_neox": {},
}


def encoder(folder: Path, seconds: int = tiny_models.SECONDS) -> Path:
    """A Whisper with its feature extractor."""
    config = tiny_models.audio_config(seconds=seconds)
    config["init_std"] = config.pop("initializer_range")
    torch.manual_seed(1)
    decoder = {"decoder_layers": 1, "decoder_attention_heads": 4, "decoder_ffn_dim": 32, "vocab_size": 60}
    ids = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 0)
    _hub.WhisperModel(_hub.WhisperConfig(**config, **decoder, **ids)).eval().save_pretrained(folder)
    _hub.WhisperFeatureExtractor(feature_size=MELS, chunk_length=seconds).save_pretrained(folder)
    return folder


def language_model(folder: Path, kind: str = "qwen2") -> Path:
    """A causal language model with its tokenizer and a template of strings."""
    words = tokenizer()
    words.chat_template = STRINGS
    words.save_pretrained(folder)
    config = _hub.AutoConfig.for_model(kind, **{**text_config(words), **LANGUAGE_MODELS[kind]})
    torch.manual_seed(2)
    return tiny_models._save(_hub.AutoModelForCausalLM.from_config(config), words, folder)


def projector_weights(stack: int = 5, size: int = 24, heard: int = 32, read: int = 32) -> dict[str, torch.Tensor]:
    """Two linear layers under the recipe's own names."""
    torch.manual_seed(3)
    shapes = {"linear_1.weight": (size, stack * heard), "linear_1.bias": (size,), "linear_2.weight": (read, size), "linear_2.bias": (read,)}
    return {name: 0.3 * torch.randn(shape) for name, shape in shapes.items()}


def parts(folder: Path, kind: str = "qwen2", **weights: Any) -> dict[str, str]:
    """All three below a folder, as arguments of the adapter. weights: of `projector_weights`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(projector_weights(**weights), folder / "projector.safetensors")
    made = {"encoder": encoder(folder / "encoder"), "language_model": language_model(folder / kind, kind)}
    return {**{name: str(path) for name, path in made.items()}, "projector": str(folder / "projector.safetensors")}
