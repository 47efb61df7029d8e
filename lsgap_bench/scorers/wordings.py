"""Tables of wordings, written as phrases with sets of words in braces, and looked for as whole words in a plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lsgap_bench.scorers.ladder import written_out

_SET = re.compile(r"\{(\w+)\}")
_GAP = r",?\s+(?:[^.!?\n]{0,60}?\s)?"
_LETTER = r"(?![a-z0-9])"


def wordings(phrases: Iterable[str], words: Mapping[str, str]) -> re.Pattern[str]:
    """One pattern for all the phrases, in any case, to be searched for in one sentence.

    `<a|b>` stands for a or b; `{name}` for one of the words `a|b` that `words` has under this name, which may hold `{name}` themselves;
    a blank for a blank with or without a comma before it; ` ... ` for a blank, or for up to sixty characters between two; `^` at the
    beginning and `$` at the end for those of the sentence. Latin letters must not touch a phrase at either end.
    """
    rows = [plain for phrase in phrases for plain in written_out(phrase)]
    opening = [_one(row[1:], words) for row in rows if row.startswith("^")]
    anywhere = [_one(row, words) for row in rows if not row.startswith("^")]
    placed = ((r"^\W*", opening), (r"(?<![a-z0-9])", anywhere))
    return re.compile("|".join(f"{before}(?:{'|'.join(bodies)})" for before, bodies in placed if bodies), re.I)


def one_of(words: str) -> str:
    """A pattern for one of the words or phrases between commas, the longest that fits."""
    phrases = sorted((word.strip() for word in words.split(",")), key=len, reverse=True)
    return "(?:" + "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in phrases) + ")"


def _one(phrase: str, words: Mapping[str, str]) -> str:
    latin = phrase.rstrip("$ ")[-1:].isascii()
    return _body(phrase.removesuffix("$"), words) + (r"\W*$" if phrase.endswith("$") else _LETTER if latin else "")


def _body(phrase: str, words: Mapping[str, str]) -> str:
    parts = _SET.split(phrase)
    return "".join(_plain(part) if k % 2 == 0 else _any(words[part], words) for k, part in enumerate(parts))


def _any(alternatives: str, words: Mapping[str, str]) -> str:
    return f"(?:{'|'.join(_body(word, words) for word in alternatives.split('|'))})"


def _plain(text: str) -> str:
    return _GAP.join(re.sub(r"(?:\\ )+", r",?\\s+", re.escape(part)) for part in text.split(" ... "))
