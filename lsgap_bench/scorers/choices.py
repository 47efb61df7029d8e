"""What the scorers of a choice share: an item's options and target, and letters and option texts in an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.normalize import normalize, unread

_OPEN, _CLOSE = r"[\s*_(\[{\"'\u201c\u2018]*", r"(?=\s*(?:$|[.,:;!?)\]}*_\"\u201d]|[-\u2013\u2014]\s))"
_SAID = r"\b(?:answer|option|choice)\b(?:(?:\s+\w+){0,4}?\s+(?:is|would\s+be|should\s+be))?\s*:?"
_STATED = re.compile(rf"{_SAID}{_OPEN}([a-z])(?:{_CLOSE}|(?=\s))", re.I)
_LEADING = re.compile(rf"^{_OPEN}([a-z])(?:{_CLOSE}|(?=\s))", re.I)
_MARKED = re.compile(_CLOSE)
_ANOTHER = re.compile(rf"{_CLOSE}?\s*(?:/|,?\s*or\b|,?\s*and\b){_OPEN}[a-z](?:{_CLOSE}|(?=\s))", re.I)


def options_of(item: Mapping[str, Any]) -> list[str]:
    """The options' texts in order; none where the item has no `options`, or a column of that name holds no list."""
    options = item.get("options")
    return [str(option) for option in options] if isinstance(options, (list, tuple)) else []


def target_index(item: Mapping[str, Any], options: Sequence[str]) -> int:
    """Index of the item's target among the options, by text or by letter; without options, of its letter. UsageError for another target."""
    target = str(item["target"])
    same = [i for i, option in enumerate(options) if option == target] or [
        i for i, option in enumerate(options) if normalize(option) == normalize(target)
    ]
    letter = ascii_uppercase.find(target.strip().upper()) if len(target.strip()) == 1 else -1
    if not same and not 0 <= letter < (len(options) or len(ascii_uppercase)):
        known = f"options: {', '.join(options)}" if options else "the item has no options, so give the letter, A to Z"
        raise UsageError(f"{item.get('id')}: the target {target!r} is neither an option nor its letter; {known}")
    return same[0] if same else letter


def target_letter(item: Mapping[str, Any]) -> str:
    """The letter of the item's target, "A" for the first option. UsageError for a target that is neither an option nor a letter."""
    return ascii_uppercase[target_index(item, options_of(item))]


def nothing_read(item: Mapping[str, Any], options: int, guess: float | None = None) -> Verdict:
    """The verdict on an answer that names no option: the item's chance, else one in so many options, else `guess`."""
    chance = item.get("chance")
    expected = chance if chance is not None else 1 / options if options else guess
    return Verdict(None, unread(expected), False, extracted=False)


def chosen(named: int | None, item: Mapping[str, Any], options: Sequence[str]) -> Verdict:
    """The verdict on the option of index `named` (None: no option); predicted is its text, or its letter if there are no options."""
    target = target_index(item, options)
    if named is None:
        return nothing_read(item, len(options))
    return Verdict(options[named] if options else ascii_uppercase[named], float(named == target), named == target, extracted=True)


def whole(response: str, options: Sequence[str]) -> int | None:
    """Index of the option that the answer is, word for word or after normalization."""
    if response in options:  # exactly, before normalization could make two of them equal
        return list(options).index(response)
    answer = normalize(response)
    found = [i for i, option in enumerate(options) if normalize(option) == answer]
    return found[0] if len(found) == 1 else None


def letters(response: str, count: int) -> set[int] | None:
    """Indices, below `count`, of the letters that are stated ("the answer is B") or that the answer begins with; None for "B or C"."""
    text = response.strip()
    if any(_ANOTHER.match(text, m.end(1)) for pattern in (_STATED, _LEADING) for m in pattern.finditer(text)):
        return None
    return {letter for pattern in (_STATED, _LEADING) for letter in _letters(pattern, text, count)}


def contained(response: str, options: Sequence[str]) -> int | None:
    """Index of the one option whose text the answer holds as whole words, other than inside a longer option (`cat` in `cat food`)."""
    answer, texts = normalize(response), [normalize(option) for option in options]
    spans = [[m.span() for m in re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", answer)] if text else [] for text in texts]
    every = [span for of_option in spans for span in of_option]
    found = [i for i, of_option in enumerate(spans) if any(not _inside(span, every) for span in of_option)]
    return found[0] if len(found) == 1 else None


def _letters(pattern: re.Pattern[str], text: str, count: int) -> list[int]:
    """Indices of the first `count` letters that the pattern finds, without the words `a` and `I`."""
    found = [(match[1], match.end(1)) for match in pattern.finditer(text)]
    return [
        ascii_uppercase.index(letter.upper())
        for letter, end in found
        if ascii_uppercase.index(letter.upper()) < count and (_MARKED.match(text, end) or not _word(letter, pattern))
    ]


def _word(letter: str, pattern: re.Pattern[str]) -> bool:
    """Whether a letter before a blank may be the article or the pronoun: `a dog`, `the answer is a dog`; not `the answer is A because`."""
    return letter in "aAI" if pattern is _LEADING else letter in "aI"


def _inside(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end and (start, end) != span for start, end in others)
