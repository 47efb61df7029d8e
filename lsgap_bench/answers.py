"""What a batch of prompts is answered with: the best option, or a free answer; and what an observation says where there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import OptionScores, Prefill, SpeechLM, gives, replies
from lsgap_bench.partners import item_seed
from lsgap_bench.schema import Condition, Item, Observation

Answer = Mapping[str, Any]
"""The fields of an Observation that say what was answered."""


class Answering:
    """Answers of one model. options: all that its items have, each of which it must be able to score (UsageError). seed: of the run."""

    def __init__(self, model: SpeechLM, options: Sequence[str], seed: int) -> None:
        self.model, self._seed = model, seed
        self.scored = gives(model, "options")
        """Whether options are scored; else an item with options is answered freely, too, and its scorer reads the answer."""
        self._option_ids = {option: model.token_ids(option) for option in options} if self.scored else {}

    def answers(self, items: Sequence[Item], prefill: Prefill) -> Iterator[tuple[int, Answer]]:
        """(row, answer), each as soon as it is there; a batch holds items with options or items without.

        UsageError where the model gives no numbers: an answer read off NaN would look like any other.
        """
        broken = prefill.last_logits.isnan().any(1).tolist()
        if any(broken):
            bad = items[broken.index(True)].id
            raise UsageError(f"{self.model.name} gives NaN logits for {bad}; try --model_args dtype=bfloat16 or dtype=float32")
        tokens = prefill.batch.content_mask.sum(1).tolist() if gives(self.model, "states") else [None] * len(items)
        scored = items[0].options and self.scored
        for row, answer in self._scored(items, prefill) if scored else self._free(items, prefill):
            yield row, {**answer, "content_tokens": tokens[row]}

    def _scored(self, items: Sequence[Item], prefill: Prefill) -> Iterator[tuple[int, Answer]]:
        scores = self.model.score_options(prefill, [[self._option_ids[o] for o in item.options] for item in items])
        yield from enumerate(_best(item, of) for item, of in zip(items, scores, strict=True))

    def _free(self, items: Sequence[Item], prefill: Prefill) -> Iterator[tuple[int, Answer]]:
        # of the words, not of the item: the written answer is drawn once for all voices, and the spoken ones draw with the same numbers
        seeds = [item_seed(self._seed, item.text, "sampling") for item in items]
        for row, reply in replies(self.model, prefill, [item.generation for item in items], seeds, [item.options for item in items]):
            told = {"answer": reply.text, "absent": reply.absent, "usage": reply.usage}
            yield row, {**told, "option_logprobs": reply.option_logprobs, "option_tokens": (1,) * len(reply.option_logprobs)}


def without_answer(item: Item, condition: Condition, why: str, prompt: str = "") -> Observation:
    """The observation of a condition that an item cannot be asked under."""
    return Observation(item.id, condition.name, answer="", prompt=prompt, content_tokens=0, logits_sha256="", absent=why)


def digests(logits: Tensor) -> list[str]:
    """A hash of each row of logits (B, V); empty where there are none, V = 0."""
    return [hashlib.sha256(row.tobytes()).hexdigest()[:16] if row.size else "" for row in logits.cpu().numpy()]


def _best(item: Item, scores: OptionScores) -> Answer:
    best = max(range(len(item.options)), key=lambda k: scores.logprobs[k])
    return {"answer": item.options[best], "option_logprobs": scores.logprobs, "option_tokens": scores.tokens}
