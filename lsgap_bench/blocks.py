"""Blocks of items, for metrics that need many at once: drawn before the pass, their pooled states kept until a block is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.metrics.layer_block import MIN_ITEMS, LayerBlock
from lsgap_bench.registry import Metric
from lsgap_bench.schema import SIDES, BlockTerms, Item

QUESTIONS = 16
"""Of a block, about. An unbiased estimator does not depend on it; more blocks give a better interval, larger ones a smaller variance."""


@dataclass(frozen=True)
class Block:
    """Items of one task, each of another cluster. group: blocks of one group share clusters, one voice each."""

    name: str
    task: str
    group: str
    items: tuple[str, ...]


class Pooled(NamedTuple):
    """Mean states of one item, float32 on the CPU. speech: (L + 1, D). text: (sides, L + 1, D), NaN where there is no partner."""

    speech: Tensor
    text: Tensor


def draw_blocks(items: Sequence[Item]) -> list[Block]:
    """The blocks of some items, given in the order of the pass; a group of fewer than four clusters has none.

    A task's clusters are cut where they end in that order, so that few blocks are open at a time and memory does not grow with the number
    of items; as the pass goes by length, a block's items are of like length, which then cannot make them similar.
    """
    last = {item.cluster: place for place, item in enumerate(items)}
    found = []
    for task in dict.fromkeys(item.task for item in items):
        members: dict[str, list[str]] = {}
        for item in items:
            if item.task == task:
                members.setdefault(item.cluster, []).append(item.id)
        ordered = [members[cluster] for cluster in sorted(members, key=lambda cluster: last[cluster])]
        found += [block for number, group in enumerate(_evenly(ordered)) for block in _blocks(task, f"{task}/{number}", group)]
    return found


def _evenly(clusters: Sequence[list[str]]) -> list[Sequence[list[str]]]:
    parts = max(1, round(len(clusters) / QUESTIONS))
    cuts = [len(clusters) * k // parts for k in range(parts + 1)]
    return [clusters[start:end] for start, end in pairwise(cuts)]


def _blocks(task: str, group: str, clusters: Sequence[list[str]]) -> list[Block]:
    """One block per voice."""
    voices = range(max(map(len, clusters), default=0))
    taken = [(voice, tuple(items[voice] for items in clusters if len(items) > voice)) for voice in voices]
    return [Block(f"{group}.{voice}", task, group, items) for voice, items in taken if len(items) >= MIN_ITEMS]


class Pool:
    """The pooled states of items whose block is not whole yet, and the terms of the blocks that are."""

    def __init__(self, blocks: Sequence[Block], plugins: Sequence[Metric]) -> None:
        self._plugins = plugins
        self._of = {item: block for block in blocks for item in block.items}
        self._missing = Counter({block.name: len(block.items) for block in blocks})
        self._held: dict[str, Pooled] = {}

    def wants(self, item: str) -> bool:
        """Whether the item is in a block and its states have not come yet."""
        return item in self._of and item not in self._held and self._missing[self._of[item].name] > 0

    def settle(self, block: Block) -> None:
        """Ask for nothing of a block whose terms are known already."""
        self._missing[block.name] = 0

    def add(self, states: Mapping[str, Pooled]) -> list[tuple[Block, BlockTerms]]:
        """Take the states of some items; the blocks that are whole now, with their terms, in the order of their last item."""
        whole = []
        for item, pooled in states.items():
            if self.wants(item):
                block = self._of[item]
                self._held[item] = pooled
                self._missing[block.name] -= 1
                if not self._missing[block.name]:
                    held = [self._held.pop(member) for member in block.items]
                    whole.append((block, BlockTerms(block.name, block.task, block.group, block.items, self._terms(held))))
        return whole

    def _terms(self, held: Sequence[Pooled]) -> dict[str, dict[str, tuple[tuple[float, ...], ...]]]:
        speech = torch.stack([pooled.speech for pooled in held], dim=-2)[None]
        block = LayerBlock(speech, torch.stack([pooled.text for pooled in held], dim=-2))
        made: dict[str, dict[str, tuple[tuple[float, ...], ...]]] = {}
        for plugin in self._plugins:
            terms = _computed(plugin, block)
            made[plugin.name] = {str(side): tuple(tuple(layer) for layer in terms[row].double().tolist()) for row, side in enumerate(SIDES)}
        return made


def _computed(plugin: Metric, block: LayerBlock) -> Tensor:
    """A metric's terms; UsageError that names the plug-in where it fails or gives another shape."""
    try:
        terms: Tensor = plugin.compute(block)
    except Exception as error:
        raise UsageError(f"metric '{plugin.name}' failed on a block ({with_kind(error)}); correct the plug-in") from error
    wanted = tuple(block.text.shape[:2])
    if not isinstance(terms, Tensor) or terms.ndim != 3 or tuple(terms.shape[:2]) != wanted:
        given = tuple(terms.shape) if isinstance(terms, Tensor) else type(terms).__name__
        raise UsageError(f"metric '{plugin.name}' gave {given} on a block; it must give a tensor of shape {wanted} and one axis of terms")
    return terms
