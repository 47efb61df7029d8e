"""The scorer `choice`: which option an answer names, by its letter or by its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.choices import chosen, contained, letters, options_of, whole


@scorer("choice")
def choice(response: str, item: Mapping[str, Any]) -> Verdict:
    """Option letter or option text. `item["options"]` are the options' texts in order; the target is one of them, or its letter.

    Read in this order: an answer that is an option's text; a letter that is stated ("the answer is B") or that the answer begins with; the
    one option whose text the answer contains. An answer that names none, or several, is not extracted: it scores the chance of a guess.
    UsageError for a target that is none of the options.
    """
    options = options_of(item)
    return chosen(_named(response, options), item, options)


def _named(response: str, options: Sequence[str]) -> int | None:
    """Index of the option that the answer names."""
    said = whole(response, options)
    if said is not None:
        return said
    named = letters(response, len(options) or len(ascii_uppercase))
    if named == set():
        return contained(response, options)
    return named.pop() if named is not None and len(named) == 1 else None
