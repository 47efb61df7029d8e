"""What a finished run is to be judged or averaged by, checked against what its folder holds; what needs the model is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.judged_pairs import check_judge
from lsgap_bench.judging import needs_judge
from lsgap_bench.panel import Panel
from lsgap_bench.protocols import CHOICES, DEFAULT, Protocol, choices_of, protocol_called
from lsgap_bench.records import ITEMS, RECORD, Rows, read_lines, read_record, read_rows
from lsgap_bench.registry import REPRESENTATION, metrics
from lsgap_bench.schema import Record
from lsgap_bench.scorers.evaluate_metric import whole
from lsgap_bench.store import FILES, check_writable

Scorers = str | Mapping[str, str]


@dataclass(frozen=True)
class Source:
    """A finished run as it lies in its folder. sha256: of record.json. items: rows of `item_rows`, none where an older version made it."""

    folder: Path
    sha256: str
    record: Record
    rows: Rows
    items: Sequence[Mapping[str, Any]]

    @property
    def choices(self) -> dict[str, str]:
        """Every choice of the run."""
        return choices_of(self.record.provenance)


@dataclass(frozen=True)
class Request:
    """What to do with it. choices: all, settled. scorers: task -> rule, of the tasks to judge anew. out: the folder to write.

    recounted: whether unread answers of all tasks count otherwise than in the run. panel: the judge, None where none is asked for.
    """

    rules: Protocol
    choices: Mapping[str, str]
    scorers: Mapping[str, str]
    out: Path
    recounted: bool
    panel: Panel | None = None

    def rejudges(self, task: str) -> bool:
        """Whether the verdicts of a task are made anew."""
        return self.recounted or task in self.scorers

    @property
    def answer_metrics(self) -> list[str] | None:
        """Those that the protocol fixes; None where it fixes no metrics."""
        return [name for name in self.rules.metrics if metrics[name].needs == "answers"] if self.rules.metrics else None


def read_source(folder: Path) -> Source:
    """The run in a folder; UsageError where it is not finished or cannot be read."""
    record = read_record(folder / RECORD)
    if not record.tasks:
        raise UsageError(f"{folder}: no paired task was run, so there is no answer to judge; give another run")
    digest = hashlib.sha256((folder / RECORD).read_bytes()).hexdigest()
    items = read_lines(folder / ITEMS) if (folder / ITEMS).is_file() else []
    return Source(folder, digest, record, read_rows(folder, record.tasks), items)


def request_for(
    source: Source,
    scorer: Scorers | None,
    choices: Mapping[str, Any],
    protocol: str | None,
    output_path: str | Path | None,
    panel: Panel | None = None,
) -> Request:
    """The request, its names resolved; a judge votes on all tasks that need one, also on those whose scorer stays.

    UsageError for an unknown name, for what needs the model, and for a folder that is taken.
    """
    said = source.record.provenance.get("protocol", {})
    rules = protocol_called(protocol or said.get("name", DEFAULT))
    kept = {name: value for name, value in source.choices.items() if name not in rules.choices}
    settled = rules.settled({**kept, **choices})
    _refuse_other_observations(source, settled)
    _refuse_other_metrics(source, rules)
    recounted = settled["unread"] != source.choices["unread"]
    resolved = {**_waiting_for(panel, source), **_resolved(scorer, source)}
    _check_judge(panel, source, resolved)
    return Request(rules, settled, resolved, _folder(source, output_path), recounted, panel)


def _refuse_other_observations(source: Source, settled: Mapping[str, str]) -> None:
    for name, before in source.choices.items():
        if CHOICES[name].observed and settled[name] != before:
            raise UsageError(
                f"{name}={settled[name]} needs the model, and {source.folder} was run with {name}={before}; "
                f"use `lsgap run --choice {name}={settled[name]}`"
            )


def _refuse_other_metrics(source: Source, rules: Protocol) -> None:
    stored = {row["metric"] for row in (*source.rows.curves, *source.rows.blocks)}
    missing = [name for name in rules.metrics if metrics[name].needs in REPRESENTATION and name not in stored]
    if missing:
        raise UsageError(
            f"protocol {rules.name} has {', '.join(missing)}, which {source.folder} does not hold and which need the model; "
            f"use `lsgap run --protocol {rules.name}`"
        )


def _resolved(scorer: Scorers | None, source: Source) -> dict[str, str]:
    """Task -> rule; one name stands for every task. A path of a metric of `evaluate` starts where the command is given."""
    tasks = source.record.tasks
    named = dict.fromkeys(tasks, scorer) if isinstance(scorer, str) else dict(scorer or {})
    for task in named:
        if task not in tasks:
            raise UsageError(f"{source.folder}: no task is called '{task}'; {did_you_mean(task, tasks)}")
    found = {task: whole(rule, Path.cwd()) for task, rule in named.items()}
    for rule in set(found.values()):
        scorers.get(rule)
    return found


def _waiting_for(panel: Panel | None, source: Source) -> dict[str, str]:
    """Task -> rule of those that need a judge, where there is one: no record mixes two judges."""
    said = source.record.provenance.get("scorers") or {}
    return {task: rule for task, rule in said.items() if needs_judge(rule)} if panel else {}


def _check_judge(panel: Panel | None, source: Source, resolved: Mapping[str, str]) -> None:
    needed = next((rule for rule in resolved.values() if needs_judge(rule)), None)
    if panel is None and needed:
        raise UsageError(f"scorer '{needed}' needs a judge; add --judge chat --judge_args base_url=...,model=...")
    check_judge(panel, {**(source.record.provenance.get("scorers") or {}), **resolved})


def _folder(source: Source, output_path: str | Path | None) -> Path:
    """Where the result goes: never over the run itself, nor over another one's."""
    run = source.folder if source.folder.name not in ("", "..") else source.folder.resolve()
    out = Path(output_path) if output_path is not None else run.with_name(f"{run.name}-rescored")
    if out.resolve() == source.folder.resolve():
        raise UsageError(f"{out} is the run itself, which is kept as it is; choose another --output_path")
    if (out / RECORD).exists():
        if read_record(out / RECORD).provenance.get("rescored_from") != source.sha256:
            raise UsageError(f"{out} holds another run; choose another --output_path")
    elif any((out / name).exists() for name in FILES.values()):
        raise UsageError(f"{out} holds a run that is not finished; choose another --output_path")
    check_writable(out)
    return out
