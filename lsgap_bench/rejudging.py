"""Stored answers under another scoring rule: samples of a run in, samples with new verdicts out; no model is run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from lsgap_bench.judging import Unread, counted, paired
from lsgap_bench.records import Rows
from lsgap_bench.run_rows import VERDICT_ONLY, column_of, judged_fields, measures_of, other_fields
from lsgap_bench.schema import SIDES, Item, Observation, Pair, Verdict

Samples = list[dict[str, Any]]
Of = TypeVar("Of")


def stored_pairs(rows: Rows, items: Mapping[str, Item]) -> list[Pair]:
    """The pairs that a run's samples and curves were made of, as far as they are kept: no option's number of tokens, no sound."""
    curves: dict[str, dict[str, Any]] = {}
    for row in rows.curves:
        curves.setdefault(row["item"], {})[row["metric"]] = {side: tuple(row[side]) for side in SIDES}
    by_item: dict[str, Samples] = {}
    for row in rows.samples:
        by_item.setdefault(row["item"], []).append(row)
    return [_pair(items[name], of_item, curves.get(name, {})) for name, of_item in by_item.items()]


def exchanged(others: Mapping[str, Of], rule: str | None, before: str | None, own: Of) -> dict[str, Of]:
    """The further scorers beside `rule`: where it was one of them, the rule that it takes the place of stands in its own.

    before: that rule, None where it cannot be a further one. own: what there is of it.
    """
    given_up = {} if before is None else {before: own}
    moved = [given_up if name == rule else {name: of} for name, of in others.items()]
    return {name: of for one in moved for name, of in one.items()}


def rejudged(pair: Pair, rule: str | None, unread: Unread = "chance", before: str | None = None) -> Pair:
    """The pair with every answer judged by the scorer called `rule`; an answer that is absent stays absent.

    rule: None leaves what was read, so that only what counts of an unread answer is set anew. before: see `exchanged`.
    """
    recounted = {other: _counted(pair, verdicts, unread) for other, verdicts in pair.others.items()}
    own = _counted(pair, pair.verdicts, unread)
    if rule is None:
        return replace(pair, verdicts=own, others=recounted)
    return replace(paired(pair.item, pair.observations, rule, unread), others=exchanged(recounted, rule, before, own))


def rejudged_rows(samples: Sequence[Mapping[str, Any]], pairs: Mapping[str, Pair], names: Sequence[str] | None = None) -> Samples:
    """The samples with the verdicts of some items' pairs, and with the answer metrics read off them; the other items' as they are.

    pairs: item id -> pair. names: of the answer metrics; None: those that each sample has.
    """
    return [_row(row, pairs[row["item"]], names) if row["item"] in pairs else dict(row) for row in samples]


def _pair(item: Item, rows: Samples, curves: Mapping[str, Any]) -> Pair:
    seen = {name: _observation(row, curves if name == "speech" else {}) for row in rows if (name := column_of(row))}
    others: dict[str, dict[str, Verdict]] = {}
    for row in rows:
        for rule, of in row.get("other_scorers", {}).items():
            others.setdefault(rule, {})[column_of(row)] = _verdict(of)
    unjudged = {column_of(row): row["unjudged"] for row in rows if row["extracted"] is None and "unjudged" in row}
    verdicts = {column_of(row): _verdict(row) for row in rows if row["extracted"] is not None}
    return Pair(item, seen, verdicts, unjudged, others)


def _observation(row: Mapping[str, Any], curves: Mapping[str, Any]) -> Observation:
    return Observation(
        item=row["item"],
        condition=column_of(row),
        answer=row["answer"] or "",
        prompt=row["prompt"],
        content_tokens=row["content_tokens"],
        logits_sha256=row["logits_sha256"] or "",
        pcm_sha256=row.get("pcm_sha256"),
        option_logprobs=tuple((row["option_logprobs"] or {}).values()),
        curves=curves,
        replaced=row["replaced"],
        partners=row.get("partners") or {},
        absent=row.get("why"),
        transcript=row.get("transcript"),
        usage=row.get("usage") or {},
    )


def _counted(pair: Pair, verdicts: Mapping[str, Verdict], unread: Unread) -> dict[str, Verdict]:
    return {name: counted(verdict, pair.item.chance, unread) for name, verdict in verdicts.items()}


def _verdict(row: Mapping[str, Any]) -> Verdict:
    score = math.nan if row["score"] is None else row["score"]
    return Verdict(row["prediction"], score, row["correct"], row["extracted"], row.get("details") or {})


def _row(row: Mapping[str, Any], pair: Pair, names: Sequence[str] | None) -> dict[str, Any]:
    condition = column_of(row)
    if condition not in pair.verdicts and condition not in pair.unjudged:
        return dict(row)
    kept = tuple(row.get("measures") or ()) if names is None else names
    measures = {"measures": measures_of(pair, condition, kept)} if kept or names is not None else {}
    others = {key: value for key, value in row.items() if key not in VERDICT_ONLY}
    judged = judged_fields(pair.verdicts.get(condition), None, pair.unjudged.get(condition))
    return {**others, **measures, **judged, **other_fields(pair, condition)}
