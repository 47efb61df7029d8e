"""The scorer `number`: the last number of an answer equals the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.normalize import unread
from lsgap_bench.scorers.numbers import last_number, same_number


@scorer("number")
def number(response: str, item: Mapping[str, Any]) -> Verdict:
    """The last number stated, in digits or English words, or the one behind `####`; so is the target's (as in GSM8K).

    1,234.5 and 3/4 and "two and a half" and "three million" are numbers, compared exactly; 50 % is both 50 and 0.5 unless both are percent.
    An answer without a number is not extracted and scores the item's chance, 0 where it has none. UsageError for a target without one.
    """
    wanted = last_number(str(item["target"]))
    if wanted is None:
        raise UsageError(f"{item.get('id')}: the target {str(item['target'])[:60]!r} holds no number; correct doc_to_target or the scorer")
    said = last_number(response)
    if said is None:
        return Verdict(None, unread(item.get("chance")), False, extracted=False)
    right = same_number(said, wanted)
    value = said.value
    return Verdict(int(value) if value.denominator == 1 else float(value), float(right), right, extracted=True)
