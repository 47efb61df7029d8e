"""A finished run judged or averaged in another way, from what lies in its folder: no model is run."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import lsgap_bench
from lsgap_bench.cells import number
from lsgap_bench.checks import other_clip_check
from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.judge_record import entry_without, judge_warnings
from lsgap_bench.judged_pairs import judged_pairs
from lsgap_bench.judging import needs_judge, scorers_sha256, shown_scorers, unread_of
from lsgap_bench.kept_items import items_again
from lsgap_bench.measures import null_warnings
from lsgap_bench.panel import panel_of
from lsgap_bench.plugins import load_plugins
from lsgap_bench.protocols import DEFAULT
from lsgap_bench.records import ITEMS, RESULTS, SAMPLES, TEXT_SAMPLES, Rows, derive, read_lines, tables_of, to_plain
from lsgap_bench.rejudging import exchanged, rejudged, rejudged_rows, stored_pairs
from lsgap_bench.rescoring_request import Request, Scorers, Source, read_source, request_for
from lsgap_bench.run_folder import plots_in, save_run
from lsgap_bench.run_log import run_log
from lsgap_bench.schema import GroupResult, Pair, Record

logger = logging.getLogger(__name__)


class Judged(NamedTuple):
    """The rows under the new rules, and the pairs of all items; no pairs where no answer is judged anew.

    judge: what the record says of the judge, empty where none was asked.
    """

    rows: Rows
    pairs: Sequence[Pair]
    judge: Mapping[str, Any]


@dataclass(frozen=True)
class Rescored:
    """What `lsgap rescore` says. changed: one line on what is otherwise than in the run it was made of."""

    record: Record
    folder: Path
    changed: str

    def table(self) -> str:
        """What the terminal shows."""
        from lsgap_bench.report import run_tables

        return run_tables(self.record)


def rescore(
    run: str | Path,
    scorer: Scorers | None = None,
    choices: Mapping[str, Any] | None = None,
    protocol: str | None = None,
    output_path: str | Path | None = None,
    tags: Mapping[str, Any] | None = None,
    include_path: Sequence[str | Path] = (),
    judge: str | None = None,
    judge_args: Mapping[str, Any] | None = None,
) -> Rescored:
    """Judge a finished run's answers by another scorer, or average its metrics by other choices, into a folder of its own.

    scorer: of all tasks, or task -> scorer; None leaves every verdict. choices, protocol: as for `lsgap run`; what is not named stays as
    in the run. output_path: default RUN-rescored. tags: added to the record's. include_path: folders whose `plugins/*.py` are loaded.
    judge, judge_args: as for `lsgap run`; it votes on every task whose scorer needs one.
    UsageError, with nothing written: a name is not known; something needs the model; a scorer needs more than is kept of the items; the
    folder is the run's own or holds another one.
    """
    load_plugins(include_path)
    source = read_source(Path(run))
    request = request_for(source, scorer, choices or {}, protocol, output_path, panel_of(judge, judge_args or {}))
    judged = _judged(source, request)
    record = _record(source, request, judged, tags or {})
    changed = _changed(source, request, judged, record)
    _write(source, request, judged, record, changed)
    return Rescored(record, request.out, changed)


def _judged(source: Source, request: Request) -> Judged:
    """The rows with new verdicts, and of the metrics those that the protocol fixes, where it does."""
    samples, curves, blocks = source.rows
    rules, names = request.rules, request.answer_metrics
    pairs: list[Pair] = []
    judge: Mapping[str, Any] = {}
    if request.scorers or request.recounted or names is not None:
        pairs, judge = _pairs(source, request)
        chosen = {pair.item.id: pair for pair in pairs if names is not None or request.rejudges(pair.item.task)}
        samples = [to_plain(row) for row in rejudged_rows(samples, chosen, names)]
    if rules.metrics:
        curves, blocks = ([row for row in rows if row["metric"] in rules.metrics] for rows in (curves, blocks))
    return Judged(Rows(samples, curves, blocks), pairs, judge)


def _pairs(source: Source, request: Request) -> tuple[list[Pair], Mapping[str, Any]]:
    """All pairs, and what the record says of the judge."""
    try:
        stored = stored_pairs(source.rows, items_again(source.items, source.rows.samples))
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{source.folder}: {SAMPLES} or {ITEMS} is broken ({with_kind(error)}); give a finished run folder") from None
    unread = unread_of(request.choices)
    try:
        by_task: dict[str, list[Pair]] = {}
        for pair in stored:
            task = pair.item.task
            made = rejudged(pair, request.scorers.get(task), unread, _given_up(source, task)) if request.rejudges(task) else pair
            by_task.setdefault(task, []).append(made)
        judged, entry = judged_pairs(by_task, request.scorers, request.panel, unread)
        return [pair for of_task in judged.values() for pair in of_task], entry
    except UsageError as error:
        why = "" if source.items else f"{source.folder} holds no {ITEMS}, so a scorer sees target, chance and scored options alone: "
        some = "; to judge some tasks only, write --scorer TASK=NAME,..." if len(request.scorers) > 1 else ""
        raise UsageError(f"{why}{error}{some}") from error


def _record(source: Source, request: Request, judged: Judged, tags: Mapping[str, Any]) -> Record:
    """The source's record with its numbers, checks and provenance made anew."""
    asked = replace(source.record, provenance=_provenance(source, request, judged.judge), tags={**source.record.tags, **tags})
    versions = {name: task.version for name, task in asked.tasks.items()}
    record = derive(asked, tables_of(judged.rows, versions))
    return replace(record, checks=_checks(source.record, judged, record.overall))


