"""How many words a transcript gets wrong: what was said and what was written down, normalised by the same rules and aligned by jiwer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

# a spoken "(A)" or "[x]" is text, which Whisper's rules would drop as a remark; a curly apostrophe they take for a gap between words
_PLAIN = str.maketrans({**dict.fromkeys("()[]<>", " "), "\N{RIGHT SINGLE QUOTATION MARK}": "'"})


class WordErrors(NamedTuple):
    """errors: words substituted, left out and put in. words: of the reference, after normalisation."""

    errors: int
    words: int


def word_errors(reference: str, transcript: str) -> WordErrors | None:
    """The errors of a transcript against the words that were said; None where no word was. An empty transcript leaves out every word."""
    import jiwer

    said, heard = normalized(reference), normalized(transcript)
    if not said:
        return None
    found = jiwer.process_words(said, heard)
    return WordErrors(found.substitutions + found.deletions + found.insertions, len(said.split()))


def normalized(text: str) -> str:
    """Words in lower case, one blank apart, by Whisper's English rules (Radford et al. 2022, appendix C) as transformers ships them.

    Punctuation, diacritics and fillers such as "uh" are dropped; numbers are written in digits, so that "twenty-one" is 21; contractions
    are written out. Its list of British spellings is left out (colour and color are two words), and brackets stay text.
    """
    return " ".join(_rules()(text.translate(_PLAIN)).split())


@cache
def _rules() -> Callable[[str], str]:
    from transformers.models.whisper import english_normalizer

    untyped: Any = english_normalizer
    rules: Callable[[str], str] = untyped.EnglishTextNormalizer({})
    return rules
