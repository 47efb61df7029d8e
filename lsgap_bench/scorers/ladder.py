"""A ladder of phrases: an ordered table, each phrase with what it says; the first one that a text holds decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, product
from typing import Generic, NamedTuple, TypeVar

V = TypeVar("V")
_CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")
SLOT = "X"


class _Rung(NamedTuple, Generic[V]):
    lead: str  # what stands before the slot: looked for once, for all that may stand in the slot
    pieces: tuple[str, ...]
    starts: bool
    ends: bool
    value: V


class Ladder(Generic[V]):
    r"""Reads texts in lower case. Phrases are plain text, found anywhere and without regard to word boundaries, with five signs:

    `<is|would be>` one of these, tried from left to right; `X` the slot for what `slot` names; ` … ` a gap of at least one character;
    `^` at the beginning: the text starts here; `¶` at the end: the text ends here.

    rows: (phrase, value); a phrase with the slot has the value None and takes that of the word in the slot. slot: word -> value, in the
    order in which they are tried. Only the order of the rows counts, never the position in the text.
    """

    def __init__(self, rows: Iterable[tuple[str, V | None]], slot: Mapping[str, V] | None = None) -> None:
        rungs = (rung for phrase, value in rows for rung in _rungs(phrase, value, slot or {}))
        self._groups = [(lead, tuple(group)) for lead, group in groupby(rungs, key=lambda rung: rung.lead)]

    def read(self, text: str) -> V | None:
        """The value of the first phrase that the text holds; None if it holds none."""
        return next((rung.value for lead, group in self._groups if lead in text for rung in group if _holds(text, rung)), None)


def written_out(phrase: str) -> list[str]:
    """The phrases that one with `<a|b>` in it stands for; the last choice turns fastest."""
    parts = _CHOICE.split(phrase)  # fixed text at even places, choices at odd ones
    return ["".join(chosen) for chosen in product(*([part] if k % 2 == 0 else part.split("|") for k, part in enumerate(parts)))]


def _rungs(phrase: str, value: V | None, slot: Mapping[str, V]) -> Iterator[_Rung[V]]:
    for plain in written_out(phrase):
        starts, ends = plain.startswith("^"), plain.endswith("¶")
        plain = plain.removeprefix("^").removesuffix("¶")
        pieces = plain.split("…")
        if value is not None:
            yield _Rung(pieces[0], tuple(pieces), starts, ends, value)
            continue
        for word, meant in slot.items():
            yield _Rung(pieces[0].partition(SLOT)[0], tuple(piece.replace(SLOT, word) for piece in pieces), starts, ends, meant)


def _holds(text: str, rung: _Rung[V]) -> bool:
    first, *others = rung.pieces
    if not others and not rung.starts and not rung.ends:
        return first in text
    if not others:
        return text == first if rung.starts and rung.ends else text.startswith(first) if rung.starts else text.endswith(first)
    place = text.find(first)
    for piece in others:
        if place < 0:
            return False
        place = text.find(piece, place + len(first) + 1)
        first = piece
    return place >= 0
