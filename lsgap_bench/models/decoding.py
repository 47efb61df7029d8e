"""Answers from the shared prefix: options scored all at once, free answers token by token. Both continue the prefill's cache."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lsgap_bench.memory import free_bytes
from lsgap_bench.models.adapter import OptionScores, Prefill, chunks
from lsgap_bench.schema import Generation

Continue = Callable[[Tensor, Tensor, Tensor, Any], Tensor]
"""(ids (R, n), attention_mask (R, T + n), position_ids (R, n), cache) -> logits (R, n, V) float32. Grows the cache."""
CONTEXT = 8  # tokens that are read again before a possible stop string, since a token alone may decode otherwise


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
    device = row.device
    longest = max(len(ids) for ids in flat)
    tokens = torch.tensor([ids + [0] * (longest - len(ids)) for ids in flat], device=device)
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in flat], device=device)
    first = prefill.last_logits[row]
    found, likeliest = first.log_softmax(-1).gather(1, tokens[:, :1]), first.argmax(-1, keepdim=True) == tokens[:, :1]
    if longest > 1:
        rest = [_rest(step, prefill, tokens[part], mask[part], row[part]) for part in chunks(len(flat), _rows_that_fit(prefill))]
        found = torch.cat([found, torch.cat([logprobs for logprobs, _ in rest])], 1)
        likeliest = torch.cat([likeliest, torch.cat([greedy for _, greedy in rest])], 1)
    return (found * mask).sum(1).tolist(), (likeliest | (mask == 0)).all(1).tolist()


def _rest(step: Continue, prefill: Prefill, tokens: Tensor, mask: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Of all tokens but the first, (R, n - 1): loglikelihoods, and which are the likeliest; from a copy of the prefix for each sequence."""
    valid = prefill.batch.valid.long()[row]
    positions = valid.sum(1, keepdim=True) + torch.arange(tokens.shape[1] - 1, device=row.device)
    logits = step(tokens[:, :-1], torch.cat([valid, mask[:, :-1]], 1), positions, _selected(prefill.cache, row))
    return logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[..., 0], logits.argmax(-1) == tokens[:, 1:]


def _selected(cache: Any, rows: Tensor) -> Any:
    """A cache of some rows of another one, which stays as it is."""
    selected = copy.copy(cache)
    selected.layers = [copy.copy(layer) for layer in cache.layers]
    selected.batch_select_indices(rows)
    return selected


def _rows_that_fit(prefill: Prefill) -> int:
    """How many copies of a prompt's cache there is room for at once: on a GPU half of what is free, elsewhere as many as are asked for."""
    if prefill.last_logits.device.type != "cuda":
        return sys.maxsize
    tensors = (tensor for layer in prefill.cache.layers for tensor in (layer.keys, layer.values) if tensor is not None)
    of_a_row: int = sum(tensor.nbytes for tensor in tensors) // len(prefill.batch)
    return max(1, free_bytes(prefill.last_logits.device) // 2 // max(of_a_row, 1))


@dataclass
class _Answer:
    """One growing free answer."""

    tokens: list[int]
    settings: Generation
    generator: torch.Generator | None
    text: str = ""
    done: bool = False

    def choose(self, logits: Tensor, likeliest: int) -> int:
        """The next token from logits (V,): the likeliest, or a draw that does not depend on the batch."""
        if self.generator is None:
            return likeliest
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
        likeliest = logits.argmax(-1).tolist()  # one wait for the device, not one for each answer
        for place, index in enumerate(active):
            _grow(answers[index], answers[index].choose(logits[place], likeliest[place]), end, decode)
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


def _grow(answer: _Answer, token: int, end: frozenset[int], decode: Callable[[list[int]], str]) -> None:
    """Add a token; the text is made when the answer is done, and looked at before only for stop strings."""
    if token not in end:
        answer.tokens.append(token)
        stops = answer.settings.until
        recent = decode(answer.tokens[-(max(map(len, stops)) + CONTEXT) :]) if stops else ""
        stopped = any(stop in recent for stop in stops)
        if not stopped and len(answer.tokens) < answer.settings.max_new_tokens:
            return
    text = decode(answer.tokens)
    cuts = [text.index(stop) for stop in answer.settings.until if stop in text]
    answer.text = text[: min(cuts)] if cuts else text
    answer.done = bool(cuts) or token in end or len(answer.tokens) >= answer.settings.max_new_tokens


def _nucleus(logits: Tensor, top_p: float | None) -> Tensor:
    """Logits (V,) with everything outside the smallest set of probability `top_p` at minus infinity."""
    if top_p is None or top_p >= 1:
        return logits
    ordered, index = logits.softmax(-1).sort(descending=True)
    outside = index[(ordered.cumsum(-1) - ordered) >= top_p]
    return logits.index_fill(0, outside, float("-inf"))
