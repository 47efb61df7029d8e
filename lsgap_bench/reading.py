"""What the model reads of a text: items with words that its tokenizer does not know are refused or left out, and counted."""

from __future__ import annotations

from collections.abc import Sequence

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import TextLM
from lsgap_bench.schema import Item
from lsgap_bench.sieve import Sieved, sieved

SHOWN = 5  # words that an error names


def with_known_words(items: Sequence[Item], model: TextLM, skip_bad_items: bool) -> Sieved:
    """Look up the words of every text, option and system turn.

    Where the tokenizer turns a word into its unknown token, the written side lacks what the clip says: a gap of the vocabulary and not of
    the modality. Such an item is left out if `skip_bad_items`, else UsageError.
    """
    unknown: dict[str, list[str]] = {}

    def check(item: Item) -> None:
        parts = {"text": (item.text,), "options": item.options, "system turn": (item.system or "",)}
        for text in (text for texts in parts.values() for text in texts):
            if text not in unknown:
                unknown[text] = model.unknown_words(text)
        lost = {part: [word for text in texts for word in unknown[text]] for part, texts in parts.items()}
        for part, words in lost.items():
            if words:
                raise UsageError(_told(item, part, words))

    return sieved(items, check, skip_bad_items)


def _told(item: Item, part: str, words: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(words))
    more = f" and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
    named = ", ".join(f"'{word}'" for word in distinct[:SHOWN])
    return (
        f"{item.id}: the model's tokenizer has no token for {named}{more} in the {part}, which the model would not read; write it in words "
        "the model knows or add --skip_bad_items"
    )
