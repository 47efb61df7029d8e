"""The scorer `robust_bbh`: yes or no, (A) or (B), as an attentive reader would say, in four tasks of BIG-Bench Hard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.bbh_kinds import gold_of, kind_of
from lsgap_bench.scorers.plain_text import plain
from lsgap_bench.scorers.robust_choice import listed_options, read_choice
from lsgap_bench.scorers.voicebench_text import judged
from lsgap_bench.scorers.yes_no import Predicate, predicate, read_yes_no

_SETS: Mapping[str, str] = {
    "start": (
        "starting point|starting position|starting place|starting location|starting spot|start|origin|beginning|original position|"
        "original point|original place|original starting point|initial position|initial point|exact starting point|same place|same spot|"
        "same point|where you started|where you began|where you begin|where you start|where we started|where we began|where i started|"
        "where i began|where it started|where it began"
    ),
    "at": "at the|to the|at your|to your|at our|to our|to my|at my|the|at|to|your|facing the",
}
_PREDICATES: Mapping[str, Predicate] = {
    "sports_understanding": predicate(
        yes=(
            "<plausible|possible|realistic|believable|reasonable|likely|feasible|credible|accurate|sensible|valid|legitimate|correct|true>",
            "<makes|make> <sense|perfect sense|complete sense|total sense>",
            "<could|can|might|would|can't|couldn't|wouldn't|cannot|not|never> happen",
        ),
        no=(
            "<implausible|impossible|unrealistic|unbelievable|unreasonable|unlikely|improbable|nonsensical|inaccurate|invalid|incorrect|false>",
            "nonsense",
            "<hard|difficult> to <believe|imagine>",
        ),
        sets=_SETS,
    ),
    "navigate": predicate(
        yes=(
            "<return|returns|returned|returning|back|end|ends|ended|arrive|arrives|come|comes|came|bring|brings|lead|leads> ... {start}",
            "<are|is|am|be|you're|we're|i'm|it's|that's> ... {at} {start}",
            "<back|come back|are back|be back|end up back>$",
            "<displacement|sum|total|distance> ... <zero|0>$",
            "where <you|we|i> <started|began>$",
        ),
        no=(
            "<steps|step|units|feet|meters|metres|far|blocks> <away|from|off|short>",
            "<steps|step|units|feet|meters|metres|blocks> ... of <the|your|our|my> {start}",
            "<far away|somewhere else|elsewhere|a different place|a different point|a different position>",
        ),
        sets=_SETS,
    ),
    "web_of_lies": predicate(
        yes=(
            "<tell|tells|telling|told|speaks|speaking|says> the truth",
            "<truthful|honest|truth-teller|truth teller|a truthteller>",
            "answer is the truth",
            "statement <is|must be|must also be|cannot be|can't be> <true|correct>",
        ),
        no=("<lie|lies|lied|lying|liar|untruthful|dishonest>", "statement is <false|incorrect|not true|untrue>"),
        sets=_SETS,
    ),
}
_ASKED = re.compile(r"\bdoes\s+([a-z]+)\s+tell\s+the\s+truth", re.I)
_ELLIPSIS = re.compile(r"\b(?:do|does|did|is|are|was|will|would|can|could|has|have)(?:n't| not)\s*[.!]?\s*$", re.I)


@scorer("robust_bbh")
def robust_bbh(response: str, item: Mapping[str, Any]) -> Verdict:
    """What an answer settles on: yes (1) or no (0), sentence (A) (0) or (B) (1). The last statement wins, and negation is understood.

    In hyperbaton it is read as by `robust_mcq`. Else the last yes or no counts, or, where there is none, what is said of the matter: that
    the sentence is plausible, that one is back at the start, that the person asked about tells the truth. Questions, conditions and
    reported speech are no statements. What says neither is not extracted, and scores the item's chance (1/2 where it has none).
    """
    kind = kind_of(item)
    gold = gold_of(item, kind)
    if kind == "hyperbaton":
        return judged(read_choice(response, listed_options(item)[:2], 2), gold, item, guess=1 / 2)
    text = plain(response)
    said = read_yes_no(text, _PREDICATES[kind], _person(item) if kind == "web_of_lies" else None)
    return judged(0 if said is None and _ELLIPSIS.search(text) else said, gold, item, guess=1 / 2)


def _person(item: Mapping[str, Any]) -> str | None:
    """The name that a question of web_of_lies asks about, None where the item does not show it."""
    found = [name for key in ("text", "prompt", "question") for name in _ASKED.findall(str(item.get(key) or ""))]
    return found[-1] if found else None
