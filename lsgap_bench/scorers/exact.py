"""The scorer `exact`: the whole answer equals the target after normalization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.choices import options_of
from lsgap_bench.scorers.normalize import normalize


@scorer("exact")
def exact(response: str, item: Mapping[str, Any]) -> Verdict:
    """Normalised exact match. An answer with no word in it counts as not extracted and wrong: an open answer cannot be guessed."""
    if response in options_of(item):  # an option is what it is: "C" and "C++" must not become equal
        return Verdict(response, float(response == str(item["target"])), response == str(item["target"]), extracted=True)
    answer = normalize(response)
    correct = bool(answer) and answer == normalize(str(item["target"]))
    return Verdict(answer or None, float(correct), correct, extracted=bool(answer))
