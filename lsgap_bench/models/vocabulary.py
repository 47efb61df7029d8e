"""Which words a tokenizer loses: those that become its unknown token, or no token at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

_SAID = "LNS"  # letters, numbers and symbols are said aloud; punctuation, marks and blanks are not


def unknown_words(tokenizer: Any, text: str) -> list[str]:
    """The words of a text, between blanks, that the model would not read whole; in order, each as often as it stands there.

    A word is lost that holds an unknown token, or a letter, digit or symbol that the tokenizer drops ("2 + 3" where only letters are
    kept). Empty for a tokenizer without an unknown token, and for one that spells what it does not know in bytes.
    """
    if tokenizer.unk_token_id is None:
        return []
    spells = tokenizer.unk_token_id not in tokenizer(text, add_special_tokens=False)["input_ids"]
    if spells and not tokenizer.is_fast:  # some tokenizers that spell in bytes cannot give offsets
        return []
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    tokens = list(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True))
    lost = {place for token, span in tokens if token == tokenizer.unk_token_id for place in range(*span)} | _dropped(text, tokens)
    return [word[0] for word in re.finditer(r"\S+", text) if not lost.isdisjoint(range(word.start(), word.end()))]


def _dropped(text: str, tokens: Sequence[tuple[int, tuple[int, int]]]) -> set[int]:
    """Where something stands that is said aloud and of which no token is made."""
    kept = {place for _, span in tokens for place in range(*span)}
    return {place for place, sign in enumerate(text) if place not in kept and unicodedata.category(sign)[0] in _SAID}
