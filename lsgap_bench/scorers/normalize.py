"""Text made comparable before a scorer looks at it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_OF_A_NUMBER = re.compile(r"(?<!\w)-(?=\d)|(?<=\d)\.(?=\d)")


def normalize(text: str) -> str:
    """Lower case, compatibility forms folded, punctuation and English articles dropped, blanks collapsed (as in SQuAD's exact match).

    Marks that belong to letters (as in Hindi) stay, and so do the minus and the point of a number. A text that consists of an article only
    keeps it: `A` is an option letter.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\N{MINUS SIGN}", "-")
    folded = _THOUSANDS.sub("", folded)
    kept = {match.start() for match in _OF_A_NUMBER.finditer(folded)}
    plain = " ".join("".join(c if k in kept or not _separates(c) else " " for k, c in enumerate(folded)).split())
    return " ".join(_ARTICLES.sub(" ", plain).split()) or plain


def unread(item_chance: float | None) -> float:
    """The score of an answer from which nothing could be extracted: its expectation under guessing, never a coin."""
    return 0.0 if item_chance is None else item_chance


@lru_cache(maxsize=4096)
def _separates(character: str) -> bool:
    """Punctuation, symbols and control characters."""
    return unicodedata.category(character)[0] in "PSC"
