"""Formulas in LaTeX as English reads them aloud, parsed by pylatexenc; what has no reading is refused, not left out."""
# ruff: noqa: RUF001 - the very signs are meant

from __future__ import annotations

import importlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from lsgap_bench.errors import UsageError

SIGNS = {
    "+": "plus", "-": "minus", "\N{MINUS SIGN}": "minus", "=": "equals", "<": "is less than", ">": "is greater than", "*": "times",
    "/": "over", "×": "times", "·": "times", "\N{DOT OPERATOR}": "times", "÷": "divided by", "±": "plus or minus", "≤": "is at most",
    "≥": "is at least", "≠": "is not equal to", "≈": "is about", "≡": "is congruent to", "∼": "is similar to", "∝": "is proportional to",
    "√": "the square root of", "∞": "infinity", "∑": "the sum", "∏": "the product", "∫": "the integral", "∂": "partial", "∇": "nabla",
    "∈": "in", "∉": "not in", "⊂": "is a proper subset of", "⊆": "is a subset of", "∪": "union", "∩": "intersection",
    "∅": "the empty set", "∀": "for all", "∃": "there is", "¬": "not", "∧": "and", "∨": "or", "→": "to", "⇒": "implies",
    "⇔": "if and only if", "↔": "if and only if", "←": "from", "∘": "of", "°": "degrees", "′": "prime", "∥": "parallel to",
    "⊥": "perpendicular to", "∠": "angle", "△": "triangle", "…": "and so on", "⋯": "and so on",
}  # fmt: skip
"""What a sign is called, in a formula and, but for those of ASCII, in prose."""
_ASCII = {
    "(": "open parenthesis", ")": "close parenthesis", "[": "open bracket", "]": "close bracket", "|": "vertical bar", "!": "factorial",
    "'": "prime", "%": "percent",
}  # fmt: skip
_BRACES = {"{": "open brace", "}": "close brace"}
_NAMED = {
    "sin": "sine", "cos": "cosine", "tan": "tangent", "log": "log", "ln": "natural log", "exp": "exp", "lim": "the limit",
    "max": "the maximum", "min": "the minimum", "gcd": "the greatest common divisor", "det": "the determinant",
    "dim": "the dimension", "mod": "modulo", "bmod": "modulo", "ldots": "and so on", "cdots": "and so on", "dots": "and so on",
    "circ": "degrees", "to": "to", "infty": "infinity",
}  # fmt: skip
_SILENT = {"left", "right", ",", ";", ":", "!", " ", "quad", "qquad", "displaystyle", "big", "Big", "bigl", "bigr", "limits", "\\"}
_WRITTEN = {"text", "textrm", "textbf", "textit", "mathrm", "mathbf", "mathit", "operatorname", "mbox", "emph"}  # their argument is read
_POWERS = {"2": "squared", "3": "cubed", "degrees": "degrees", "prime": "prime"}
_PIECE = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+|[^\W\d_]|\S")
_RANGED = {"the sum", "the product", "the integral", "the limit"}  # have bounds, not powers and indices
_OF = re.compile(r"\b([fghP]) open parenthesis (\w) close parenthesis")
UP, DOWN = "^", "_"


class Unsayable(Exception):
    """What no words are known for."""


def formula(latex: str) -> str:
    """The formula in words; its numbers stay digits, and names of one letter stay letters. Unsayable for what has no reading."""
    library = _library("latexwalker")
    try:
        nodes = library.LatexWalker(latex, tolerant_parsing=False).get_latex_nodes()[0]
    except library.LatexWalkerParseError:
        raise Unsayable(f"the formula {latex!r}, which is no LaTeX") from None
    return _read(nodes)


def called(character: str) -> str:
    """The name of a sign or a Greek letter; Unsayable for a character that stands for nothing."""
    if character in SIGNS:
        return SIGNS[character]
    name = unicodedata.name(character, "").lower()
    if not name or character == "\N{REPLACEMENT CHARACTER}" or unicodedata.category(character) in ("Co", "Cn", "Cc"):
        raise Unsayable(f"the character U+{ord(character):04X}")
    if name.startswith("greek"):
        return name.rpartition("letter ")[2].removeprefix("final ").replace("lamda", "lambda")  # as Unicode spells it
    return re.sub(r" (sign|symbol)$", "", name)


def _read(nodes: Sequence[Any]) -> str:
    """The atoms of a row in words, powers and indices after what they stand at."""
    said = list[str]()
    base, mark = "", ""
    for atom in _atoms(nodes):
        if mark:
            said.append(_attached(base, mark, atom))
            mark = ""
        elif atom in (UP, DOWN):
            mark = atom
        else:
            said += ["of", atom] if base in _RANGED else [atom]
            base = atom
    return _OF.sub(r"\1 of \2", " ".join(filter(None, said)))


def _attached(base: str, mark: str, atom: str) -> str:
    """What stands above or below `base`, in words."""
    if base in _RANGED:
        return (
            f"to {atom}" if mark == UP else f"as {atom}" if base == "the limit" else f"from {atom}" if "equals" in atom else f"over {atom}"
        )
    return _POWERS.get(atom) or f"to the power of {atom}" if mark == UP else f"sub {atom}"


def _atoms(nodes: Sequence[Any]) -> Iterator[str]:
    for node in nodes:
        kind = type(node).__name__
        if kind == "LatexCharsNode":
            yield from (piece if piece in (UP, DOWN) else _sign(piece) for piece in _PIECE.findall(node.chars))
        elif kind == "LatexGroupNode":
            yield _read(node.nodelist)
        elif kind == "LatexMacroNode":
            yield from _macro(node)
        elif kind == "LatexSpecialsNode" and node.specials_chars == "~":
            continue
        elif kind != "LatexCommentNode":
            raise Unsayable(f"{node.latex_verbatim()!r} in a formula")


def _sign(piece: str) -> str:
    if piece.isascii():
        return _ASCII.get(piece) or SIGNS.get(piece, piece)
    return piece if piece.isalpha() and not unicodedata.name(piece, "").startswith("GREEK") else called(piece)


def _macro(node: Any) -> Iterator[str]:
    name = node.macroname
    given = [argument for argument in (node.nodeargd.argnlist if node.nodeargd else None) or [] if argument is not None]
    if name in _SILENT:
        return
    if name in ("frac", "dfrac", "tfrac"):
        yield f"{_read(given[:1])} over {_read(given[1:])}"
    elif name == "sqrt":
        root = {"2": "square", "3": "cube"}.get(degree := _read(given[:1]) if len(given) > 1 else "2", f"{degree}th")
        yield f"the {root} root of {_read(given[-1:])}"
    elif name in _WRITTEN and given:
        yield given[0].latex_verbatim().strip("{}").strip()
    elif name in _WRITTEN:
        return  # pylatexenc does not know it: what it is about follows as a group
    elif name in _BRACES:
        yield _BRACES[name]
    elif name in _NAMED:
        yield _NAMED[name]
    else:
        yield _by_character(node)


def _by_character(node: Any) -> str:
    """A macro that stands for one character, by the character's name."""
    character = str(_library("latex2text").LatexNodes2Text(math_mode="text").nodelist_to_text([node])).strip()
    if len(character) != 1:
        raise Unsayable(f"{node.latex_verbatim()!r} in a formula")
    return _sign(character)


def _library(part: str) -> Any:
    try:
        return importlib.import_module(f"pylatexenc.{part}")
    except ImportError:
        raise UsageError("to say formulas needs the package pylatexenc; pip install 'lsgap-bench[speech]'") from None
