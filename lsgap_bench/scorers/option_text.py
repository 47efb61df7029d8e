"""The scorer `option_text`: which option an answer names by its text alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.choices import chosen, contained, options_of, whole


@scorer("option_text")
def option_text(response: str, item: Mapping[str, Any]) -> Verdict:
    """The option whose text the answer is, or the one whose text it holds as whole words; letters say nothing.

    Otherwise as `choice`: an answer that names no option, or several, is not extracted and scores the chance of a guess. UsageError for
    an item without options.
    """
    options = options_of(item)
    if not options:
        raise UsageError(f"{item.get('id')}: scorer 'option_text' compares with the options, and there are none; give doc_to_choice")
    said = whole(response, options)
    return chosen(contained(response, options) if said is None else said, item, options)
