"""Numbers as they are written and said: digits with separators, fractions and percent, and English number words."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_UNITS = [*_ONES, *["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}
_VALUES = {word: k for k, word in enumerate(_UNITS)} | {word: 20 + 10 * k for k, word in enumerate(_TENS)} | {"a": 1, "an": 1}


def _any(words: object) -> str:
    return f"(?:{'|'.join(sorted(map(str, words), key=len, reverse=True))})"  # type: ignore[call-overload]


_DIGITS = r"(?:\d{1,3}(?:,\d{3}){1,20}|\d{1,40})(?:\.\d{1,40})?(?!\d)|\.\d{1,40}(?!\d)"
_SMALL = rf"(?:{_any(_TENS)}(?:[-\s]{_any(_ONES[1:])})?|{_any(_UNITS)})"
_HUNDREDS = rf"(?:(?:{_SMALL}|an?)\s+hundred(?:(?:\s+and)?\s+{_SMALL})?|{_SMALL})"
_SCALED = rf"(?:(?:{_HUNDREDS}|an?|{_DIGITS})\s+{_any(_SCALES)})"
_WHOLE = rf"(?:{_SCALED}(?:,?\s+(?:and\s+)?{_SCALED}){{0,4}}(?:,?\s+(?:and\s+)?{_HUNDREDS})?|{_HUNDREDS})"
_PART = rf"(?:(?:an?|one)[\s-]{_any(_PARTS)}|{_SMALL}[\s-](?:halves|{_any(_PARTS)}s)|half)"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w.)])[-\u2212]\s?|\b(?:minus|negative)\s+)?(?:[$\u20ac\u00a3]\s?)?(?:"
    rf"\b(?:(?:(?P<beside>{_WHOLE})\s+and\s+)?(?P<part>{_PART})"
    rf"|(?P<dozens>{_SMALL}|an?|\d{{1,9}})\s+dozen"
    rf"|(?P<whole>{_WHOLE})(?:\s+point(?P<decimals>(?:\s+{_any(_ONES)}){{1,40}}))?)\b"
    rf"|(?<![\w.])(?:(?P<before>\d{{1,20}})\s)?(?P<above>\d{{1,20}})\s?/\s?(?P<below>\d{{1,20}})(?![\w/])"
    rf"|(?<![\w.])(?P<digits>{_DIGITS})(?!(?:st|nd|rd|th)\b))(?P<percent>\s?%|\s+per\s?cent\b)?",
    re.I,
)
_NO_NUMBER = re.compile(
    r"\b(?:the|this|that|which|other|right|wrong|another|each|every|no|only|any|correct|last|first|second|next|same|good|best)\s+one\b(?!\s+(?:hundred|thousand|"
    r"million|billion|half|third|quarter|point))|\bone (?:of|can|could|should|must|might|may|needs?|has)\b",
    re.I,
)
LONGEST = 20_000  # characters of a text that are read, the last ones


class Number(NamedTuple):
    """A number as it was said, and whether percent was said of it: 50 and True for 50 %."""

    value: Fraction
    percent: bool


def last_number(text: str) -> Number | None:
    """The number behind the last `####` (as GSM8K marks answers), else the last number of a text; None if there is none."""
    _, mark, marked = text.rpartition("####")
    found = numbers(marked if mark else text)
    return None if not found else found[0] if mark else found[-1]


def same_number(said: Number, wanted: Number) -> bool:
    """Whether two numbers are equal. Where one of them alone is percent it may be meant as the number or as its hundredth."""
    if said.percent == wanted.percent:
        return said.value == wanted.value
    percent, other = (said, wanted) if said.percent else (wanted, said)
    return other.value in (percent.value, percent.value / 100)


def numbers(text: str) -> list[Number]:
    """Every number of a text, in order: 1,234.5, -3, 3/4, 1 1/2, 20 %, twenty-one, two and a half, three million, three quarters."""
    plain = _NO_NUMBER.sub(" ", _simple(text[-LONGEST:]))
    return [Number(_value(found), found["percent"] is not None) for found in _NUMBER.finditer(plain)]


def _simple(text: str) -> str:
    """Without LaTeX and emphasis, every form of a digit the same, 1/2 for the sign and for a LaTeX fraction."""
    text = re.sub(r"\\[dt]?frac\s?\{(\d{1,20})\}\s?\{(\d{1,20})\}", r" \1/\2 ", text)
    text = re.sub(r"(?<=\d)(?=[\u00bc-\u00be\u2150-\u215e])", " ", text)
    text = unicodedata.normalize("NFKC", text).replace("\u2044", "/").replace("\\%", "%")
    return re.sub(r"\\(?:boxed|text|mathbf|textbf|mathrm)|\\[()\[\]!,; ]|[{}*_`]", "", text)


def _value(found: re.Match[str]) -> Fraction:
    size = _size(found)
    return -size if found["sign"] else size


def _size(found: re.Match[str]) -> Fraction:
    if found["digits"]:
        return _digits(found["digits"])
    if found["above"]:
        parts = Fraction(int(found["above"]), int(found["below"]) or 1)
        return parts + int(found["before"] or 0)
    if found["dozens"]:
        return 12 * _words(found["dozens"])
    if found["part"]:
        return _part(found["part"]) + (_words(found["beside"]) if found["beside"] else 0)
    decimals = "".join(str(_ONES.index(word)) for word in (found["decimals"] or "").lower().split())
    return _words(found["whole"]) + Fraction(f"0.{decimals or 0}")


def _digits(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


def _part(text: str) -> Fraction:
    """`half`, `a third`, `two thirds`."""
    *many, name = re.split(r"[\s-]+", text.lower())
    size = _PARTS.get(name) or _PARTS.get(name.removesuffix("s")) or 2  # halves
    return (_words(" ".join(many)) if many else 1) * Fraction(1, size)


def _words(text: str) -> Fraction:
    """A whole number in words, which may begin with digits: `two thousand and five`, `2.5 million`."""
    total, current = Fraction(0), Fraction(0)
    for word in re.split(r",?\s+|-", text.lower()):
        if word == "hundred":
            current *= 100
        elif word in _SCALES:
            total, current = total + current * _SCALES[word], Fraction(0)
        elif word != "and":
            current += _VALUES[word] if word in _VALUES else _digits(word)
    return total + current
