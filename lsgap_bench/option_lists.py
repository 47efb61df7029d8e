"""Option lists that vary in length from item to item, which one chance for all of them does not describe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lsgap_bench.schema import Item


class Spread(NamedTuple):
    """Of one task: the items with the fewest and the most options, and the distinct chances of its items."""

    fewest: Item
    most: Item
    chances: frozenset[float | None]

    @property
    def one_chance(self) -> bool:
        """Whether guessing is said to score the same in all items, which it does not."""
        return len(self.chances) == 1 and None not in self.chances

    @property
    def line(self) -> str:
        """What is there, and whether `chance` fits it."""
        named = f"{_count(self.fewest)} to {_count(self.most)} options ({self.fewest.id}, {self.most.id})"
        if self.one_chance:
            return f"{self.fewest.task}: its items have {named}, but chance is {self.fewest.chance:g} for all; write chance: auto"
        counted = "write chance: auto to count it per item" if None in self.chances else "chance is counted per item"
        return f"{self.fewest.task}: its items have {named}; {counted}"


def spreads(items: Iterable[Item]) -> list[Spread]:
    """The tasks whose option lists vary in length; items without options are passed over."""
    by_task: dict[str, list[Item]] = {}
    for item in items:
        if _count(item):
            by_task.setdefault(item.task, []).append(item)
    found = [_spread(of_task) for of_task in by_task.values()]
    return [spread for spread in found if _count(spread.fewest) < _count(spread.most)]


def _spread(items: Sequence[Item]) -> Spread:
    return Spread(min(items, key=_count), max(items, key=_count), frozenset(item.chance for item in items))


def _count(item: Item) -> int:
    options = item.options or item.fields.get("options") or ()
    return len(options) if isinstance(options, (list, tuple)) else 0