def _provenance(source: Source, request: Request, judge: Mapping[str, Any]) -> dict[str, Any]:
    before, said = source.record.provenance, {key: source.record.provenance.get(key) for key in ("protocol", "scorers")}
    names, plan = request.rules.metrics, before.get("plan", {})
    judge = judge or entry_without(before.get("judge"), request.scorers)
    return {
        **{key: value for key, value in before.items() if key not in ("judge", "other_scorers")},
        **({"judge": judge} if judge else {}),
        "protocol": request.rules.entry(request.choices, _as_run(source, request)),
        "scorers": {**(said["scorers"] or {}), **shown_scorers(request.scorers)} or None,
        "scorers_sha256": {**before.get("scorers_sha256", {}), **scorers_sha256(request.scorers)},
        **({"other_scorers": further} if (further := _further(source, request)) else {}),
        "plan": {**plan, "metrics": list(names)} if names else plan,
        "rescored_from": source.sha256,
        "rescored": {
            "command": " ".join(["lsgap", *sys.argv[1:]]),
            "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "lsgap_bench": lsgap_bench.__version__,
        },
        "original": before.get("original", said),
    }


def _given_up(source: Source, task: str) -> str | None:
    """A task's own scorer in the run; None where it cannot be a further one, because it needs a judge or is not recorded."""
    rule = (source.record.provenance.get("scorers") or {}).get(task)
    return None if rule is None or needs_judge(rule) else str(rule)


def _further(source: Source, request: Request) -> dict[str, list[str]]:
    """Task -> its further scorers beside the one that judges now."""
    said: Mapping[str, Sequence[str]] = source.record.provenance.get("other_scorers") or {}
    moved = {
        task: exchanged(dict.fromkeys(names), request.scorers.get(task), _given_up(source, task), None) for task, names in said.items()
    }
    return {task: list(names) for task, names in moved.items() if names}


def _as_run(source: Source, request: Request) -> dict[str, Any]:
    """What a protocol asks of a run: a group stands for its tasks where they are all that was run."""
    record, names = source.record, request.rules.tasks
    members = {task for name in names if name in record.groups for task in record.groups[name].tasks}
    known = record.provenance
    conditions = known.get("plan", {}).get("conditions") or list(record.overall.scores)
    tasks = names if members == set(record.tasks) else list(record.tasks)
    return {**known.get("settings", {}), "tasks": tasks, "conditions": conditions, "generation": known.get("generation", {})}


