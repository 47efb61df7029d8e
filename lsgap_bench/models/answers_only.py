"""What adapters share whose model only answers: prompts without tokens, no forward to look into, a clear word for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import torch

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import Batch, Content, Gift, LayerHook, OptionScores, Prefill, Reply
from lsgap_bench.schema import Generation


class AnswersOnly:
    """A model that is asked and answers. A subclass says `name`, `info`, `fingerprint`, how it is asked (`replies`), and what (`prompt`).

    max_seconds: of a clip, None without a limit. sampling_rate: Hz, of the waveforms that `replies` is given.
    """

    gives: frozenset[Gift] = frozenset({"answers"})
    name: str
    num_layers = 0
    device = torch.device("cpu")
    sampling_rate: int = 16_000
    max_seconds: float | None = None

    @property
    def info(self) -> Mapping[str, Any]:
        """See `TextLM.info`."""
        raise NotImplementedError

    @property
    def fingerprint(self) -> str:
        """See `TextLM.fingerprint`."""
        raise NotImplementedError

    def prompt(self, content: Content, system: str | None) -> str:
        """What is asked, as text in which a clip has a stand-in; for records."""
        raise NotImplementedError

    def replies(
        self, prefill: Prefill, settings: Sequence[Generation], seeds: Sequence[int], options: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Reply]]:
        """(row, answer), each as soon as it is there. `asked` says what the rows are. options: of each item; none for a free answer."""
        raise NotImplementedError

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        """The contents as they are. In the place of tokens stand the words of a text, and one for a clip: lengths for drawing partners."""
        lengths = torch.tensor([len(c.split()) if isinstance(c, str) else 1 for c in contents])
        mask = torch.arange(int(lengths.max()))[None] < lengths[:, None]
        prompts = [self.prompt(content, system) for content, system in zip(contents, systems, strict=True)]
        asked = list(zip(contents, systems, strict=True))
        return Batch({"asked": asked}, torch.ones_like(mask), torch.zeros(mask.shape, dtype=torch.long), mask, prompts)

    def asked(self, prefill: Prefill) -> list[tuple[Content, str | None]]:
        """(content, system turn) of every row."""
        found: list[tuple[Content, str | None]] = prefill.batch.inputs["asked"]
        return found

    def prefill(self, batch: Batch, hook: LayerHook | None = None, normed: bool = True) -> Prefill:
        """Nothing is run yet, and there are no logits: (B, 0). UsageError for a hook."""
        if hook is not None:
            self._lack("hidden states to look into or to edit")
        return Prefill(batch, torch.empty((len(batch), 0)), None)

    def generate(self, prefill: Prefill, settings: Sequence[Generation], seeds: Sequence[int]) -> list[str]:
        """See `TextLM.generate`; an absent answer is empty here."""
        found = dict(self.replies(prefill, settings, seeds, [()] * len(prefill.batch)))
        return [found[row].text for row in range(len(prefill.batch))]

    def check_system(self, system: str) -> None:
        """Nothing to check: what a server makes of a system turn cannot be seen."""

    def unknown_words(self, text: str) -> list[str]:
        """None: the vocabulary cannot be seen."""
        return []

    def content_strings(self, batch: Batch, row: int) -> list[str]:
        """See `TextLM.content_strings`; UsageError."""
        self._lack("tokens")

    def token_ids(self, text: str) -> list[int]:
        """See `TextLM.token_ids`; UsageError."""
        self._lack("tokens")

    def score_options(self, prefill: Prefill, options: Sequence[Sequence[Sequence[int]]]) -> list[OptionScores]:
        """See `TextLM.score_options`; UsageError."""
        self._lack("loglikelihoods of options")

    def encode_raw(self, texts: Sequence[str]) -> Batch:
        """See `TextLM.encode_raw`; UsageError."""
        self._lack("continuations of plain text")

    def expected_tokens(self, seconds: float) -> int:
        """See `SpeechLM.expected_tokens`; UsageError."""
        self._lack("speech positions")

    def _lack(self, what: str) -> NoReturn:
        raise UsageError(f"{self.name} gives answers only, no {what}; use an adapter that runs the model itself, such as hf-speech")
