"""`hf-speech`: any transformers model that merges audio embeddings at placeholder tokens, by its hub id or a local folder."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lsgap_bench.errors import UsageError
from lsgap_bench.models import loading, windows
from lsgap_bench.models.adapter import Batch, Content
from lsgap_bench.models.alone import decoder_input, placed
from lsgap_bench.models.collate import TOKENS, stacked
from lsgap_bench.models.hf_decoder import NORMS, HFDecoder, with_content, with_texts
from lsgap_bench.models.mistral_prompts import MistralPrompter
from lsgap_bench.models.named_class import Own
from lsgap_bench.models.placement import BLOCKS, Placement
from lsgap_bench.models.prompts import Prompter
from lsgap_bench.models.quirks import quirk_of
from lsgap_bench.models.rates import Line, line_through
from lsgap_bench.models.replay import before_decoder, replayed
from lsgap_bench.registry import model

ALONE = "alone"
"""Among a batch's inputs: those of each clip's own forward, where the encoder would hear its neighbours' padding."""


@model("hf-speech")
class HFSpeech(HFDecoder):
    """A speech language model of transformers, loaded once and run on both modalities.

    pretrained: hub id or folder. revision: of the hub repository. dtype: "auto" (the checkpoint's own), float32, bfloat16, float16.
    device: "cpu", "cuda", "cuda:1" ...; default CUDA where there is one. attn_implementation, device_map, trust_remote_code, subfolder: as
    in transformers. chat_template: path of a Jinja file that replaces the model's own. load_in_8bit, load_in_4bit: quantized while loading,
    by bitsandbytes. compile: the decoder's blocks by torch.compile, with a backend if one is named; worth it for long runs. load,
    load_processor: classes of your own in the place of transformers' automatic ones, as my_module:MyModel, from a module on the PYTHONPATH
    or in the current folder.
    """

    def __init__(
        self,
        pretrained: str,
        revision: str | None = None,
        dtype: str = "auto",
        device: str | None = None,
        attn_implementation: str | None = None,
        device_map: str | None = None,
        trust_remote_code: bool = False,
        subfolder: str | None = None,
        chat_template: str | None = None,
        load_in_8bit: bool = False,
        load_in_4bit: bool = False,
        compile: bool | str = False,
        load: str | None = None,
        load_processor: str | None = None,
    ) -> None:
        placement = Placement(dtype, device, attn_implementation, device_map, load_in_8bit, load_in_4bit, compile)
        own = Own(load, load_processor)
        source = loading.Source(str(pretrained), None if revision is None else str(revision), subfolder, trust_remote_code, own)
        loaded, processor = loading.load(source, placement)
        self._begin(loaded, processor, chat_template, loading.describe(source, placement, loaded, "lslm"))

    def _begin(self, loaded: Any, processor: Any, chat_template: str | None, description: Mapping[str, Any]) -> None:
        """Take up a model and its processor. UsageError for a model whose layers cannot be read."""
        self.processor = processor
        self.quirk = quirk_of(loaded.config.model_type)
        self.extractor = loading.extractor_of(processor)
        self.sampling_rate: int = self.extractor.sampling_rate
        super().__init__(loaded, self._prompts(chat_template, loaded.device), description)
        if not self.blocks or self.norm is None:
            raise UsageError(
                f"{self.name}: its decoder, {type(loaded.get_decoder()).__name__}, has no blocks (called {' or '.join(BLOCKS)}) with a "
                f"final norm (called {' or '.join(NORMS)}), so its states cannot be read; let get_decoder() give what holds them"
            )
        window = self.extractor.n_samples / self.sampling_rate if self.quirk.window else None
        self.max_seconds: float | None = self.quirk.max_seconds or window or getattr(processor, "max_audio_len", None)
        if self.quirk.logits_divisor:
            self._divisor = float(getattr(self.model.config.get_text_config(), self.quirk.logits_divisor))
        self.audio_token_id: int = loading.audio_token_id(self.model.config, processor)
        self._placeholder: str = self.tokenizer.convert_ids_to_tokens(self.audio_token_id)
        self._line: Line | None = None
        named = self.quirk.rate
        self._sounding: Any = getattr(self.model.config, named) if isinstance(named, str) else named  # speech tokens per second
        self._ears = before_decoder(self.model, self.model.get_decoder(), self.model.get_output_embeddings())

    def _prompts(self, chat_template: str | None, device: torch.device) -> Prompter | MistralPrompter:
        if not self.quirk.mistral_common:
            chooses = "device" in inspect.signature(self.extractor.__call__).parameters
            added = getattr(self.processor, "adds_special_tokens", True)
            return Prompter(self.processor, chat_template, added, extract_on=str(device) if chooses and device.type == "cuda" else None)
        if chat_template is not None:
            raise UsageError(f"chat_template={chat_template}: this model's prompts are made by mistral_common; leave it out")
        return MistralPrompter(self.processor, self.sampling_rate)

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        """One left-padded prompt per content; all of one modality. See `SpeechLM.encode`."""
        written = [words for words in (*contents, *systems) if isinstance(words, str)]
        if any(self._placeholder in words for words in written):
            raise UsageError(f"a text contains the model's audio placeholder {self._placeholder}; take it out of the text")
        if isinstance(contents[0], str):
            encoded = self.prompter.encode(contents, systems)
            return with_texts(self._batch(_tensors(encoded.features), encoded.prompts), encoded.written)
        batch = self._spoken(contents, systems)
        heard = (batch.inputs["input_ids"] == self.audio_token_id) & batch.valid
        return with_content(batch, [row.nonzero()[:, 0].tolist()[: self._real(c)] for row, c in zip(heard, contents, strict=True)])

    def _spoken(self, waves: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        """The batch, without its content's positions yet."""
        if self.quirk.window:  # it is the same whatever stands beside a clip
            encoded = self.prompter.encode(waves, systems)
            features = _tensors(encoded.features)
            return self._batch(windows.crop(features) if self.quirk.shortenable else features, encoded.prompts)
        each = [self.prompter.encode([wave], [system]) for wave, system in zip(waves, systems, strict=True)]
        features = stacked([one.features for one in each], self.tokenizer.pad_token_id)
        prompts = [one.prompts[0] for one in each]
        if not self.quirk.leaky:
            return self._hearing(self._batch(features, prompts))
        batch = self._batch({name: value for name, value in features.items() if name in TOKENS}, prompts)
        alone = [self._hearing(self._batch(_tensors(one.features), one.prompts)).inputs for one in each]
        return replace(batch, inputs={**batch.inputs, ALONE: alone})

    def _hearing(self, batch: Batch) -> Batch:
        """The batch with what the forward needs beside a clip."""
        return replace(batch, inputs={**batch.inputs, **self.quirk.heard_with})

    def _real(self, wave: Content) -> int | None:
        """How many placeholders of a clip stand for its sound; None: all."""
        return None if self._sounding is None else math.ceil(len(wave) * self._sounding / self.sampling_rate)

    def expected_tokens(self, seconds: float) -> int:
        """Speech positions for a clip of `seconds`: see `line_through`."""
        if self._line is None:
            self._line = line_through(self._placeholders, self.max_seconds)
        return self._line.positions(max(seconds, self.quirk.min_seconds))

    def _placeholders(self, seconds: float) -> int:
        return int(self.encode([np.zeros(round(seconds * self.sampling_rate), dtype=np.float32)], [None]).content_mask.sum())

    @contextmanager
    def _adapted(self, batch: Batch) -> Iterator[None]:
        """A LoRA that is meant for speech: on for spoken prompts, off for written ones."""
        if self.quirk.lora and self.model._hf_peft_config_loaded:
            spoken = batch.inputs.keys() - TOKENS - {"position_ids"}  # whatever the architecture calls its sound
            (self.model.enable_adapters if spoken else self.model.disable_adapters)()
        yield

    def _arguments(self, batch: Batch) -> Mapping[str, Any]:
        return {name: value for name, value in batch.inputs.items() if name != ALONE}

    @contextmanager
    def _narrowed(self, batch: Batch) -> Iterator[None]:
        """The encoder's window, cut to the clips of the batch where the architecture allows it; and the clips heard once per batch."""
        if ALONE in batch.inputs:
            if ALONE not in batch.kept:
                batch.kept[ALONE] = [decoder_input(self.model, self.blocks[0], inputs) for inputs in batch.inputs[ALONE]]
            with placed(self.blocks[0], batch.kept[ALONE]):
                yield
            return
        shorten = self.quirk.shortenable and "input_features" in batch.inputs
        window = windows.window(self.model.model.audio_tower, batch.inputs["input_features"].shape[-1]) if shorten else nullcontext()
        with window, replayed(self._ears, batch.kept):
            yield


def _tensors(features: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in features.items() if torch.is_tensor(value)}
