"""An answer as a person reads it: without markup, LaTeX, tags, turn marks and hidden reasoning; and cut into statements."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

LONGEST = 20_000  # characters of an answer that are read, the last ones
_THOUGHT = re.compile(r"<think>.*?</think>|^.*</think>", re.S)
_MARKS = re.compile(r"<\|[^<>|]{0,40}\|>|</?[a-z][a-z0-9]{0,15}/?>|<[123]>", re.I)  # turn marks, tags
_BULLET = re.compile(r"^[ \t]*(?:[*+\u2022-]|#{1,6}|>)[ \t]+", re.M)
_UNTICKED = re.compile(r"^[ \t]*(?:[*+-][ \t]+)?\[ \].*$", re.M)
_LATEX = re.compile(r"\\(?:boxed|fbox|text|textbf|textit|mathbf|mathrm|mathit|mathsf|operatorname|bf|rm)\b\s*|\\[()\[\]]|[${}]", re.I)
_EMPHASIS = re.compile(r"\*+|`+|(?<!\w)_+|_+(?!\w)|~~")
_QUOTES = str.maketrans("\u2018\u2019\u201b\u02bc\u0060\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d", '\'\'\'\'\'"""""""')
_AFTER_COLON = re.compile(r":[ \t]*\n\s*")
_HEADING = re.compile(r"\b(answer|conclusion|solution)[ \t]*\n\s*", re.I)
_END = re.compile(r"[!?;\u3002\uff01\uff1f]+|\n|(?<![^\w]\w)\.(?=\s|$|[\"')])|(?<=[^\w\n]\w)\.(?=\s*$|\s+[A-Z\"']|\s*\n)", re.M)


class Statement(NamedTuple):
    """A sentence or a line of a text: [start, end) and whether it asks."""

    start: int
    end: int
    asks: bool


def plain(response: str) -> str:
    """The text without what is not said; case and lines are kept, typographic quotes become straight ones.

    Of a text longer than LONGEST characters the end alone.
    """
    text = _THOUGHT.sub(" ", response) if "</think>" in response else response
    text = text[-LONGEST:]
    text = _MARKS.sub(" ", unicodedata.normalize("NFKC", text.translate(_QUOTES)).translate(_QUOTES))
    text = _EMPHASIS.sub("", _LATEX.sub("", _BULLET.sub("", _UNTICKED.sub("", text))))
    lines = (" ".join(line.split()) for line in text.splitlines())
    text = "\n".join(line for line in lines if line)
    return _HEADING.sub(r"\1: ", _AFTER_COLON.sub(": ", text))


def statements(text: str) -> Iterator[Statement]:
    """The sentences and lines of a plain text, in order. The point of "B. Paris" may end one; that of "b. is wrong" does not."""
    start = 0
    for found in _END.finditer(text):
        yield Statement(start, found.start(), "?" in found[0] or "\uff1f" in found[0])
        start = found.end()
    yield Statement(start, len(text), False)
