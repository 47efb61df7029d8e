"""The scorer `choice`: which option an answer names, by its letter or by its text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.normalize import normalize, unread

_OPEN, _CLOSE = r"[\s*_(\[{\"'\u201c\u2018]*", r"(?=\s*(?:$|[.,:;!?)\]}*_\"\u201d]|[-\u2013\u2014]\s))"
_SAID = r"\b(?:answer|option|choice)\b(?:(?:\s+\w+){0,4}?\s+(?:is|would\s+be|should\s+be))?\s*:?"
_STATED = re.compile(rf"{_SAID}{_OPEN}([a-z])(?:{_CLOSE}|(?=\s))", re.I)
_LEADING = re.compile(rf"^{_OPEN}([a-z])(?:{_CLOSE}|(?=\s))", re.I)
_MARKED = re.compile(_CLOSE)
_ANOTHER = re.compile(rf"{_CLOSE}?\s*(?:/|,?\s*or\b|,?\s*and\b){_OPEN}[a-z](?:{_CLOSE}|(?=\s))", re.I)


@scorer("choice")
def choice(response: str, item: Mapping[str, Any]) -> Verdict:
    """Option letter or option text. `item["options"]` are the options' texts in order; the target is one of them, or its letter.

    Read in this order: an answer that is an option's text; a letter that is stated ("the answer is B") or that the answer begins with; the
    one option whose text the answer contains. An answer that names none, or several, is not extracted: it scores the chance of a guess.
    UsageError for a target that is none of the options.
    """
    options = [str(option) for option in item.get("options") or ()]
    target = _target(str(item["target"]), options, item)
    named = _named(response, options)
    if named is None:
        chance = item.get("chance") if item.get("chance") is not None else (1 / len(options) if options else None)
        return Verdict(None, unread(chance), False, extracted=False)
    return Verdict(options[named] if options else ascii_uppercase[named], float(named == target), named == target, extracted=True)


def _named(response: str, options: Sequence[str]) -> int | None:
    """Index of the option that the answer names."""
    if response in options:  # exactly, before normalization could make two of them equal
        return list(options).index(response)
    whole = [i for i, option in enumerate(options) if normalize(option) == normalize(response)]
    if len(whole) == 1:
        return whole[0]
    if any(_ANOTHER.match(response.strip(), m.end(1)) for pattern in (_STATED, _LEADING) for m in pattern.finditer(response.strip())):
        return None  # "B or C" names two
    letters = {letter for pattern in (_STATED, _LEADING) for letter in _letters(pattern, response, len(options) or len(ascii_uppercase))}
    if letters:
        return letters.pop() if len(letters) == 1 else None
    texts = _contained(normalize(response), [normalize(option) for option in options])
    return texts[0] if len(texts) == 1 else None


def _letters(pattern: re.Pattern[str], response: str, count: int) -> list[int]:
    """Indices of the first `count` letters that the pattern finds, without the words `a` and `I`."""
    found = [(match[1], match.end(1)) for match in pattern.finditer(response.strip())]
    return [
        ascii_uppercase.index(letter.upper())
        for letter, end in found
        if ascii_uppercase.index(letter.upper()) < count and (_MARKED.match(response.strip(), end) or not _word(letter, pattern))
    ]


def _word(letter: str, pattern: re.Pattern[str]) -> bool:
    """Whether a letter before a blank may be the article or the pronoun: `a dog`, `the answer is a dog`; not `the answer is A because`."""
    return letter in "aAI" if pattern is _LEADING else letter in "aI"


def _contained(answer: str, options: Sequence[str]) -> list[int]:
    """Indices of the options that the answer holds as whole words, other than inside a longer option (`cat` in `cat food`)."""
    spans = [[m.span() for m in re.finditer(rf"(?<!\w){re.escape(option)}(?!\w)", answer)] if option else [] for option in options]
    every = [span for of_option in spans for span in of_option]
    return [i for i, of_option in enumerate(spans) if any(not _inside(span, every) for span in of_option)]


def _inside(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end and (start, end) != span for start, end in others)


def _target(target: str, options: Sequence[str], item: Mapping[str, Any]) -> int:
    """Index of the target among the options, by text or by letter."""
    same = [i for i, option in enumerate(options) if option == target] or [
        i for i, option in enumerate(options) if normalize(option) == normalize(target)
    ]
    letter = ascii_uppercase.find(target.strip().upper()) if len(target.strip()) == 1 else -1
    if not same and not 0 <= letter < (len(options) or len(ascii_uppercase)):
        raise UsageError(f"{item.get('id')}: the target {target!r} is neither an option nor its letter; options: {', '.join(options)}")
    return same[0] if same else letter
