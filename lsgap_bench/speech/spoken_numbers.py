"""Numbers as English says them, on top of num2words: quantities, ordinals, years, decades, fractions, sums of money."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

from lsgap_bench.errors import UsageError

_LONGEST = 36  # digits that have a name; longer ones are read digit by digit
_CURRENCIES = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent"), "¥": ("yen", ""), "₹": ("rupee", "paisa")}
CURRENCY_SIGNS = "".join(_CURRENCIES)
_ROMAN = {"I": 1, "V": 5, "X": 10}
_PLURALS = {"penny": "pence", "yen": "yen", "paisa": "paise"}


def cardinal(number: str) -> str:
    """`1,234` -> one thousand two hundred and thirty-four; `0.50` -> zero point five zero; `007` -> zero zero seven."""
    whole, point, decimals = number.replace(",", "").partition(".")
    said = digits(whole) if len(whole) > _LONGEST or (len(whole) > 1 and whole[0] == "0") else _words(int(whole or 0))
    return f"{said} point {digits(decimals)}" if point else said


def ordinal(number: str) -> str:
    """`21` -> twenty-first."""
    return _words(int(number.replace(",", "")), to="ordinal")


def year(number: str) -> str:
    """`1987` -> nineteen eighty-seven."""
    return _words(int(number), to="year")


def decade(number: str) -> str:
    """`1990` -> nineteen nineties; `90` -> nineties."""
    said = year(number) if len(number) == 4 else _words(int(number))
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def roman(numeral: str) -> str:
    """`IV` -> four."""
    values = [_ROMAN[letter] for letter in numeral]
    return _words(sum(-value if value < max(values[place:]) else value for place, value in enumerate(values)))


def fraction(top: str, bottom: str) -> str:
    """`3`, `4` -> three quarters; `22`, `7` -> twenty-two over seven."""
    above, below = int(top), int(bottom)
    if not 0 < above < below <= 100:
        return f"{cardinal(top)} over {cardinal(bottom)}"
    part = {2: "half", 4: "quarter"}.get(below) or ordinal(bottom)
    return f"{cardinal(top)} {part if above == 1 else 'halves' if below == 2 else f'{part}s'}"


def money(sign: str, amount: str, scale: str = "") -> str:
    """`$`, `3.50` -> three dollars and fifty cents; `$`, `5`, `million` -> five million dollars."""
    unit, small = _CURRENCIES[sign]
    whole, _, cents = amount.replace(",", "").partition(".")
    if scale:
        return f"{cardinal(amount)} {scale} {_plural(unit)}"
    if len(cents) != 2 or not small:
        return f"{cardinal(amount)} {unit if amount == '1' else _plural(unit)}"
    parts = [_counted(int(whole or 0), unit), _counted(int(cents), small)]
    return " and ".join(part for part in parts if part) or f"zero {_plural(unit)}"


def _counted(number: int, unit: str) -> str:
    return f"{_words(number)} {unit if number == 1 else _plural(unit)}" if number else ""


def _plural(unit: str) -> str:
    return _PLURALS.get(unit, f"{unit}s")


def digits(number: str) -> str:
    """`2048` -> two zero four eight."""
    return " ".join(_words(int(digit)) for digit in number)


def _words(number: int, to: str = "cardinal") -> str:
    return str(_library()(number, lang="en", to=to)).replace(",", "")


@cache
def _library() -> Callable[..., Any]:
    try:
        library: Callable[..., Any] = importlib.import_module("num2words").num2words
    except ImportError:
        raise UsageError("to say numbers needs the package num2words; pip install 'lsgap-bench[speech]'") from None
    return library
