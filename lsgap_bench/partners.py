"""The mismatched partners of every item: whose text makes its nulls, whose clip its canary. Drawn before batching, from seed and id."""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lsgap_bench.schema import Item, Side


@dataclass(frozen=True)
class Partners:
    """Two other items for one item, each from another cluster and of the nearest text length; None where the run holds none.

    other_task: of another family, so that not even the template is shared. same_task: of the same task, so that the template is.
    """

    other_task: Item | None
    same_task: Item | None

    @property
    def clip_donor(self) -> Item | None:
        """The item whose clip takes the place of the own one in `speech=other`: of the same task where there is one."""
        return self.same_task or self.other_task

    def text_of(self, side: Side, own: Item) -> Item | None:
        """The item whose text stands on a side: the own one, or a partner."""
        return {"matched": own, "other_task": self.other_task, "same_task": self.same_task}[side]


def item_seed(seed: int, item: str, purpose: str) -> int:
    """A seed for one item's random choices that depends on nothing but the run's seed, the item's id and the purpose."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{item}/{purpose}".encode()).digest()[:8], "big") >> 1


def draw_partners(items: Sequence[Item], lengths: Mapping[str, int], seed: int) -> dict[str, Partners]:
    """Partners of every item, by item id. lengths: item id -> text tokens.

    Among the items of the nearest length one is drawn at random, seeded by the item's id: order, batch size, resumption and ranks change
    nothing.
    """
    same_task = {task: _Shelf((i for i in items if i.task == task), lengths) for task in {i.task for i in items}}
    other_task = {family: _Shelf((i for i in items if i.family != family), lengths) for family in {i.family for i in items}}
    return {item.id: Partners(other_task[item.family].nearest(item, seed), same_task[item.task].nearest(item, seed)) for item in items}


class _Shelf:
    """Items by text length."""

    def __init__(self, items: Iterable[Item], lengths: Mapping[str, int]) -> None:
        self._lengths = lengths
        self._by_length: dict[int, list[Item]] = defaultdict(list)
        for item in sorted(items, key=lambda i: i.id):
            self._by_length[lengths[item.id]].append(item)
        self._sorted = sorted(self._by_length)

    def nearest(self, item: Item, seed: int) -> Item | None:
        """An item of another cluster and with another text, as near in length as possible, drawn at random among equals."""
        for equals in self._outwards(self._lengths[item.id]):
            start = random.Random(item_seed(seed, item.id, "partner")).randrange(len(equals))
            for k in range(len(equals)):
                other = equals[(start + k) % len(equals)]
                if other.cluster != item.cluster and other.text != item.text:
                    return other
        return None

    def _outwards(self, length: int) -> Iterator[list[Item]]:
        """The items of each distance from `length`, nearest first."""
        high = bisect_left(self._sorted, length)
        low = high - 1
        while low >= 0 or high < len(self._sorted):
            below = length - self._sorted[low] if low >= 0 else None
            above = self._sorted[high] - length if high < len(self._sorted) else None
            nearest = min(d for d in (below, above) if d is not None)
            equals: list[Item] = []
            if below == nearest:
                equals, low = equals + self._by_length[self._sorted[low]], low - 1
            if above == nearest:
                equals, high = equals + self._by_length[self._sorted[high]], high + 1
            yield equals
