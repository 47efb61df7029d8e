"""The scorer `f1`: the words that an answer and the target have in common, as SQuAD counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.normalize import normalize
from lsgap_bench.scorers.targets import targets_of


@scorer("f1")
def f1(response: str, item: Mapping[str, Any]) -> Verdict:
    """Token F1, the harmonic mean of precision and recall over normalized words; the best over several targets. Graded: `correct` is None.

    An answer without a word is not extracted and scores 0. Source: Rajpurkar et al. 2016, section 6.1; see `targets_of` for the targets.
    """
    answer = normalize(response)
    score = max(token_f1(answer.split(), normalize(target).split()) for target in targets_of(item))
    return Verdict(answer or None, score, None, extracted=bool(answer))


def token_f1(said: list[str], right: list[str]) -> float:
    """2 * common / (words said + words of the target), each word counted as often as it is in both; 0 where nothing is common."""
    common = (Counter(said) & Counter(right)).total()
    return 2 * common / (len(said) + len(right)) if common else 0.0
