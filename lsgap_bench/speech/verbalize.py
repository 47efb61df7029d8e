"""From what is written to what a voice is given: numbers, units, signs and formulas in English words; prose stays as it is.

Voices read digits and signs each in its own way, or pass over them; written out, every voice says the same, and a transcript can be held
against it. One rule after another, each a pattern and what is said instead; the same text always gives the same words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from lsgap_bench.speech import spoken_numbers as numbers
from lsgap_bench.speech.formulas import SIGNS, Unsayable, called, formula

_NUM = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_START, _END = r"(?<![\w.,/^])", r"(?![\w/^]|[.,]\d)"
_YEAR = r"(?:1[1-9]|20)\d\d"
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_UNITS = {
    "mm": "millimeter", "cm": "centimeter", "m": "meter", "km": "kilometer", "ft": "foot", "mi": "mile", "mg": "milligram", "g": "gram",
    "kg": "kilogram", "lb": "pound", "lbs": "pound", "oz": "ounce", "mL": "milliliter", "ml": "milliliter", "L": "liter",
    "ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "hr": "hour", "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz",
    "GHz": "gigahertz", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "V": "volt", "kV": "kilovolt", "mA": "milliampere",
    "J": "joule", "kJ": "kilojoule", "N": "newton", "Pa": "pascal", "kPa": "kilopascal", "K": "kelvin", "mol": "mole",
    "eV": "electron volt", "kcal": "kilocalorie", "cal": "calorie",
    "nm": "nanometer", "μm": "micrometer", "µm": "micrometer", "dB": "decibel",
    "mph": "mile per hour", "kWh": "kilowatt hour", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte",
    "°C": "degree Celsius", "°F": "degree Fahrenheit",
}  # fmt: skip
_SCALES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "bn": "billion", "B": "billion", "tn": "trillion"}
_SAME = {"hertz", "kilohertz", "megahertz", "gigahertz", "kelvin"}  # one and many alike
_LENGTHS = {"mm", "cm", "m", "km", "ft", "mi", "nm"}
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ"
_FRACTIONS = "½⅓⅔¼¾⅛⅜⅝⅞"
_ENDS = ".?!:;,"
_BEFORE, _AFTER = "([\"'\u201c\u2018-", ".?!:;,)]\"'\u201d\u2019-"


def verbalize(text: str) -> str:
    """The text as a voice should be given it, on one line. Unsayable for what there are no words for."""
    for pattern, say in _RULES:
        text = pattern.sub(say, text)
    return re.sub(r"\s+", " ", text).strip()


def _lines(text: re.Match[str]) -> str:
    """The end of a line is a pause, as after a sentence."""
    before = text.string[: text.start()].rstrip()
    return " " if not before or before[-1] in _ENDS else ". "


def _set(found: re.Match[str], said: str) -> str:
    """Words in the place of signs, with a blank on each side where there is neither one nor punctuation."""
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    left = "" if not before or before.isspace() or before in _BEFORE else " "
    return left + said + ("" if not after or after.isspace() or after in _AFTER else " ")


def _formula(found: re.Match[str]) -> str:
    return _set(found, formula(next(filter(None, found.groups()))))


def _quantity(found: re.Match[str]) -> str:
    number, unit, per, power = found["number"], found["unit"], found["per"], found["power"]
    raised = {None: "", "^2": "square", "²": "square", "^3": "cubic", "³": "cubic"}[power]
    last = per or unit
    one, other = _UNITS[unit], _UNITS[per] if per else ""
    many = one if number == "1" else _many(one)
    if raised and last in _LENGTHS:
        many, other = (many, f"{raised} {other}") if per else (f"{raised} {many}", "")
    elif raised:
        after = {"square": "squared", "cubic": "cubed"}[raised]
        many, other = (many, f"{other} {after}") if per else (f"{many} {after}", "")
    return f"{numbers.cardinal(number)} {many}" + (f" per {other}" if per else "")


def _many(unit: str) -> str:
    return unit if unit in _SAME else unit.replace("foot", "feet") if "foot" in unit else _plural(unit)


def _plural(unit: str) -> str:
    first, blank, rest = unit.partition(" ")
    if first in ("degree", "mile"):
        return f"{first}s{blank}{rest}"
    return f"{unit}s"


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), found[2]
    half = f" {found[3][0].upper()} M" if found[3] else ""
    if minute == "00":
        return numbers.cardinal(str(hour)) + (half or " o'clock")
    said = f"oh {numbers.cardinal(minute[1])}" if minute[0] == "0" else numbers.cardinal(minute)
    return f"{numbers.cardinal(str(hour))} {said}{half}"


def _span(found: re.Match[str]) -> str:
    low, high = found[1], found[2]
    return f"{low} to {high}" if float(low.replace(",", "")) < float(high.replace(",", "")) else found[0]


def _span_of_years(found: re.Match[str]) -> str:
    return f"{numbers.year(found[1])} to {numbers.year(found[2])}"


def _parts(sign: str) -> list[str]:
    """`½` -> 1, 2."""
    return unicodedata.normalize("NFKC", sign).split("\N{FRACTION SLASH}")


def _raised(found: re.Match[str]) -> str:
    return "^" + unicodedata.normalize("NFKC", found[0]).replace("\N{MINUS SIGN}", "-")


def _power(found: re.Match[str]) -> str:
    exponent = found[2].strip("{}")
    return found[1] + {"2": " squared", "3": " cubed"}.get(exponent, f" to the power of {exponent} ")


def _sign(found: re.Match[str]) -> str:
    return _set(found, called(found[0]))


def _refuse(found: re.Match[str]) -> str:
    raise Unsayable(f"{found[0]!r}")


def _word(name: str) -> Callable[[re.Match[str]], str]:
    return lambda found: _set(found, name)


_IN_PROSE = "".join(sign for sign in SIGNS if not sign.isascii() and sign != "…")
_RULES: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern), say)
    for pattern, say in (
        (r"\$\$(.+?)\$\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", _formula),
        (r"\$(?=\S)((?:[^$\n]*[\\^_{}=<>+(][^$\n]*)|[A-Za-z]|-?\d[\d.,]*)(?<=\S)\$(?!\d)", _formula),
        (r"[ \t]*\n\s*", _lines),
        (r"(?<!\w)_+(?!\w)|_{2,}", _word("blank")),
        (rf"([{re.escape(numbers.CURRENCY_SIGNS)}])[-\N{{MINUS SIGN}}](?={_NUM})", lambda found: f"-{found[1]}"),
        (rf"(?<![\w)\].^{{}}])[-\N{{MINUS SIGN}}]\s?(?=[{re.escape(numbers.CURRENCY_SIGNS)}]?{_NUM})", _word("minus")),
        (
            rf"([{re.escape(numbers.CURRENCY_SIGNS)}])({_NUM})\s?[-\N{{EN DASH}}]\s?\1?(?={_NUM}(?![\w-]|[.,]\d))",
            lambda found: f"{numbers.cardinal(found[2])} to {found[1]}",
        ),
        (
            rf"(?:\bUS)?([{re.escape(numbers.CURRENCY_SIGNS)}])({_NUM})(?![\w]|[.,]\d)(?:\s+(thousand|million|billion|trillion)\b)?",
            lambda found: numbers.money(found[1], found[2], found[3] or ""),
        ),
        (
            rf"([{re.escape(numbers.CURRENCY_SIGNS)}])({_NUM})\s?({'|'.join(_SCALES)})\b",
            lambda found: numbers.money(found[1], found[2], _SCALES[found[3]]),
        ),
        (r"(?<![\w-])\d{3}-\d{4}(?![\w-])", lambda found: ", ".join(map(numbers.digits, found[0].split("-")))),
        (r"(?<![\w.,/])(\d)'\s?(\d{1,2})\"", lambda found: f"{numbers.cardinal(found[1])} foot {numbers.cardinal(found[2])}"),
        (
            rf"(?<![\w.,-])({_NUM})\s?[-\N{{EN DASH}}]\s?(?={_NUM}\s?(?:%|(?:{_UNIT})(?!\w)))",
            lambda found: f"{numbers.cardinal(found[1])} to ",
        ),
        (rf"{_START}({_NUM})\s?%", lambda found: f"{numbers.cardinal(found[1])} percent"),
        (rf"(?<=[{_FRACTIONS}])\s?%", lambda found: " percent"),
        (
            rf"{_START}(?P<number>{_NUM})(?:\s|-)?(?P<unit>{_UNIT})(?:/(?P<per>{_UNIT}))?(?P<power>\^[23]|[²³])?(?![\w/^²³])",
            lambda found: found[0] if re.fullmatch(r"\d+s", found[0]) else _quantity(found),
        ),
        (rf"(?<![\w/])({_UNIT})/({_UNIT})(?![\w/^²³])", lambda found: f"{_many(_UNITS[found[1]])} per {_UNITS[found[2]]}"),
        (r"(?<![\w:])(1?\d|2[0-3]):([0-5]\d)(?![\w:])(?:\s?([AaPp])\.?[Mm]\b\.?)?", _clock),
        (r"(?<![\w:.])(\d+):(\d+)(?![\w:]|\.\d)", lambda found: f"{found[1]} to {found[2]}"),
        (
            r"\b(World War|Chapter|Part|Act|Scene|Book|Volume|Type|Phase|Stage|Class|Grade|Article|Title) ([IVX]{2,}|V|X|(?<=War )I)\b",
            lambda found: f"{found[1]} {numbers.roman(found[2])}",
        ),
        (r"(?<![\w.,])(\d{1,3}(?:,\d{3})*|\d+)(?:st|nd|rd|th)\b", lambda found: numbers.ordinal(found[1])),
        (r"(?<![\w'])((?:1[1-9]|20)\d0|\d0)s\b", lambda found: numbers.decade(found[1])),
        (r"['\N{RIGHT SINGLE QUOTATION MARK}](\d0)s\b", lambda found: numbers.decade(found[1])),
        (rf"(?<![\w.-])({_YEAR})\s?[-\N{{EN DASH}}]\s?({_YEAR})(?![\w.-]\d)", _span_of_years),
        (
            rf"\b((?:[Ff]rom|[Bb]etween)\s+)({_YEAR})(\s+(?:to|and|until)\s+)({_YEAR})(?!\w|[.,]\d)",
            lambda found: f"{found[1]}{numbers.year(found[2])}{found[3]}{numbers.year(found[4])}",
        ),
        (
            rf"(\b(?:[Ii]n|[Ss]ince|[Bb]y|[Uu]ntil|[Dd]uring|[Yy]ear|[Ee]arly|[Ll]ate|{_MONTH}(?:\s+\d{{1,2}},)?)\s+)({_YEAR})(?!\w|[.,]\d)",
            lambda found: f"{found[1]}{numbers.year(found[2])}",
        ),
        (rf"(\b{_MONTH}\s+)(\d{{1,2}})(?=,|\s|$)", lambda found: f"{found[1]}{numbers.ordinal(found[2])}"),
        (rf"\(({_YEAR})\)", lambda found: f"({numbers.year(found[1])})"),
        (rf"(?<=\d)\s?[{_FRACTIONS}]", lambda found: f" {'/'.join(_parts(found[0].strip()))}"),
        (
            rf"{_START}(\d+)\s+(\d+)/(\d+)(?![\w/])",
            lambda found: f"{numbers.cardinal(found[1])} and {numbers.fraction(found[2], found[3])}",
        ),
        (r"(?<![\w/.])(\d+)/(\d+)(?![\w/])", lambda found: numbers.fraction(found[1], found[2])),
        (rf"(?<=[\w)\]])[{_RAISED}]+", _raised),
        (r"([\w)\]])\^(\{[^{}]*\}|[-+]?[\d.]+|[A-Za-z])", _power),
        (r"(?<=\d)\*(?=\d)|(?<=\w)\s\*\s(?=\w)|(?<=\d)\sx\s(?=\d)", lambda found: " times "),
        (rf"(?<=\d)[-\N{{MINUS SIGN}}](?={_NUM}\s?=)", lambda found: " minus "),
        (rf"(?<![\w.,-])({_NUM})\s?[-\N{{EN DASH}}]\s?({_NUM})(?![\w.,-]\d|-)", _span),
        (r"(?<=[\w)\]])\s+[-\N{MINUS SIGN}]\s+(?=[\d.]|[A-Za-z]\b)", _word("minus")),
        (rf"(?<![\w)\].])[-\N{{MINUS SIGN}}]\s?(?={_NUM})", _word("minus")),  # of a power, which is written out by now
        (rf"(?<![\w.,])({_NUM})\+(?![\w+=])", lambda found: f"{numbers.cardinal(found[1])} plus"),
        (rf"(?<![\w.,])({_NUM})([nxyz])\b", lambda found: f"{numbers.cardinal(found[1])} {found[2]}"),
        (rf"(?<![\w.,])({_NUM})(?!\w|[.,]\d)", lambda found: numbers.cardinal(found[1])),
        (r"(?<=[\w)\]])\s*\+\s*(?=[\w(\[])|(?<=\w)\s+=\s+(?=\S)|(?<=[\w)])=(?=[\w(?-])", lambda found: f" {SIGNS[found[0].strip()]} "),
        (r"(?<=[\w)])\s*[<>]\s*(?=[\w(-])", lambda found: f" {SIGNS[found[0].strip()]} "),
        (r"\s+&\s+|(?<=\b[A-Z])&(?=[A-Z]\b)", _word("and")),
        (r"(?<!\w)#(?=\w)", _word("number")),
        (r"(?<!\w)~(?=\w)", _word("about")),
        (rf"[{re.escape(_IN_PROSE)}]", _sign),
        (r"(?<![\u0370-\u03ff])[\u0370-\u03ff](?![\u0370-\u03ff])", _sign),
        (r"\\[A-Za-z]+|[_^]\{|[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]", _refuse),
        (r"[\u2190-\u2bff\U0001f000-\U0001faff]", _sign),
        (rf"[{_FRACTIONS}]", lambda found: " " + numbers.fraction(*_parts(found[0]))),
    )
]
