"""Items that a run can use, and the others: refused at the first fault, or left out and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Item


class Sieved(NamedTuple):
    """items: that are to be run. bad: one line for each of the others."""

    items: Sequence[Item]
    bad: Sequence[str]


def sieved(items: Iterable[Item], check: Callable[[Item], object], skip_bad_items: bool) -> Sieved:
    """check: UsageError for an item that cannot be used, which is left out if `skip_bad_items`; else the first such error is raised."""
    good: list[Item] = []
    bad: list[str] = []
    for item in items:
        try:
            check(item)
            good.append(item)
        except UsageError as error:
            if not skip_bad_items:
                raise
            bad.append(str(error))
    return Sieved(good, bad)
