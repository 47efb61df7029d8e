"""Answers from the shared prefix: options scored all at once, free answers token by token. Both continue the prefill's cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lsgap_bench.models.adapter import OptionScores, Prefill
from lsgap_bench.schema import Generation

Continue = Callable[[Tensor, Tensor, Tensor, Any], Tensor]
"""(ids (R, n), attention_mask (R, T + n), position_ids (R, n), cache) -> logits (R, n, V) float32. Grows the cache."""


@torch.no_grad()
def score_options(step: Continue, prefill: Prefill, options: Sequence[Sequence[Sequence[int]]]) -> list[OptionScores]:
    """Loglikelihood in nats of each option (token ids) of each item, given the item's prompt.

    The first token of every option is read off the prefill's last logits; what follows takes one forward over all options of all items, on
    copies of the prefix's cache. Items may have different numbers of options.
    """
    flat = [list(ids) for item in options for ids in item]
    row = torch.tensor([i for i, item in enumerate(options) for _ in item], device=prefill.last_logits.device)
    logprobs, greedy = _follow(step, prefill, flat, row)
    scores, start = [], 0
    for item in options:
        part = slice(start, start + len(item))
        scores.append(OptionScores(tuple(logprobs[part]), tuple(len(ids) for ids in item), tuple(greedy[part])))
        start += len(item)
    return scores


def _follow(step: Continue, prefill: Prefill, flat: list[list[int]], row: Tensor) -> tuple[list[float], list[bool]]:
    """Loglikelihood of each token sequence after the prompt in its row, and whether each of its tokens is the likeliest one."""
    longest = max(len(ids) for ids in flat)
    device = row.device
    tokens = torch.tensor([ids + [0] * (longest - len(ids)) for ids in flat], device=device)
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in flat], device=device)
    logits = prefill.last_logits[row][:, None]
    if longest > 1:
        prefill.cache.batch_select_indices(row)
        valid = prefill.batch.valid.long()[row]
        positions = valid.sum(1, keepdim=True) + torch.arange(longest - 1, device=device)
        rest = step(tokens[:, :-1], torch.cat([valid, mask[:, :-1]], 1), positions, prefill.cache)
        logits = torch.cat([logits, rest], 1)
    chosen = logits.log_softmax(-1).gather(2, tokens[..., None])[..., 0]
    likeliest = (logits.argmax(-1) == tokens) | (mask == 0)
    return (chosen * mask).sum(1).tolist(), likeliest.all(1).tolist()


@dataclass
class _Answer:
    """One growing free answer."""

    tokens: list[int]
    settings: Generation
    generator: torch.Generator | None
    text: str = ""
    done: bool = False

    def choose(self, logits: Tensor) -> int:
        """The next token from logits (V,): the likeliest, or a draw that does not depend on the batch."""
        if self.generator is None:
            return int(logits.argmax())
        logits = _nucleus(logits.cpu() / (self.settings.temperature or 1.0), self.settings.top_p)
        noise = torch.rand(logits.shape, generator=self.generator).clamp_min(1e-20)
        return int((logits - (-noise.log()).log()).argmax())  # Gumbel-max: a draw from softmax(logits)


@torch.no_grad()
def generate(
    step: Continue,
    prefill: Prefill,
    settings: Sequence[Generation],
    seeds: Sequence[int],
    end: frozenset[int],
    decode: Callable[[list[int]], str],
) -> list[str]:
    """Free answers, one per item; finished items leave the batch. end: token ids that close an answer; decode: ids -> text."""
    answers = [
        _Answer([], wanted, torch.Generator().manual_seed(seed) if wanted.do_sample else None)
        for wanted, seed in zip(settings, seeds, strict=True)
    ]
    active = list(range(len(answers)))
    valid, logits, cache = prefill.batch.valid.long(), prefill.last_logits, prefill.cache
    while active:
        for place, index in enumerate(active):
            _grow(answers[index], logits[place], end, decode)
        kept = [place for place, index in enumerate(active) if not answers[index].done]
        if not kept:
            break
        if len(kept) < len(active):
            rows = torch.tensor(kept, device=valid.device)
            cache.batch_select_indices(rows)
            valid, active = valid[rows], [active[place] for place in kept]
        ids = torch.tensor([[answers[index].tokens[-1]] for index in active], device=valid.device)
        positions = valid.sum(1, keepdim=True)
        valid = torch.cat([valid, torch.ones_like(ids)], 1)
        logits = step(ids, valid, positions, cache)[:, -1]
    return [answer.text.strip() for answer in answers]


def _grow(answer: _Answer, logits: Tensor, end: frozenset[int], decode: Callable[[list[int]], str]) -> None:
    token = answer.choose(logits)
    if token in end:
        answer.done = True
        return
    answer.tokens.append(token)
    answer.text = decode(answer.tokens)
    cuts = [answer.text.index(stop) for stop in answer.settings.until if stop in answer.text]
    if cuts:
        answer.text = answer.text[: min(cuts)]
    answer.done = bool(cuts) or len(answer.tokens) >= answer.settings.max_new_tokens


def _nucleus(logits: Tensor, top_p: float | None) -> Tensor:
    """Logits (V,) with everything outside the smallest set of probability `top_p` at minus infinity."""
    if top_p is None or top_p >= 1:
        return logits
    ordered, index = logits.softmax(-1).sort(descending=True)
    outside = index[(ordered.cumsum(-1) - ordered) >= top_p]
    return logits.index_fill(0, outside, float("-inf"))
