"""Base models and recognizers for tests: the embedded model's own language model as a checkpoint, and recognizers that are a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import demo_run
import torch
import transformers

from lsgap_bench.schema import Item
from lsgap_bench.speech.clips import decode, pcm_sha256


def own_language_model(folder: Path) -> Path:
    """The decoder of the embedded speech model as a text checkpoint: what it says of a text, the speech model says as well."""
    speech = demo_run.model()
    config = transformers.Qwen2Config(**speech.model.config.text_config.to_dict())
    text = transformers.Qwen2ForCausalLM(config).eval()
    text.model.load_state_dict(speech.model.model.language_model.state_dict())
    text.lm_head.load_state_dict(speech.model.lm_head.state_dict())
    text.generation_config.eos_token_id = speech.model.generation_config.eos_token_id
    text.generation_config.pad_token_id = speech.model.generation_config.pad_token_id
    tokenizer = speech.tokenizer
    before = tokenizer.chat_template
    tokenizer.chat_template = speech.prompter.template
    tokenizer.save_pretrained(folder)
    tokenizer.chat_template = before
    text.save_pretrained(folder)
    return folder


def deaf_language_model(folder: Path) -> Path:
    """The same checkpoint with other weights: it answers by chance."""
    own_language_model(folder)
    torch.manual_seed(3)
    config = transformers.AutoConfig.from_pretrained(folder)
    config.initializer_range = 0.5
    transformers.Qwen2ForCausalLM(config).eval().save_pretrained(folder)
    return folder


class Table:
    """A recognizer that looks up what each clip says. calls: clips that it was asked, in order."""

    sampling_rate = 16_000
    max_seconds: float | None = None

    def __init__(self, said: Mapping[str, str], fingerprint: str = "table") -> None:
        self.said = said
        self.fingerprint = fingerprint
        self.calls: list[str] = []

    @property
    def info(self) -> Mapping[str, Any]:
        return {"name": "table", "kind": "recognizer"}

    def transcribe(self, waves: Sequence[Any]) -> list[str]:
        self.calls += [pcm_sha256(wave) for wave in waves]
        return [self.said[pcm_sha256(wave)] for wave in waves]


def own_words(items: Iterable[Item], change: Callable[[str], str] = lambda text: text) -> dict[str, str]:
    """What a perfect recognizer makes of each item's clip, after a change."""
    return {pcm_sha256(decode(item.clip, Table.sampling_rate)): change(item.text) for item in items}
