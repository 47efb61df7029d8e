"""The scorer `letter`: which option an answer names by its letter alone."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.choices import chosen, letters, options_of


@scorer("letter")
def letter(response: str, item: Mapping[str, Any]) -> Verdict:
    """The option's letter, stated ("the answer is B") or at the beginning of the answer; the option's text says nothing.

    Otherwise as `choice`: an answer that names no letter, or several, is not extracted and scores the chance of a guess.
    """
    options = options_of(item)
    named = letters(response, len(options) or len(ascii_uppercase)) or set()
    return chosen(named.pop() if len(named) == 1 else None, item, options)
