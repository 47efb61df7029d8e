"""The recipe's model: what the encoder makes of the clips takes the placeholders' places in what the language model reads."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import AutoModelForMultimodalLM, GenerationMixin, PreTrainedModel
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from lsgap_bench.models.whisper_llm.config import WhisperLLMConfig, speech_tokens
from lsgap_bench.models.whisper_llm.projector import StackedProjector

_hub: Any = transformers  # largely untyped


class WhisperLLMForConditionalGeneration(PreTrainedModel, GenerationMixin):  # type: ignore[no-untyped-call]
    """A Whisper encoder, a projector over stacked frames, and a whole causal language model.

    The language model keeps its own head, so logits that its forward scales or caps (Granite, Gemma 2, Cohere) stay what they are.
    """

    config_class = WhisperLLMConfig
    main_input_name = "input_ids"
    input_modalities = ["audio", "text"]  # noqa: RUF012
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True

    def __init__(self, config: WhisperLLMConfig) -> None:
        super().__init__(config)
        self.audio_tower = WhisperEncoder(config.audio_config)
        self.multi_modal_projector = StackedProjector(config)
        self.language_model: Any = _hub.AutoModelForCausalLM.from_config(config.text_config)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_decoder(self) -> Any:
        """The language model's blocks with their final norm."""
        return self.language_model.get_decoder()

    def get_input_embeddings(self) -> nn.Module:
        """The language model's."""
        embeddings: nn.Module = self.language_model.get_input_embeddings()
        return embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Of the language model."""
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        """The language model's head."""
        head: nn.Module = self.language_model.get_output_embeddings()
        return head

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Of the language model."""
        self.language_model.set_output_embeddings(new_embeddings)

    def get_audio_features(self, input_features: Tensor, input_features_mask: Tensor) -> Tensor:
        """Speech tokens of all clips one after the other, (tokens, width).

        input_features: (clips, bins, frames), each clip padded to Whisper's window. input_features_mask: (clips, frames), 1 for the frames
        that become tokens.
        """
        frames = self.audio_tower(input_features.to(self.audio_tower.dtype)).last_hidden_state
        projected: Tensor = self.multi_modal_projector(frames)
        lengths = speech_tokens(input_features_mask.long().sum(-1), self.config.stack)
        return projected[torch.arange(projected.shape[1], device=lengths.device) < lengths[:, None]]

    def forward(
        self,
        input_ids: Any = None,
        input_features: Tensor | None = None,
        input_features_mask: Any = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """The language model's output. input_ids: (B, T). The sound is heard with the prompt, not with what is continued from its cache.

        ValueError where the placeholders are not as many as the clips' speech tokens.
        """
        if inputs_embeds is None:
            places = input_ids == self.config.audio_token_id
            inputs_embeds = self.get_input_embeddings()(input_ids.masked_fill(places, 0))  # the placeholder may have no row there
            begun = past_key_values is not None and past_key_values.get_seq_length() > 0
            if input_features is not None and not begun:
                sound = self.get_audio_features(input_features, input_features_mask)
                inputs_embeds = _merged(inputs_embeds, places, sound)
        return self.language_model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            **kwargs,
        )


def _merged(embedded: Tensor, places: Tensor, sound: Tensor) -> Tensor:
    """embedded (B, T, D) with sound (N, D) where `places`, bool (B, T), is true, in reading order."""
    if int(places.sum()) != len(sound):
        raise ValueError(f"{int(places.sum())} audio placeholders for {len(sound)} speech tokens; model and processor need the same stack")
    return embedded.masked_scatter(places[..., None], sound.to(embedded.device, embedded.dtype))


AutoModelForMultimodalLM.register(WhisperLLMConfig, WhisperLLMForConditionalGeneration)
