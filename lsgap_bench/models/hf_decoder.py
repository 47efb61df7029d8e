"""What adapters of transformers share, with and without ears: prompts into batches, the hooked forward, answers from its cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
import transformers
from torch import Tensor

from lsgap_bench.errors import UsageError
from lsgap_bench.models import decoding, loading
from lsgap_bench.models.adapter import Batch, LayerHook, OptionScores, Prefill
from lsgap_bench.models.hooks import at_layers, last_position_only
from lsgap_bench.models.placement import blocks_of
from lsgap_bench.models.prompts import Prompts, Written
from lsgap_bench.models.vocabulary import unknown_words
from lsgap_bench.schema import Generation

NORMS = ("norm", "final_layer_norm", "final_layernorm", "ln_f")
"""What decoders of transformers call the norm after the last block."""


class HFDecoder:
    """A decoder of transformers with its tokenizer and its prompts.

    model: in evaluation mode, on its device. prompter: renders and tokenizes. description: the `system` entry of a record.
    """

    def __init__(self, model: Any, prompter: Prompts, description: Mapping[str, Any]) -> None:
        self.model = model
        self.prompter: Any = prompter
        self.tokenizer = prompter.tokenizer
        self.device: torch.device = model.device
        decoder = model.get_decoder()
        # a base is never hooked, so one whose parts have other names still answers
        self.blocks: Any = blocks_of(decoder)
        self.norm: Any = next((getattr(decoder, name) for name in NORMS if hasattr(decoder, name)), None)
        text_config = model.config.get_text_config()
        self.num_layers: int = len(self.blocks) or text_config.num_hidden_layers
        self._context: int | None = getattr(text_config, "max_position_embeddings", None)
        self._stream: int | None = getattr(text_config, "altup_active_idx", None)  # of the parallel streams of AltUp
        self._divisor = 1.0  # of the logits
        self._end = loading.end_tokens(model, self.tokenizer)
        self._description = description
        self.name: str = description["name"]
        self._template_hash = loading.digest(str(prompter.template))

    @property
    def info(self) -> Mapping[str, Any]:
        """The `system` entry of a record."""
        return self._description

    @property
    def fingerprint(self) -> str:
        """Of everything that can change an answer: weights, revision, dtype, attention kernel, device type, chat template."""
        kernel = self.model.config._attn_implementation
        made_by = (self._description["weights"], self._description["dtype"], kernel, self.device.type, self._template_hash)
        compiled = (self._description["compiled"],) if "compiled" in self._description else ()
        return loading.digest(*made_by, torch.__version__, transformers.__version__, *compiled)

    # ------------------------------------------------------------------------------------------------ prompts

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

    def token_ids(self, text: str) -> list[int]:
        """See `SpeechLM.token_ids`. UsageError for a text that has no token in this vocabulary."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        if not ids:
            raise UsageError(f"'{text}' has no token in this model's vocabulary; write it in words the model knows")
        return ids

    def unknown_words(self, text: str) -> list[str]:
        """See `SpeechLM.unknown_words`."""
        return unknown_words(self.tokenizer, text)

    # ------------------------------------------------------------------------------------------------ running

    def _arguments(self, batch: Batch) -> Mapping[str, Any]:
        """What the forward of a batch is given."""
        return batch.inputs

    def _adapted(self, batch: Batch) -> AbstractContextManager[None]:
        """Which weights are in force for a batch and for what is continued from it; all of them unless there are some for speech alone."""
        return nullcontext()

    def _narrowed(self, batch: Batch) -> AbstractContextManager[None]:
        """What must hold around the forward of a batch; nothing unless the model has ears."""
        return nullcontext()

    @torch.no_grad()
    def prefill(self, batch: Batch, hook: LayerHook | None = None, normed: bool = True) -> Prefill:
        """See `SpeechLM.prefill`; the head computes the last position only."""
        hooks = at_layers(self.blocks, self.norm, hook, normed, self._stream)
        with self._adapted(batch), self._narrowed(batch), hooks, last_position_only(self.model.get_output_embeddings()):
            output = self.model(**self._arguments(batch), use_cache=True)
        return Prefill(batch, output.logits[:, -1].float() / self._divisor, output.past_key_values)

    def score_options(self, prefill: Prefill, options: Sequence[Sequence[Sequence[int]]]) -> list[OptionScores]:
        """See `SpeechLM.score_options`."""
        with self._adapted(prefill.batch):
            return decoding.score_options(self._continue, prefill, options)

    def generate(self, prefill: Prefill, settings: Sequence[Generation], seeds: Sequence[int]) -> list[str]:
        """See `SpeechLM.generate`."""
        with self._adapted(prefill.batch):
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
        return logits.float() / self._divisor

    def _decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text


def with_texts(batch: Batch, written: Sequence[Written | None]) -> Batch:
    """The left-padded batch with the positions and the words of its texts."""
    known = [text for text in written if text is not None]
    padding = (~batch.valid).sum(1).tolist()
    placed = with_content(batch, [range(text.start + pad, text.end + pad) for text, pad in zip(known, padding, strict=True)])
    words = torch.full_like(placed.content_index, -1)
    for row, text in enumerate(known):
        words[row, : len(text.words)] = torch.tensor(text.words, dtype=torch.long)
    return replace(placed, content_words=words)


def with_content(batch: Batch, spans: Sequence[Sequence[int]]) -> Batch:
    """The batch with the content's positions, padded to the longest content."""
    longest = max(len(span) for span in spans)
    device = batch.valid.device
    index = torch.tensor([[*span, *[0] * (longest - len(span))] for span in spans], dtype=torch.long, device=device)
    mask = torch.tensor([[True] * len(span) + [False] * (longest - len(span)) for span in spans], dtype=torch.bool, device=device)
    return Batch(batch.inputs, batch.valid, index.reshape(len(spans), longest), mask.reshape(len(spans), longest), batch.prompts)