def _checks(before: Record, judged: Judged, overall: GroupResult) -> dict[str, Any]:
    """The source's checks, but for those that verdicts and averages decide."""
    checks, pairs = dict(before.checks), judged.pairs
    if not checks:
        return checks
    gone = [*null_warnings(before.overall.representation), *(judge_warnings(before.provenance.get("judge", {})) if judged.judge else ())]
    new = judge_warnings(judged.judge)
    if pairs and "other_clip" in checks:
        gone.append(checks["other_clip"].get("note"))
        checks["other_clip"] = other_clip_check(pairs)
        new += [checks["other_clip"]["note"]] if checks["other_clip"]["passed"] is False else []
    kept = [line for line in checks.get("warnings", ()) if line not in gone]
    return {**checks, "warnings": [*kept, *new, *null_warnings(overall.representation)]}


def _changed(source: Source, request: Request, judged: Judged, record: Record) -> str:
    """What is otherwise than in the source, in one line."""
    said, parts = source.record.provenance, []
    if request.scorers or request.recounted:
        parts += _changed_scores(source, request, judged)
        gaps = [number(of.overall.gap.value) for of in (source.record, record)]
        parts.append(f"gap {' -> '.join(gaps)} points")
    before = said.get("protocol", {}).get("name", DEFAULT)
    parts += [f"protocol {before} -> {request.rules.name}"] if before != request.rules.name else []
    parts += [f"{name} {old} -> {new}" for name, old in source.choices.items() if (new := request.choices[name]) != old]
    gone = _metrics(source.record.overall) - _metrics(record.overall)
    parts += [f"{len(gone)} metrics left out that are not the protocol's"] if gone else []
    return "; ".join(parts) or "nothing, but that every number was derived anew by this version"


def _metrics(overall: GroupResult) -> set[str]:
    return {*overall.representation, *overall.answers}


def _changed_scores(source: Source, request: Request, judged: Judged) -> list[str]:
    before = source.record.provenance.get("scorers") or {}
    shown = {(before.get(task, "not recorded"), rule) for task, rule in shown_scorers(request.scorers).items()}
    rules = [f"{new} as before" if old == new else f"{old} -> {new}" for old, new in sorted(shown)]
    answers = [
        (old["score"], new["score"])
        for old, new in zip(source.rows.samples, judged.rows.samples, strict=True)
        if request.rejudges(old["task"]) and old["score"] is not None
    ]
    other = sum(old != new for old, new in answers)
    scored = [sum(row["score"] is not None for row in rows.samples) for rows in (source.rows, judged.rows)]
    first = [f"{scored[1] - scored[0]} answers have got a score that had none"] if scored[1] > scored[0] else []
    changed = [f"{other} of {len(answers)} answers score otherwise"] if answers else []
    return [*([f"scorer {', '.join(rules)}"] if rules else []), *changed, *first]


def _write(source: Source, request: Request, judged: Judged, record: Record, changed: str) -> None:
    with run_log(request.out) as begin:
        begin()
        logger.info("rescored from %s, whose record has the hash %s", source.folder, source.sha256)
        logger.info("changed: %s", changed)
        save_run(request.out, record, _results(source, request), judged.rows, source.items or None)
        for path in plots_in(source.folder, ["alignment"]):  # of the model's states, which are the same
            shutil.copyfile(path, request.out / path.name)


def _results(source: Source, request: Request) -> dict[str, Any]:
    """lm-eval's own results, without its scores of what is judged anew here, and of groups then."""
    samples: dict[str, list[dict[str, Any]]] = {name: [] for name in source.record.text_tasks}
    for row in read_lines(source.folder / TEXT_SAMPLES) if samples else ():
        samples[row.pop("task")].append(row)
    path = source.folder / RESULTS
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    judged = [task for task in source.record.tasks if request.rejudges(task)]
    if judged and "results" in found:
        gone = {*judged, *found.get("groups", {})}
        found = {**found, "groups": {}, "results": {name: of for name, of in found["results"].items() if name not in gone}}
    return {**found, "samples": samples}
