"""The scorer `robust_mcq`: the option an answer settles on, as an attentive reader would say."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.choices import nothing_read, target_index
from lsgap_bench.scorers.robust_choice import listed_options, read_choice

_LETTERS = 4


@scorer("robust_mcq")
def robust_mcq(response: str, item: Mapping[str, Any]) -> Verdict:
    """Option letter or option text; the last claim wins, and what is denied, listed, asked or supposed is none. Prediction: "A", "B", ...

    The options are `item["options"]`, or those that the question lists as A. / A: / A) / (A); where neither is there, letters are read,
    A to D or up to the target's. Letters, words for the place ("the second one") and the options' texts count alike. An answer that names
    several options or none is not extracted, and scores the item's chance (else 1 / number of options, else 1/4).
    """
    options = listed_options(item)
    target = target_index(item, options)
    count = len(options) or max(_LETTERS, target + 1)
    index = read_choice(response, options, count)
    if index is None:
        return nothing_read(item, len(options), guess=1 / _LETTERS)
    return Verdict(ascii_uppercase[index], float(index == target), index == target, extracted=True)
