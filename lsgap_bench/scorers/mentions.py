"""Where an answer mentions an option: by letter, by the option's text, or by its place in the list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from string import ascii_uppercase
from typing import NamedTuple

from lsgap_bench.scorers.normalize import normalize
from lsgap_bench.scorers.wordings import one_of

_LABELLED = one_of(  # what else has letters
    "vitamin, vitamins, hepatitis, influenza, type, types, plan, grade, class, group, team,"
    "section, part, appendix, figure, fig, fig., table,"
    "key of, grade of, note of, chord, size, cup, protein, factor, schedule, exhibit, room, gate,"
    "platform, phase, stage, side, line, point,"
    "vertex, node, mr, mrs, ms, dr"
)
_NO_LABEL_BEFORE = re.compile(rf"\b{_LABELLED}\s+$|\bn/$", re.I)
_LETTERED = one_of("major, minor, sharp, flat, cell, cells, programming, battery, vitamin, vitamins, average, movie, student")
_NO_LABEL_AFTER = re.compile(rf"\s+{_LETTERED}\b|\.? elegans\b", re.I)
_NO_NOUN = one_of(  # what follows a letter, but no article
    "is, was, isn't, wasn't, because, since, as, for, and, or, but, so, would, which, due, seems,"
    "looks, fits, has, here, must, can, cannot,"
    "can't, does, doesn't, matches, makes, not, appears, sounds, could, should, will, then, wins, instead, it, nor, over, rather, please,"
    "final, thank, thanks, with, i"
)
_AFTER_LABEL = re.compile(rf"\s+{_NO_NOUN}\b|\s*(?:$|[^\w\s'\"])|[\"']|\s*[\u3040-\u9fff\uac00-\ud7af]", re.I | re.M)
_NO_WORD_BEFORE = r"(?<![A-Za-z0-9_\-.+#&@])(?<![A-Za-z0-9]')"
_NO_WORD_AFTER = r"(?![A-Za-z0-9_+#&@]|'(?!s (?:the|correct|right|my|best)\b|\s|$|[.,)])|-[A-Za-z]|\.[A-Za-z])"
_NAMING = re.compile(r"(?:\b(?:option|choice|letter|answer|alternative|sentence|statement)\W{1,3}|[(\[\"']\s*)$", re.I)
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_NUMBERS = ("one", "two", "three", "four", "five")
_PLACES = {
    **{word: index for index, word in enumerate(_ORDINALS)},
    **{word: index for index, word in enumerate(_NUMBERS)},
    **{str(index + 1): index for index in range(9)},
    "last": -1,
}
_BY_PLACE = re.compile(
    rf"\b(?:the\s+)?({'|'.join(_ORDINALS)}|last)\s+(?:one|option|choice|answer|sentence|alternative)\b"
    rf"|\b(?:option|choice|answer)\s+(?:number\s+)?([1-9]|{'|'.join(_NUMBERS)})\b",
    re.I,
)
_OF_TWO = re.compile(r"\bthe\s+(?:(former)|latter)\b", re.I)


class Mention(NamedTuple):
    """[start, end) of a text that names an option, by its index; letter: by its letter."""

    start: int
    end: int
    option: int
    letter: bool


def mentions(text: str, options: Sequence[str], count: int) -> list[Mention]:
    """Every mention of the first `count` options in a plain text, in order. options: their texts, empty where they are not known.

    A letter that belongs to an option's text (vitamin C), an article and a pronoun are no mentions of a letter.
    """
    found = _texts(text, options)
    taken = bytearray(len(text))
    for others in (_places(text, count), _letters(text, count)):
        for mention in found:
            taken[mention.start : mention.end] = b"x" * (mention.end - mention.start)
        found += [mention for mention in others if not taken[mention.start]]
    return sorted(found)


def _letters(text: str, count: int) -> Iterator[Mention]:
    last = ascii_uppercase[count - 1]
    token = re.compile(rf"{_NO_WORD_BEFORE}([A-{last}a-{last.lower()}]){_NO_WORD_AFTER}")
    shouted = text.upper() == text
    for found in token.finditer(text):
        start, end = found.span(1)
        before, after = text[max(0, start - 30) : start], text[end : end + 30]
        if _NO_LABEL_BEFORE.search(before) or _NO_LABEL_AFTER.match(after):
            continue
        if found[1] in "aAiI" and not _AFTER_LABEL.match(after) and _is_word(text, start, found[1], before, shouted):
            continue
        yield Mention(start, end, ascii_uppercase.index(found[1].upper()), True)


def _is_word(text: str, start: int, letter: str, before: str, shouted: bool) -> bool:
    """Whether a letter before another word is the article or the pronoun: in lower case, or at the beginning of a sentence."""
    if _NAMING.search(before):
        return False
    opens = not before.strip() or before.rstrip()[-1] in ".!?\n" or text[start - 1] == "\n"
    return letter in "aiI" or shouted or opens


def _texts(text: str, options: Sequence[str]) -> list[Mention]:
    """Mentions of options' texts, word for word but for punctuation, case and articles; none inside a longer one."""
    found = [
        Mention(match.start(), match.end(), index, False)
        for index, pattern in enumerate(_patterns(tuple(options)))
        if pattern is not None
        for match in pattern.finditer(text)
    ]
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: (m.start, -m.end)):
        if not kept or mention.end > kept[-1].end:
            kept.append(mention)
    return kept


@lru_cache(maxsize=256)
def _patterns(options: tuple[str, ...]) -> list[re.Pattern[str] | None]:
    return [_pattern(option) for option in options]


def _pattern(option: str) -> re.Pattern[str] | None:
    words = normalize(option).split()
    if not words:
        return re.compile(re.escape(option.strip())) if option.strip() else None
    if len(words) == 1 and len(words[0]) == 1 and words[0].isascii() and words[0].isalpha():
        return None  # it looks as an option's letter
    return re.compile(r"(?<!\w)(?:(?:an?|the) )?" + r"[\W_]+(?:(?:an?|the)[\W_]+)?".join(map(re.escape, words)) + r"(?!\w)", re.I)


def _places(text: str, count: int) -> Iterator[Mention]:
    for found in _BY_PLACE.finditer(text):
        index = _PLACES[(found[1] or found[2]).lower()]
        if index < count:
            yield Mention(found.start(), found.end(), index % count, False)
    for found in _OF_TWO.finditer(text) if count == 2 else ():
        yield Mention(found.start(), found.end(), 0 if found[1] else 1, False)
