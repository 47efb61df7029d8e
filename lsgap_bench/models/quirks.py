"""What is peculiar to an architecture, as rows of one table; an architecture without a row needs nothing special."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Quirk:
    """Facts about one `model_type` of transformers.

    load_as: class to load instead of the automatic one (the text-producing half of an Omni checkpoint).
    window: the processor pads every clip to one window and cuts longer ones to it without a word.
    shortenable: that window can be shortened to the clips of a batch without changing the result (position table sliced).
    leaky: the encoder hears the padding of a batch, so that every clip goes through it alone.
    max_seconds: longest clip that is heard whole, where it is not the extractor's window.
    min_seconds: shortest clip that the processor takes as it is.
    rate: speech tokens per second, where the placeholders of a clip stand for padding as well: the content is the first of them; a name is
        the field of the configuration that says it.
    heard_with: arguments that the forward needs beside a clip.
    logits_divisor: field of the text configuration by which the forward leaves out to divide its logits.
    lora: the model has a LoRA that is on for speech and off for text; a name is the folder of the checkpoint that holds it.
    mistral_common: prompts are that package's, not a Jinja template's.
    """

    load_as: str | None = None
    window: bool = False
    shortenable: bool = False
    leaky: bool = False
    max_seconds: float | None = None
    min_seconds: float = 0.0
    rate: float | str | None = None
    heard_with: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    logits_divisor: str | None = None
    lora: bool | str = False
    mistral_common: bool = False


QUIRKS: dict[str, Quirk] = {
    "qwen2_audio": Quirk(window=True, shortenable=True),
    "qwen2_5_omni": Quirk(load_as="Qwen2_5OmniThinkerForConditionalGeneration"),
    "qwen2_5_omni_thinker": Quirk(window=True),
    "qwen3_omni_moe": Quirk(load_as="Qwen3OmniMoeThinkerForConditionalGeneration"),
    "qwen3_omni_moe_thinker": Quirk(leaky=True),  # clips under a second: their only chunk is as wide as the widest of the batch
    "qwen3_asr": Quirk(min_seconds=0.5),
    "gemma3n": Quirk(leaky=True, rate=6.25, max_seconds=30.0),
    "gemma4": Quirk(max_seconds=30.0),
    "granite_speech": Quirk(leaky=True, logits_divisor="logits_scaling", lora=True),
    "phi4_multimodal": Quirk(leaky=True, lora="speech-lora"),
    "voxtral": Quirk(rate=12.5, mistral_common=True),
    "whisper_llm": Quirk(window=True, rate="audio_tokens_per_second"),
    "vibevoice_asr": Quirk(heard_with=MappingProxyType({"sample": False})),  # or it adds noise
}


def quirk_of(model_type: str) -> Quirk:
    """The row of `model_type`; the plain one where there is none."""
    return QUIRKS.get(model_type, Quirk())
