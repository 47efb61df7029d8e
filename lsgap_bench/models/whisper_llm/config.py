"""The recipe's configuration, and its one piece of arithmetic: how many speech tokens a clip becomes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from transformers import AutoConfig, PretrainedConfig, WhisperConfig

FRAMES_PER_SECOND = 50  # of every Whisper encoder: 100 mel frames, halved by its second convolution


class WhisperLLMConfig(PretrainedConfig):  # type: ignore[no-untyped-call]
    """Configuration of a `WhisperLLMForConditionalGeneration`.

    audio_config, text_config: of the encoder and of the language model, of any `model_type` with a causal language model; a dict or a
    configuration. stack: how many of the encoder's frames make one speech token. projector_size: width between the two linear layers.
    projector_act: activation between them, by transformers' names; `linear` for none. audio_token_id: the placeholder's; it may lie beyond
    the language model's vocabulary, because no embedding of it is ever looked up. The paper says x5 and two linear layers; the rest of the
    defaults is that of the recipe's usual code (ReLU, 2048).
    """

    model_type = "whisper_llm"
    sub_configs = {"audio_config": WhisperConfig, "text_config": AutoConfig}  # noqa: RUF012

    audio_config: Any = None
    text_config: Any = None
    stack: int = 5
    projector_size: int = 2048
    projector_act: str = "relu"
    projector_bias: bool = True
    audio_token_id: int = 0

    def __post_init__(self, **kwargs: Any) -> None:
        """Make configurations of the dicts."""
        self.audio_config = _config(self.audio_config, "whisper")
        self.text_config = _config(self.text_config, "qwen2")
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]

    @property
    def audio_tokens_per_second(self) -> Fraction:
        """Speech tokens of a second of sound; exact, so that a clip of whole tokens does not get one more."""
        return Fraction(FRAMES_PER_SECOND, self.stack)


def speech_tokens(mel_frames: Any, stack: int) -> Any:
    """Speech tokens of so many mel frames (an int, or int64 of any shape): two make a frame of the encoder, `stack` of those a token."""
    frames = (mel_frames + 1) // 2
    return (frames + stack - 1) // stack


def _config(given: Any, default: str) -> Any:
    if isinstance(given, PretrainedConfig):
        return given
    fields = dict(given or {})
    return AutoConfig.for_model(fields.pop("model_type", default), **fields)


AutoConfig.register(WhisperLLMConfig.model_type, WhisperLLMConfig)
