"""What a record says of its judge, in words; and what of it must be the same where two records are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsgap_bench.usage import cost_in_words


def judge_lines(provenance: Mapping[str, Any]) -> list[str]:
    """Who judged which tasks, and what it took, in one line; none without a judge."""
    entry = provenance.get("judge")
    if not entry:
        return []
    served = ", ".join(entry["served_by"])
    tokens = [entry["all"][name] for name in ("prompt_tokens", "completion_tokens")]
    counted = "tokens not told" if None in tokens else f"{tokens[0]} tokens in, {tokens[1]} out"
    votes, answers, asked = _number(entry["votes"], "vote"), _number(entry["answers"], "answer"), _number(entry["asked"]["votes"], "vote")
    parts = [
        f"Judged by {entry['model']} at {entry['where']}{f' (served by {served})' if served else ''}, {votes} an answer, "
        f"{_by_rule(entry)}: {answers}, {asked} asked for and {entry['kept']} kept from before",
        f"all of them took {counted}, {cost_in_words(entry['all']['cost'])}",
    ]
    return ["; ".join(parts)]


def judge_warnings(entry: Mapping[str, Any]) -> list[str]:
    """What a reader must know of the judge's votes. entry: of the record, empty without a judge."""
    if not entry or not entry["unread"]:
        return []
    total = entry["prompts"] * entry["votes"]
    lost = f"; {entry['without_score']} answers have no score" if entry["without_score"] else ""
    return [f"{entry['unread']} of {total} votes of the judge could not be read, twice each{lost}"]


def ground(provenance: Mapping[str, Any], task: str) -> dict[str, Any] | None:
    """Of a judged task what two runs must share to be compared, by name; None where no judge has judged it."""
    entry = provenance.get("judge") or {}
    rule = entry.get("tasks", {}).get(task)
    if rule is None:
        return None
    facts = entry["rubrics"][rule]
    prompt = {"prompt": f"{facts['version']} ({facts['sha256'][:8]})", **({"scored by": facts["beside"]} if "beside" in facts else {})}
    return {"model": entry["model"], "votes": entry["votes"], **prompt, "sampling": entry["sampling"], "kind": entry["judge"]}


def entry_without(entry: Mapping[str, Any] | None, scorers: Mapping[str, str]) -> dict[str, Any]:
    """The entry of a record whose tasks have these scorers now: without the tasks that have got another one, nothing where none is left."""
    tasks = {task: rule for task, rule in (entry or {}).get("tasks", {}).items() if scorers.get(task, rule) == rule}
    return {**entry, "tasks": tasks} if entry and tasks else {}


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _by_rule(entry: Mapping[str, Any]) -> str:
    said = []
    for rule, facts in entry["rubrics"].items():
        beside = f" by {facts['beside']}" if "beside" in facts else ""
        said.append(f"{rule} prompt {facts['version']}{beside}")
    return ", ".join(said)
