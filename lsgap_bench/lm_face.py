"""What lm-eval asks of a language model, answered by a SpeechLM: both forms of paired items, and plain text for lm-eval's own tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import SpeechLM, chunks
from lsgap_bench.schema import Generation, Item, Observation

NO_PERPLEXITY = "needs rolling loglikelihoods (perplexity), which lsgap does not measure; choose a task that asks questions"
Observe = Callable[[Sequence[Item]], Mapping[str, Mapping[str, Observation]]]


@dataclass(frozen=True)
class Observed:
    """What the model gives back for one document: condition -> observation; none for a document that was left out, with the reason."""

    item: Item | None
    observations: Mapping[str, Observation]
    why: str | None = None


class LanguageModelFace:
    """The request types of lm-eval, one method each. A request is an lm-eval Instance; of it only `args` is read.

    model: answers. observe: the fused pass over the items of a run. batch_size: contexts per forward in plain text tasks.
    """

    MULTIMODAL = True

    def __init__(self, model: SpeechLM, observe: Observe, batch_size: int) -> None:
        super().__init__()  # lm-eval's LM comes after this class
        self.model, self._observe, self.batch_size = model, observe, batch_size

    def observe(self, requests: Sequence[Any]) -> list[Observed]:
        """Both forms of every document, in one call for all tasks."""
        items = [r.arguments[1] for r in requests if isinstance(r.arguments[1], Item)]
        found = self._observe(items)
        return [
            Observed(item, found.get(item.id, {})) if isinstance(item, Item) else Observed(None, {}, why=str(item))
            for item in (r.arguments[1] for r in requests)
        ]

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Loglikelihood of a continuation after a context, both plain text; continuations of one context share its prefix."""
        order = sorted(range(len(requests)), key=lambda k: str(requests[k].args[0]))
        contexts = [(context, list(places)) for context, places in groupby(order, key=lambda k: str(requests[k].args[0]))]
        results: dict[int, tuple[float, bool]] = {}
        for part in chunks(len(contexts), self.batch_size):
            prefill = self.model.prefill(self.model.encode_raw([context.rstrip() for context, _ in contexts[part]]))
            options = [[self._continuation(context, requests[k].args[1]) for k in places] for context, places in contexts[part]]
            for (_, places), scores in zip(contexts[part], self.model.score_options(prefill, options), strict=True):
                results.update(zip(places, zip(scores.logprobs, scores.greedy, strict=True), strict=True))
        return [results[k] for k in range(len(requests))]

    def _continuation(self, context: str, continuation: str) -> list[int]:
        """Tokens that the continuation adds to the context; trailing blanks of the context belong to it, as in lm-eval."""
        kept = context.rstrip()
        before = self.model.token_ids(kept) if kept else []
        return self.model.token_ids(context + continuation)[len(before) :]

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """Perplexity tasks are not understanding benchmarks; UsageError."""
        raise UsageError(f"a task {NO_PERPLEXITY}")

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Greedy continuations of plain text, with the task's own stop strings."""
        answers: list[str] = []
        for part in chunks(len(requests), self.batch_size):
            arguments = [r.args for r in requests[part]]
            settings = [
                Generation(int(g.get("max_gen_toks", 256)), tuple([g["until"]] if isinstance(g.get("until"), str) else g.get("until", ())))
                for _, g in arguments
            ]
            batch = self.model.encode_raw([context for context, _ in arguments])
            answers += self.model.generate(self.model.prefill(batch), settings, [0] * len(arguments))
        return answers
