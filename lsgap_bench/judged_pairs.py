"""The answers of a whole run that wait for a judge: put to it all at once, blind, and given their verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from lsgap_bench.errors import UsageError
from lsgap_bench.judging import VOTES, Unread, asked, judge, known_of, needs_judge
from lsgap_bench.panel import Panel
from lsgap_bench.registry import rubrics
from lsgap_bench.schema import CANARY, Ask, Pair

OF_CHECKS = "answers to silence and to another item's clip are not put to the judge"


class Judged(NamedTuple):
    """entry: what the record says of the judge; empty where none was asked."""

    pairs: Mapping[str, Sequence[Pair]]
    entry: Mapping[str, Any]


def judged_pairs(pairs: Mapping[str, Sequence[Pair]], rules: Mapping[str, str], panel: Panel | None, unread: Unread) -> Judged:
    """The pairs with a verdict on every answer that waits for one, but for those of the checks. pairs, rules: by task.

    Without a panel they keep waiting. UsageError where a vote cannot be had.
    """
    waiting = {task: rule for task, rule in rules.items() if needs_judge(rule) and task in pairs}
    if panel is None or not waiting:
        return Judged(pairs, {})
    facts = {rule: rubrics[rule].facts() for rule in dict.fromkeys(waiting.values())}
    asks = {
        (pair.item.id, condition): asked(rule, pair.observations[condition].answer, known_of(pair.item))
        for task, rule in waiting.items()
        for pair in pairs[task]
        for condition in pair.unjudged
        if condition not in CANARY
    }
    poll = panel.poll(asks.values())
    made = {task: [_judged(pair, rule, asks, poll.votes, unread) for pair in pairs[task]] for task, rule in waiting.items()}
    without = sum(not verdict.extracted for of_task in made.values() for pair in of_task for verdict in pair.verdicts.values())
    entry = {**panel.entry(poll), "tasks": waiting, "rubrics": facts, "answers": len(asks), "without_score": without}
    return Judged({**pairs, **made}, entry)


def check_judge(panel: Panel | None, rules: Mapping[str, str]) -> None:
    """Before anything is run: UsageError for a judge that no task needs, and where what a scorer uses beside it cannot be used.

    rules: task -> scorer.
    """
    if panel is None:
        return
    needed = sorted({rule for rule in rules.values() if needs_judge(rule)})
    if not needed:
        scored = ", ".join(sorted(set(rules.values()))) or "there is none"
        raise UsageError(f"judge {panel.name} is given, but no task's scorer needs one ({scored}); leave it out, or see `lsgap ls scorers`")
    for rule in needed:
        rubrics[rule].facts()


def _judged(pair: Pair, rule: str, asks: Mapping[tuple[str, str], Ask], votes: Mapping[str, Sequence[Any]], unread: Unread) -> Pair:
    known = known_of(pair.item)
    verdicts = {
        condition: judge(rule, pair.observations[condition].answer, {**known, VOTES: tuple(votes[ask.prompt])}, unread)
        for condition in pair.unjudged
        if (ask := asks.get((pair.item.id, condition))) is not None
    }
    return replace(pair, verdicts=verdicts, unjudged={c: OF_CHECKS for c in pair.unjudged if c not in verdicts})
