"""Which words a tokenizer loses: those that become its unknown token."""

from __future__ import annotations

import re
from typing import Any


def unknown_words(tokenizer: Any, text: str) -> list[str]:
    """The words of a text, between blanks, that hold an unknown token; in order, each as often as it stands there.

    Empty for a tokenizer without an unknown token, and for one that spells what it does not know in bytes.
    """
    if tokenizer.unk_token_id is None or tokenizer.unk_token_id not in tokenizer(text, add_special_tokens=False)["input_ids"]:
        return []  # all is said, and some tokenizers that spell in bytes cannot give offsets
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    places = [span for token, span in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True) if token == tokenizer.unk_token_id]
    return [word[0] for word in re.finditer(r"\S+", text) if any(start < word.end() and end > word.start() for start, end in places)]
