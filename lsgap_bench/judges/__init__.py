"""What gives votes on answers, one file each: what every judge offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Question(NamedTuple):
    """One vote to be given. prompt: all that the judge is told. seed: of its sampling, another one for each vote on a prompt."""

    prompt: str
    seed: int


class Said(NamedTuple):
    """A judge's reply. text: empty where it was withheld. usage: what it took, as in `Observation.usage`; it must be JSON."""

    text: str
    usage: Mapping[str, Any]


class Judge(Protocol):
    """A judge, registered with `@judge("name")`; its class is called with the --judge_args, without `votes` and `cache`."""

    model: str
    """Which model votes, by its pinned name."""
    where: str
    """Where it is asked, such as the address of a server. A kept vote is used again for the same place only."""
    sampling: Mapping[str, Any]
    """Everything else that can change a reply, as JSON."""
    prices: Mapping[str, float]
    """`input`, `output` -> USD per million tokens, as far as they are known."""

    def replies(self, questions: Sequence[Question]) -> Iterator[tuple[int, Said]]:
        """(place, reply) in the order in which they come; questions are asked in the order given. UsageError where one cannot be had."""
