"""The scorer `contains`: the target stands in the answer, word for word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.normalize import normalize
from lsgap_bench.scorers.targets import targets_of

_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # scripts without blanks between words


@scorer("contains")
def contains(response: str, item: Mapping[str, Any]) -> Verdict:
    """Whether the normalized target is in the normalized answer as whole words; of several targets, any (see `targets_of`).

    The prediction is the wording that was found, else the normalized answer. An answer without a word is not extracted and wrong.
    """
    answer = normalize(response)
    found = next((target for target in targets_of(item) if _within(normalize(target), answer)), None)
    return Verdict(found or answer or None, float(found is not None), found is not None, extracted=bool(answer))


def _within(target: str, answer: str) -> bool:
    if not target:
        return False
    before = "" if _UNSPACED.match(target[0]) else r"(?<!\w)"
    after = "" if _UNSPACED.match(target[-1]) else r"(?!\w)"
    return re.search(before + re.escape(target) + after, answer) is not None
