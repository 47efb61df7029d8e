"""The two prompts of an item, taken apart: they may differ in the content and in what the template writes around a clip, nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lsgap_bench.schema import Pair


class Prompts(NamedTuple):
    """before + text + after, and before + wrapper + after; the text itself is left out."""

    before: str
    wrapper: str
    after: str

    @property
    def shown(self) -> str:
        """In one line."""
        return f"{self.before!r} + text or {self.wrapper!r} + {self.after!r}"


def taken_apart(written: str, spoken: str, text: str) -> Prompts | None:
    """The prompts of one item. None where they differ in more than the content, or where the spoken one holds the question in writing.

    text: what the written one asks.
    """
    before, found, after = written.rpartition(text.strip())
    if not found or not spoken.startswith(before) or not spoken.endswith(after) or len(spoken) < len(before) + len(after):
        return None
    wrapper = spoken[len(before) : len(spoken) - len(after)]
    leaked = len(text.split()) > 1 and text.strip() in wrapper  # a single word may well stand there by chance
    return None if leaked else Prompts(before, wrapper, after)


def prompts_check(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Over the items that were run in both forms; with the first one's prompts, taken apart."""
    both = [pair for pair in pairs if {"text", "speech"} <= pair.observations.keys()]
    apart = {pair.item.id: _of(pair) for pair in both}
    differing = [item for item, found in apart.items() if found is None]
    first = next((found for found in apart.values() if found is not None), None)
    note = f"the prompts of {len(differing)} items, such as {differing[0]}, differ in more than the content" if differing else None
    passed = not differing if both else None
    return {"n": len(both), "passed": passed, "note": note, **(first._asdict() if first else {})}


def _of(pair: Pair) -> Prompts | None:
    written, spoken = (pair.observations[condition].prompt for condition in ("text", "speech"))
    return taken_apart(written, spoken, pair.item.text)
