"""The recipe's processor: the language model's own chat template, with a placeholder in the place of the words, as long as the clip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import transformers
from transformers import BatchFeature, ProcessorMixin

from lsgap_bench.errors import UsageError
from lsgap_bench.models.whisper_llm.config import WhisperLLMConfig, speech_tokens

_hub: Any = transformers  # largely untyped
AUDIO_TOKEN = "<|audio|>"
HERE = "{audio}"  # in a wrapper: the placeholder's place


class WhisperLLMProcessor(ProcessorMixin):
    """A Whisper feature extractor and the tokenizer of a language model.

    stack: as in the model's configuration. audio_token: the placeholder; one that the tokenizer does not know is added to it. wrapper: what
    the user's turn holds for a clip, with `{audio}` for the placeholder. cut_to_clip: speech tokens for the clip alone; else for Whisper's
    whole window, silence behind the clip included.
    """

    adds_special_tokens = False  # what the language model's template writes is the whole prompt, as in the language model's own use

    def __init__(
        self,
        feature_extractor: Any = None,
        tokenizer: Any = None,
        stack: int = 5,
        audio_token: str = AUDIO_TOKEN,
        wrapper: str = HERE,
        cut_to_clip: bool = True,
        chat_template: Any = None,
    ) -> None:
        if wrapper.count(HERE) != 1:
            raise UsageError(f"wrapper={wrapper} does not say once where the clip goes; write it such as <speech>{HERE}</speech>")
        if audio_token not in tokenizer.get_vocab():
            tokenizer.add_tokens([audio_token], special_tokens=True)
        self.stack = stack
        self.audio_token = audio_token
        self.audio_token_id: int = tokenizer.convert_tokens_to_ids(audio_token)
        self.wrapper = wrapper
        self.cut_to_clip = cut_to_clip
        super().__init__(feature_extractor, tokenizer, chat_template=chat_template)  # type: ignore[no-untyped-call]

    def __call__(
        self,
        text: Any = None,
        audio: Any = None,
        text_kwargs: Mapping[str, Any] | None = None,
        audio_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """input_ids and attention_mask; with clips also input_features (clips, bins, frames) and input_features_mask (clips, frames).

        text: a prompt or several, with one placeholder per clip. audio: the clips' waveforms in the order of their placeholders, at the
        extractor's sampling rate. ValueError where those numbers differ.
        """
        prompts = [text] if isinstance(text, str) else list(text)
        heard = self._heard(audio, audio_kwargs or {}) if audio is not None and len(audio) else {}
        lengths = speech_tokens(heard["input_features_mask"].sum(-1), self.stack).tolist() if heard else []
        written = sum(prompt.count(self.audio_token) for prompt in prompts)
        if written != len(lengths):
            raise ValueError(f"{written} audio placeholders for {len(lengths)} clips; write one per clip")
        left = iter(lengths)
        long = [re.sub(re.escape(self.audio_token), lambda _: self.audio_token * next(left), prompt) for prompt in prompts]
        options = {"padding": True, "padding_side": "left", "add_special_tokens": False, **(text_kwargs or {}), **kwargs}
        return BatchFeature({**self.tokenizer(long, **{**options, "return_tensors": "pt"}), **heard})

    def apply_chat_template(  # type: ignore[override]
        self,
        conversation: Any,
        chat_template: str | None = None,
        tokenize: bool = False,
        return_dict: bool = False,
        return_tensors: str | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """The prompt of one conversation, or of several; with `tokenize` its features, always as tensors.

        A turn's content reaches the template as one string, for templates of language models expect that.
        """
        several = bool(conversation) and not isinstance(conversation[0], Mapping)
        all_turns = list(conversation) if several else [conversation]
        template = chat_template or self.chat_template
        prompts = [
            self.tokenizer.apply_chat_template(self._flat(turns), chat_template=template, tokenize=False, **options) for turns in all_turns
        ]
        if not tokenize:
            return prompts if several else prompts[0]
        clips = [part["audio"] for turns in all_turns for turn in turns for part in _parts(turn) if part["type"] == "audio"]
        features = self(text=prompts, audio=clips, **(processor_kwargs or {}))
        return features if return_dict else features["input_ids"]

    @property
    def model_input_names(self) -> list[str]:
        """What the model's forward takes."""
        return ["input_ids", "attention_mask", "input_features", "input_features_mask"]

    def _flat(self, turns: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        spoken = self.wrapper.replace(HERE, self.audio_token)
        texts = ("".join(spoken if part["type"] == "audio" else part["text"] for part in _parts(turn)) for turn in turns)
        return [{"role": turn["role"], "content": text} for turn, text in zip(turns, texts, strict=True)]

    def _heard(self, clips: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
        rate = self.feature_extractor.sampling_rate
        found = self.feature_extractor(list(clips), sampling_rate=rate, return_attention_mask=True, return_tensors="pt", **options)
        mask = found["attention_mask"]
        return {"input_features": found["input_features"], "input_features_mask": mask if self.cut_to_clip else mask.new_ones(mask.shape)}


def _parts(turn: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    content: Any = turn["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


_hub.AutoProcessor.register(WhisperLLMConfig, WhisperLLMProcessor)
