"""`hf-speech`: any transformers model that merges audio embeddings at placeholder tokens, by its hub id or a local folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor

from lsgap_bench.errors import UsageError
from lsgap_bench.models import decoding, loading, windows
from lsgap_bench.models.adapter import Batch, Content, LayerHook, OptionScores, Prefill
from lsgap_bench.models.hooks import at_layers, last_position_only
from lsgap_bench.models.prompts import Prompter
from lsgap_bench.models.quirks import quirk_of
from lsgap_bench.registry import model
from lsgap_bench.schema import Generation


@model("hf-speech")
class HFSpeech:
    """A speech language model of transformers, loaded once and run on both modalities.

    pretrained: hub id or folder. revision: of the hub repository. dtype: "auto" (the checkpoint's own), float32, bfloat16, float16.
    device: "cpu", "cuda", "cuda:1" ...; default CUDA where there is one. attn_implementation, device_map, trust_remote_code, subfolder: as
    in transformers. chat_template: path of a Jinja file that replaces the model's own.
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
    ) -> None:
        source = loading.Source(str(pretrained), None if revision is None else str(revision), subfolder, trust_remote_code)
        self.model, self.processor = loading.load(source, dtype, device, attn_implementation, device_map)
        self.device: torch.device = self.model.device
        self.prompter = Prompter(self.processor, chat_template)
        self.tokenizer = self.processor.tokenizer
        decoder = self.model.get_decoder()
        self.blocks, self.norm = decoder.layers, decoder.norm
        self.num_layers = len(self.blocks)
        self.quirk = quirk_of(self.model.config.model_type)
        self.extractor = loading.extractor_of(self.processor)
        self.sampling_rate: int = self.extractor.sampling_rate
        self.max_seconds: float | None = self.extractor.n_samples / self.sampling_rate if self.quirk.window else None
        self.audio_token_id: int = loading.audio_token_id(self.model.config, self.processor)
        self._placeholder: str = self.tokenizer.convert_ids_to_tokens(self.audio_token_id)
        self._context: int | None = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        self._end = loading.end_tokens(self.model, self.tokenizer)
        self._description = loading.describe(source, self.model)
        self.name: str = self._description["name"]
        self._rate: tuple[float, float] | None = None
        self._template_hash = loading.digest(str(self.prompter.template))

    @property
    def info(self) -> Mapping[str, Any]:
        """The `system` entry of a record."""
        return self._description

    @property
    def fingerprint(self) -> str:
        """Of everything that can change an answer: weights, revision, dtype, attention kernel, device type, chat template."""
        kernel = self.model.config._attn_implementation
        made_by = (self._description["weights"], self._description["dtype"], kernel, self.device.type, self._template_hash)
        return loading.digest(*made_by, torch.__version__, transformers.__version__)

    # ------------------------------------------------------------------------------------------------ prompts

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        """One left-padded prompt per content; all of one modality. See `SpeechLM.encode`."""
        written = [words for words in (*contents, *systems) if isinstance(words, str)]
        if any(self._placeholder in words for words in written):
            raise UsageError(f"a text contains the model's audio placeholder {self._placeholder}; take it out of the text")
        encoded = self.prompter.encode(contents, systems)
        features = {k: v for k, v in encoded.features.items() if torch.is_tensor(v)}
        if "feature_attention_mask" in features and self.quirk.shortenable:
            features = windows.crop(features)
        batch = self._batch(features, encoded.prompts)
        if isinstance(contents[0], str):
            padding = (~batch.valid).sum(1).tolist()
            spans = [range(start + pad, end + pad) for (start, end), pad in zip(_known(encoded.spans), padding, strict=True)]
        else:
            heard = (batch.inputs["input_ids"] == self.audio_token_id) & batch.valid
            spans = [row.nonzero()[:, 0].tolist() for row in heard]
        return _with_content(batch, spans)

    def check_system(self, system: str) -> None:
        """See `SpeechLM.check_system`."""
        self.prompter.check_system(system)

    def content_strings(self, batch: Batch, row: int) -> list[str]:
        """See `SpeechLM.content_strings`."""
        ids = batch.inputs["input_ids"][row][batch.content_index[row][batch.content_mask[row]]]
        return [str(self.tokenizer.decode([token])).strip() for token in ids.tolist()]

    def encode_raw(self, texts: Sequence[str]) -> Batch:
        """Plain text, no template: lm-eval's own view of a language model. An empty text is the tokenizer's first token, as in lm-eval."""
        texts = [text or self.tokenizer.bos_token or self.tokenizer.eos_token for text in texts]
        features = self.tokenizer(list(texts), return_tensors="pt", padding=True, padding_side="left")
        return self._batch({k: features[k] for k in ("input_ids", "attention_mask")}, list(texts))

    def _batch(self, features: Mapping[str, Tensor], prompts: Sequence[str]) -> Batch:
        kind = self.model.dtype
        inputs: dict[str, Any] = {k: v.to(self.device, kind if v.is_floating_point() else None) for k, v in features.items()}
        valid = inputs["attention_mask"].bool()
        if self._context and int(valid.sum(1).max()) > self._context:
            longest = prompts[int(valid.sum(1).argmax())]
            raise UsageError(
                f"a prompt takes {int(valid.sum(1).max())} tokens, more than the {self._context} that the model was made for; leave out "
                f"the item that begins '{longest[:60]}'"
            )
        inputs["position_ids"] = (valid.long().cumsum(-1) - 1).clamp_min(0)
        nothing = torch.zeros((len(prompts), 0), dtype=torch.long, device=self.device)
        return Batch(inputs, valid, nothing, nothing.bool(), list(prompts))

    def expected_tokens(self, seconds: float) -> int:
        """Speech positions for a clip of `seconds`: a line through what the processor gives for 1 s and for 3 s of silence."""
        if self._rate is None:
            one, three = (self._placeholders(s) for s in (1.0, 3.0))
            slope = (three - one) / 2.0
            self._rate = (slope, one - slope)
        slope, offset = self._rate
        return round(slope * seconds + offset)

    def _placeholders(self, seconds: float) -> int:
        return int(self.encode([np.zeros(round(seconds * self.sampling_rate), dtype=np.float32)], [None]).content_mask.sum())

    # ------------------------------------------------------------------------------------------------ running

    @torch.no_grad()
    def prefill(self, batch: Batch, hook: LayerHook | None = None) -> Prefill:
        """One forward; the head computes the last position only."""
        frames = batch.inputs["input_features"].shape[-1] if self.quirk.shortenable and "input_features" in batch.inputs else None
        narrowed = windows.window(self.model.model.audio_tower, frames) if frames else nullcontext()
        with narrowed, at_layers(self.blocks, self.norm, hook), last_position_only(self.model.get_output_embeddings()):
            output = self.model(**batch.inputs, use_cache=True)
        return Prefill(batch, output.logits[:, -1].float(), output.past_key_values)

    def token_ids(self, text: str) -> list[int]:
        """See `SpeechLM.token_ids`. UsageError for a text that has no token in this vocabulary."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        if not ids:
            raise UsageError(f"'{text}' has no token in this model's vocabulary; write it in words the model knows")
        return ids

    def score_options(self, prefill: Prefill, options: Sequence[Sequence[Sequence[int]]]) -> list[OptionScores]:
        """See `SpeechLM.score_options`."""
        return decoding.score_options(self._continue, prefill, options)

    def generate(self, prefill: Prefill, settings: Sequence[Generation], seeds: Sequence[int]) -> list[str]:
        """See `SpeechLM.generate`."""
        return decoding.generate(self._continue, prefill, settings, seeds, self._end, self._decode)

    def _continue(self, ids: Tensor, attention_mask: Tensor, position_ids: Tensor, cache: Any) -> Tensor:
        output = self.model(
            input_ids=ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=True,
        )
        logits: Tensor = output.logits
        return logits.float()

    def _decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text


def _known(spans: Sequence[tuple[int, int] | None]) -> list[tuple[int, int]]:
    return [span for span in spans if span is not None]


def _with_content(batch: Batch, spans: Sequence[Sequence[int]]) -> Batch:
    """The batch with the content's positions, padded to the longest content."""
    longest = max(len(span) for span in spans)
    device = batch.valid.device
    index = torch.tensor([[*span, *[0] * (longest - len(span))] for span in spans], dtype=torch.long, device=device)
    mask = torch.tensor([[True] * len(span) + [False] * (longest - len(span)) for span in spans], dtype=torch.bool, device=device)
    return Batch(batch.inputs, batch.valid, index.reshape(len(spans), longest), mask.reshape(len(spans), longest), batch.prompts)
