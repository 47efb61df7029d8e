"""The scorer `voicebench_ifeval`: which instructions about the form of an answer it follows, as VoiceBench and IFEval check them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import scorer
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.ifeval_checkers import checker
from lsgap_bench.scorers.normalize import unread
from lsgap_bench.scorers.voicebench_text import without_mark, without_turn

_LONG_BLANK = re.compile(r"(\s{200})\s+")


def final(details: Iterable[Mapping[str, Any]]) -> float:
    """VoiceBench's corpus score of the details of many rows, 0..1: the unweighted mean of four rates. NaN for no rows.

    The rates of `strict` and `loose` prompts are over rows, those of instructions over all instructions of all rows together.
    """
    rates = corpus_rates(details).values()
    return sum(rates) / len(rates) if rates else float("nan")


def corpus_rates(details: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """`strict-prompt`, `strict-instruction`, `loose-prompt`, `loose-instruction` of the details of many rows, 0..1; empty for no rows."""
    rows = list(details)
    rates: dict[str, float] = {}
    for way in ("strict", "loose") if rows else ():
        followed = [one for row in rows for one in row[way]["instruction"]]
        rates[f"{way}-prompt"] = sum(row[way]["prompt"] for row in rows) / len(rows)
        rates[f"{way}-instruction"] = sum(followed) / len(followed)
    return rates


@scorer("voicebench_ifeval", corpus=final)
def voicebench_ifeval(response: str, item: Mapping[str, Any]) -> Verdict:
    """Share of instructions followed, strictly and loosely, by lm-eval's checkers. Graded: `correct` is None.

    The item has `instruction_id_list` and `kwargs`, one mapping per instruction. details: `strict` and `loose`, each with `prompt` (all are
    followed) and `instruction` (one truth value each); the prediction is the strict ones. Loosely, an instruction is followed if the answer
    follows it without its first line, its last, or both, or without asterisks. The score is the mean of the row's four rates; the mean of
    such scores weights instructions by row, whereas VoiceBench's corpus score pools them: that is `final`. An empty answer follows
    nothing and counts as not extracted. UsageError, before anything is run, for an instruction whose checker lacks its data.
    """
    checkers = _checkers(item)
    text = _LONG_BLANK.sub(r"\1", without_turn(without_mark(response)))  # checkers take quadratic time on blanks
    strict = [_follows([text], one) for one in checkers]
    loose = [_follows(_variants(text), one) for one in checkers]
    details = {name: {"prompt": all(of), "instruction": of} for name, of in (("strict", strict), ("loose", loose))}
    if not text.strip():
        return Verdict(None, unread(item.get("chance")), None, extracted=False, details=details)
    return Verdict(strict, final([details]), None, extracted=True, details=details)


def _checkers(item: Mapping[str, Any]) -> list[Any]:
    """One checker per instruction. UsageError where the two columns do not fit each other."""
    where = str(item.get("id"))
    names, given = item.get("instruction_id_list"), item.get("kwargs")
    if not names or given is None or len(names) != len(given):
        raise UsageError(f"{where}: instruction_id_list {names!r} and kwargs {given!r} must be columns with an entry per instruction each")
    prompt = str(item.get("prompt") or item.get("text") or "")
    return [checker(name, of_name or {}, prompt, where) for name, of_name in zip(names, given, strict=True)]


def _follows(texts: Sequence[str], one: Any) -> bool:
    return any(text.strip() and one.check_following(text) for text in texts)


def _variants(text: str) -> list[str]:
    """The text, without its first line, its last, and both; and the four without asterisks."""
    lines = text.split("\n")
    cut = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*cut, *(one.replace("*", "") for one in cut)]
