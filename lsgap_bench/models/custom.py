"""`custom`: a model that only its own code can run, by a file with one small class; with hidden states, or with answers alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import Batch, Content, Prefill, Reply
from lsgap_bench.models.answers_only import AnswersOnly
from lsgap_bench.models.custom_file import Found, adapter_in
from lsgap_bench.models.hf_decoder import HFDecoder, with_content
from lsgap_bench.models.rates import Line, line_through
from lsgap_bench.registry import model
from lsgap_bench.schema import Generation

STATES = ("language_model", "tokenizer", "embed", "sampling_rate")
ANSWERS = ("answer", "sampling_rate")


@dataclass(frozen=True)
class Embedded:
    """One prompt as the decoder is given it. embeddings: (T, width). The content's are those of [start, end). prompt: as text."""

    embeddings: Tensor
    start: int
    end: int
    prompt: str


@model("custom")
def custom(path: str, device: str | None = None, **arguments: Any) -> Any:
    """A model by the class `Adapter` in a file of yours, called with the other model_args: what it must have is in docs/own_model.md.

    path: the file. device: handed on, where the class takes one. UsageError for a file or a class that cannot be used.
    """
    found = adapter_in(path, device, arguments)
    needs = ANSWERS if hasattr(found.adapter, "answer") and not hasattr(found.adapter, "embed") else STATES
    missing = [need for need in needs if not hasattr(found.adapter, need)]
    if missing:
        raise UsageError(f"path={path}: Adapter has no {', '.join(missing)}; it needs {', '.join(STATES)}, or {', '.join(ANSWERS)}")
    return (CustomAnswers if needs is ANSWERS else CustomStates)(found)


class CustomStates(HFDecoder):
    """An adapter whose prompts are embeddings of a decoder of transformers: everything after the embeddings is as for `hf-speech`."""

    def __init__(self, found: Found) -> None:
        self._adapter = adapter = found.adapter
        self.sampling_rate: int = adapter.sampling_rate
        self.max_seconds: float | None = getattr(adapter, "max_seconds", None)
        self._line: Line | None = None
        super().__init__(adapter.language_model, _Words(adapter.tokenizer, self._embedded), found.description)
        if not self.blocks or self.norm is None:
            raise UsageError(f"{self.name}: the decoder of its language_model has no blocks with a final norm that can be read")

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        """See `SpeechLM.encode`."""
        rows = [self._embedded(content, system) for content, system in zip(contents, systems, strict=True)]
        longest = max(len(row.embeddings) for row in rows)
        padding = [longest - len(row.embeddings) for row in rows]
        padded = [nn.functional.pad(row.embeddings, (0, 0, pad, 0)) for row, pad in zip(rows, padding, strict=True)]
        mask = torch.tensor([[0] * pad + [1] * (longest - pad) for pad in padding])
        batch = self._batch({"inputs_embeds": torch.stack(padded), "attention_mask": mask}, [row.prompt for row in rows])
        return with_content(batch, [range(row.start + pad, row.end + pad) for row, pad in zip(rows, padding, strict=True)])

    def content_strings(self, batch: Batch, row: int) -> list[str]:
        """The content's positions by number: what an embedding stands for is not known here."""
        return [str(k + 1) for k in range(int(batch.content_mask[row].sum()))]

    def expected_tokens(self, seconds: float) -> int:
        """See `SpeechLM.expected_tokens`."""
        if self._line is None:
            self._line = line_through(self._positions, self.max_seconds)
        return self._line.positions(seconds)

    def _positions(self, seconds: float) -> int:
        found = self._embedded(np.zeros(round(seconds * self.sampling_rate), dtype=np.float32), None)
        return found.end - found.start

    @torch.no_grad()
    def _embedded(self, content: Content, system: str | None) -> Embedded:
        """What the adapter makes of a prompt. UsageError for anything else than it should."""
        found: Embedded = self._adapter.embed(content, system)
        width = self._adapter.language_model.get_input_embeddings().weight.shape[1]
        shape = tuple(getattr(getattr(found, "embeddings", None), "shape", ()))
        if shape[1:] != (width,) or not 0 <= found.start <= found.end <= shape[0]:
            wanted = f"Embedded(embeddings (T, {width}), start, end, prompt) with start <= end <= T"
            raise UsageError(f"{self.name}: embed gave {type(found).__name__} with embeddings {shape}; it must give {wanted}")
        return found


class CustomAnswers(AnswersOnly):
    """An adapter that answers and shows nothing: `answer(contents, systems, settings)` -> one string each."""

    def __init__(self, found: Found) -> None:
        self._adapter, self._description = found.adapter, found.description
        self.name = found.description["name"]
        self.sampling_rate = found.adapter.sampling_rate
        self.max_seconds = getattr(found.adapter, "max_seconds", None)

    @property
    def info(self) -> Mapping[str, Any]:
        """See `TextLM.info`."""
        return self._description

    @property
    def fingerprint(self) -> str:
        """Of the adapter's file, its arguments and the weights that it keeps."""
        return str(self._description["weights"])

    def prompt(self, content: Content, system: str | None) -> str:
        """See `AnswersOnly.prompt`."""
        return "\n".join([*([system] if system else []), content if isinstance(content, str) else "<clip>"])

    def replies(
        self, prefill: Prefill, settings: Sequence[Generation], seeds: Sequence[int], options: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Reply]]:
        """See `AnswersOnly.replies`. UsageError where there are not as many answers as questions."""
        contents, systems = zip(*self.asked(prefill), strict=True)
        found = list(self._adapter.answer(list(contents), list(systems), list(settings)))
        if len(found) != len(contents) or not all(isinstance(text, str) for text in found):
            raise UsageError(f"{self.name}: answer gave {len(found)} answers to {len(contents)} prompts; it must give one string for each")
        yield from enumerate(map(Reply, found))


class _Words:
    """The tokenizer of an adapter, and whether a system turn reaches its prompts, in the place of a chat template."""

    def __init__(self, tokenizer: Any, embedded: Callable[[Content, str | None], Embedded]) -> None:
        self.tokenizer, self._embedded = tokenizer, embedded
        self.template: str | None = None  # it is in the adapter's file

    def check_system(self, system: str) -> None:
        """UsageError where a prompt does not show it."""
        if system.strip() not in self._embedded("a", system).prompt:
            raise UsageError(
                f"the adapter's prompt does not show the system turn '{system}', so it would not reach the model; leave it out"
            )
