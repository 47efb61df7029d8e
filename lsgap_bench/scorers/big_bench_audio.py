"""The scorer `big_bench_audio`: valid or invalid, yes or no, or a number, as the question of Big Bench Audio asks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.number import number
from lsgap_bench.scorers.robust_bbh import robust_bbh
from lsgap_bench.scorers.robust_mcq import robust_mcq

_WORDS = ("valid", "invalid")
_NOT_VALID = re.compile(r"(?:\bnot|n['\u2019]t|\bnever)\s+(?:\w+ly\s+)?(?:a\s+)?valid\b", re.I)


@scorer("big_bench_audio")
def big_bench_audio(response: str, item: Mapping[str, Any]) -> Verdict:
    """What an answer settles on, read by the rule that its target calls for. Prediction: a word, or a number.

    valid, invalid (formal_fallacies): the option named last. yes, no (navigate, web_of_lies; told apart by `category`, else by the
    question): as `robust_bbh`. Digits (object_counting): as `number`. What says none is not extracted. UsageError for another target.
    """
    target = str(item["target"]).strip().lower()
    if target in _WORDS:
        verdict: Verdict = robust_mcq(_NOT_VALID.sub(" invalid", response), {**item, "options": list(_WORDS), "target": target})
        return replace(verdict, prediction=_WORDS["AB".index(verdict.prediction)] if verdict.extracted else None)
    if target in ("yes", "no"):
        verdict = robust_bbh(response, {**item, "kind": _kind(item), "target": target})
        return replace(verdict, prediction=("no", "yes")[verdict.prediction] if verdict.extracted else None)
    if target.isdigit():
        counted: Verdict = number(response, item)
        return counted
    raise UsageError(f"{item.get('id')}: the target {item['target']!r} is not valid, invalid, yes, no or a number; correct doc_to_target")


def _kind(item: Mapping[str, Any]) -> str:
    named = str(item.get("category") or "")
    if named in ("navigate", "web_of_lies"):
        return named
    return "web_of_lies" if "the truth" in str(item.get("text") or "").lower() else "navigate"
