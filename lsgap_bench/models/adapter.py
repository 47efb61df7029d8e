"""What the fused pass asks of a model: encode contents, run the prompt once, answer from what that run left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from lsgap_bench.schema import Generation

Waveform = np.ndarray[Any, np.dtype[np.float32]]
Content = str | Waveform
"""The content of the user's turn: the words, or the waveform (float32, mono, at the model's sampling rate) that says them."""

LayerHook = Callable[[int, Tensor], Tensor | None]
"""(layer 0..L, hidden (B, T, D)) -> None to leave the states as they are, or the edited states."""


@dataclass(frozen=True)
class Batch:
    """Encoded prompts, left-padded to one length.

    inputs: what the model's forward takes. valid: bool (B, T), False at padding. content_index: int64 (B, N), positions of the content on
    axis T, padded with 0; content_mask: bool (B, N). prompts: as the template rendered them. kept: what an adapter computed of the
    inputs and may use in the batch's later forwards; it goes with the batch, and a changed copy of the batch begins without.
    content_words: int64 (B, N), the word of a text that each of its tokens belongs to, between blanks, -1 for none; None for speech, and
    where the adapter does not know.
    """

    inputs: Mapping[str, Any]
    valid: Tensor
    content_index: Tensor
    content_mask: Tensor
    prompts: Sequence[str]
    content_words: Tensor | None = None
    kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return int(self.valid.shape[0])

    def content(self, hidden: Tensor) -> Tensor:
        """The content's states: hidden (B, T, D) -> (B, N, D); rows beyond `content_mask` hold other states and must be masked."""
        return hidden.gather(1, self.content_index[:, :, None].expand(-1, -1, hidden.shape[-1]))

    def with_content(self, hidden: Tensor, states: Tensor) -> Tensor:
        """A copy of hidden (B, T, D) with the content's states replaced by states (B, N, D); every other state stays bit-equal."""
        edited = hidden.clone()
        row, column, place = self._places
        edited[row, place] = states[row, column].to(hidden.dtype)
        return edited

    @cached_property
    def _places(self) -> tuple[Tensor, Tensor, Tensor]:
        """Row, place in the content, and position on axis T of every content state; found once, since a GPU has to be waited for."""
        row, column = self.content_mask.nonzero(as_tuple=True)
        return row, column, self.content_index[row, column]


@dataclass(frozen=True)
class Prefill:
    """What one forward over the prompts left: last_logits (B, V) float32 after the last prompt token, and the cache for what follows."""

    batch: Batch
    last_logits: Tensor
    cache: Any


Gift = Literal["answers", "options", "states"]
EVERYTHING: frozenset[Gift] = frozenset({"answers", "options", "states"})


@dataclass(frozen=True)
class Reply:
    """An answer with what its model tells of it beside the words.

    text: the answer; the option it stands for, where the model's own probabilities decided. absent: why there is none. option_logprobs:
    nats, of every option, where all are known. usage: what one request took (see `Observation`).
    """

    text: str
    absent: str | None = None
    option_logprobs: tuple[float, ...] = ()
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OptionScores:
    """Of one item's options: logprobs in nats, summed over their tokens; token counts; whether greedy decoding would write the option."""

    logprobs: tuple[float, ...]
    tokens: tuple[int, ...]
    greedy: tuple[bool, ...]


class TextLM(Protocol):
    """A language model as the written side of the fused pass sees it: what a base must offer."""

    name: str
    num_layers: int
    """L: decoder blocks. Layer 0 is the decoder's input, layer l the output of block l, layer L after the final norm (see `prefill`)."""
    device: torch.device

    @property
    def info(self) -> Mapping[str, Any]:
        """The `system` entry of a record: name, kind, pretrained, revision, backbone, dtype, parameters."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the model's answers may: weights, revision, dtype, kernels, chat template."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        """One prompt per content, the same template for both modalities. `systems`: the system turn of each, or None."""

    def check_system(self, system: str) -> None:
        """UsageError when the model's template drops a system turn."""

    def content_strings(self, batch: Batch, row: int) -> list[str]:
        """The content tokens of one row as readable strings, for plots."""

    def prefill(self, batch: Batch, hook: LayerHook | None = None, normed: bool = True) -> Prefill:
        """One forward over the prompts; `hook` sees, and may edit, the states of every layer on the way.

        normed: layer L is what the final norm gives; else what it is given.
        """

    def token_ids(self, text: str) -> list[int]:
        """Tokens of an answer as the model would begin its turn with it, without special tokens."""

    def unknown_words(self, text: str) -> list[str]:
        """The words of a text that the vocabulary lacks, so that they would reach the model as its unknown token."""

    def score_options(self, prefill: Prefill, options: Sequence[Sequence[Sequence[int]]]) -> list[OptionScores]:
        """Loglikelihoods of each item's options (token ids), all from the shared prefix. Uses up the prefill's cache."""

    def generate(self, prefill: Prefill, settings: Sequence[Generation], seeds: Sequence[int]) -> list[str]:
        """Free answers, one per item. Uses up the prefill's cache. seeds: one per item, for sampling."""

    def encode_raw(self, texts: Sequence[str]) -> Batch:
        """Plain text without a template, for lm-eval's own text tasks."""


class SpeechLM(TextLM, Protocol):
    """A speech language model as the fused pass sees it.

    An adapter that cannot give everything says what it gives in an attribute `gives`, and may be made of
    `lsgap_bench.models.answers_only.AnswersOnly`.
    """

    sampling_rate: int
    """Hz, of the waveforms in `encode`."""
    max_seconds: float | None
    """Longest clip the model hears whole; None without a limit."""

    def expected_tokens(self, seconds: float) -> int:
        """How many speech positions a clip of this length should take."""


def prefilled(model: TextLM, batch: Batch, hook: LayerHook | None, normed: bool) -> Prefill:
    """`model.prefill`, such that an adapter has to know `normed` only where somebody asks for the states before the final norm."""
    return model.prefill(batch, hook) if normed else model.prefill(batch, hook, normed=False)


def gifts(model: TextLM) -> frozenset[Gift]:
    """What a model gives: everything, unless its attribute `gives` says less."""
    return getattr(model, "gives", EVERYTHING)


def gives(model: TextLM, what: Gift) -> bool:
    """Whether a model gives free answers, loglikelihoods of options, hidden states."""
    return what in gifts(model)


def replies(
    model: TextLM, prefill: Prefill, settings: Sequence[Generation], seeds: Sequence[int], options: Sequence[Sequence[str]]
) -> Iterator[tuple[int, Reply]]:
    """(row, free answer) as they come: those of the model's own `replies`, where it tells more of them, or those of `generate`."""
    own = getattr(model, "replies", None)
    if own is None:
        yield from ((row, Reply(text)) for row, text in enumerate(model.generate(prefill, settings, seeds)))
    else:
        yield from own(prefill, settings, seeds, options)


def where(model: TextLM) -> str:
    """What a model runs on, for records: what its `info` says, else its device."""
    return str(model.info.get("device", model.device))


def chunks(total: int, size: int) -> Iterator[slice]:
    """Slices that cover range(total) in steps of `size`."""
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))
