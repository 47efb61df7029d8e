"""The folder of published records: add a run after re-deriving its numbers, check the folder, build the table and the page."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.judge_record import ground
from lsgap_bench.leaderboard_page import page, table
from lsgap_bench.protocols import DEFAULT, choices_of
from lsgap_bench.records import RECORD, derive, read_record, read_tables, record_from_plain, to_plain
from lsgap_bench.schema import Record

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""How far a re-derived number may lie from the record's; the absolute part is for differences that are zero but for rounding."""
DERIVED = ("tasks", "groups", "overall")
FIELDS: dict[str, type] = dict.fromkeys(("system", *DERIVED, "checks", "provenance", "tags"), dict)
SYSTEM = ("name", "kind", "pretrained", "revision", "dtype", "parameters")
PROVENANCE = ("lsgap_bench", "lm_eval", "torch", "transformers", "command", "started", "seed", "tasks_sha256", "data_sha256")


def add(run: Path, records: Path) -> Path:
    """Copy a finished run's record into the folder `records`; the file written, whole or not at all.

    UsageError: a number is not what the run's samples and curves give (the first one is named); the record lacks a field; a file of its
    name holds another system, other tags or another set of tasks.
    """
    record = read_record(run / RECORD)
    problems = _problems(to_plain(record))
    if problems:
        raise UsageError(f"{run / RECORD}: {problems[0]}; add a record as `lsgap run` wrote it")
    _refuse_difference(record, run)
    path = records / file_name(record)
    _refuse_clash(record, path)
    records.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(json.dumps(to_plain(record), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def check(records: Path) -> list[str]:
    """What is wrong with the records in a folder, one line each beginning with the file; UsageError if there is no such folder."""
    return [f"{path}: {problem}" for path in _files(records) for problem in _file_problems(path)]


def build(records: Path, out: Path) -> tuple[Path, Path]:
    """Write `leaderboard.md` and the self-contained `index.html` from all records into `out`; both paths.

    UsageError: no record, or one with a problem that `check` finds.
    """
    problems = check(records)
    if problems:
        more = f" (and {len(problems) - 1} more, see `lsgap leaderboard check`)" if len(problems) > 1 else ""
        raise UsageError(f"{problems[0]}{more}; mend or remove the file")
    loaded = [read_record(path) for path in _files(records)]
    if not loaded:
        raise UsageError(f"{records} holds no records; add one with `lsgap leaderboard add RUN`")
    out.mkdir(parents=True, exist_ok=True)
    made = {out / "leaderboard.md": table(loaded), out / "index.html": page(loaded)}
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    markdown, html = made
    return markdown, html


def file_name(record: Record) -> str:
    """Name, dtype and tags of a record as a file name of a-z, 0-9, dot, dash and underscore; never hidden, never a path."""
    parts = [record.system["name"], record.system["dtype"] or "", *(f"{key}-{value}" for key, value in sorted(record.tags.items()))]
    safe = [re.sub(r"[^a-z0-9._-]+", "-", str(part).lower()).strip("-._") for part in parts]
    return "_".join(filter(None, safe))[:150].strip("-._").removesuffix(".json") + ".json" if any(safe) else "unnamed.json"


def _files(records: Path) -> list[Path]:
    if not records.is_dir():
        raise UsageError(f"{records} is no folder; give the folder of records, such as leaderboard/records")
    return sorted(records.glob("*.json"))


def _refuse_difference(record: Record, run: Path) -> None:
    try:
        tables = read_tables(run, {name: task.version for name, task in record.tasks.items()})
        derived = derive(record, tables)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{run}: its numbers cannot be derived from its samples ({with_kind(error)}); run it again") from None
    for part in DERIVED:
        found = next(_differences(to_plain(getattr(record, part)), to_plain(getattr(derived, part)), part), None)
        if found:
            raise UsageError(f"{run / RECORD}: {found}; add the run as it was written, or run it again")


def _differences(said: Any, derived: Any, where: str) -> Iterator[str]:
    """What a record says and its samples do not, one sentence each."""
    if isinstance(said, Mapping) and isinstance(derived, Mapping):
        for key in sorted(said.keys() | derived.keys()):
            yield from _differences(said.get(key), derived.get(key), f"{where}.{key}")
    elif isinstance(said, list) and isinstance(derived, list) and len(said) == len(derived):
        for k, (one, other) in enumerate(zip(said, derived, strict=True)):
            yield from _differences(one, other, f"{where}[{k}]")
    elif _is_number(said) and _is_number(derived):
        if not math.isclose(said, derived, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
            yield f"{where} is {said!r}, but its samples give {derived!r}"
    elif said != derived:
        yield f"{where} is {said!r}, but its samples give {derived!r}"


def _refuse_clash(record: Record, path: Path) -> None:
    if not path.exists():
        return
    there = read_record(path)
    for what in ("system", "tags"):
        if to_plain(getattr(there, what)) != to_plain(getattr(record, what)):
            raise UsageError(f"{path} holds a record with another {what}; tell them apart with `lsgap run --tag KEY=VALUE`")
    if {n: t.version for n, t in there.tasks.items()} != {n: t.version for n, t in record.tasks.items()}:
        raise UsageError(f"{path} holds this system on other tasks; tell them apart with `lsgap run --tag KEY=VALUE`, or remove it first")
    for what, of in (("protocol", _protocol), ("scorers", _scorers), ("judges", _judges)):
        before, now = of(there.provenance), of(record.provenance)
        if before is not None and before != now:
            raise UsageError(f"{path} holds this system under other {what}; tell them apart with --tag KEY=VALUE, or remove it first")
    before, now = (sum(task.n for task in of.tasks.values()) for of in (there, record))
    if now < before:
        raise UsageError(f"{path} holds this system on {before} items, this run has {now}; run all of them, or remove the record first")


def _protocol(provenance: Mapping[str, Any]) -> Any:
    return provenance.get("protocol", {}).get("name", DEFAULT), choices_of(provenance)


def _scorers(provenance: Mapping[str, Any]) -> Any:
    """None where an older version made the record, and kept none."""
    return provenance.get("scorers")


def _judges(provenance: Mapping[str, Any]) -> Any:
    """None where no judge was asked: the record of a judged run may take the place of one that was not."""
    return {task: ground(provenance, task) for task in (provenance.get("judge") or {}).get("tasks", ())} or None


def _file_problems(path: Path) -> list[str]:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"no JSON can be read from it ({error})"]
    problems = _problems(plain)
    if problems:
        return problems
    try:
        name = file_name(record_from_plain(plain))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"this is no record of schema 1 ({with_kind(error)})"]
    return [] if name == path.name else [f"the file of this system is called {name}"]


def _problems(plain: Any) -> list[str]:
    """What a record as JSON lacks or contradicts."""
    if not isinstance(plain, Mapping) or plain.get("schema") != 1:
        return ["this is no record of schema 1"]
    wrong = [key for key, kind in FIELDS.items() if not isinstance(plain.get(key), kind)]
    if wrong:
        return [f"'{key}' is missing or no mapping" for key in wrong]
    lacking = [f"system.{key}" for key in SYSTEM if key not in plain["system"]]
    lacking += [f"provenance.{key}" for key in PROVENANCE if key not in plain["provenance"]]
    return [
        *(f"'{key}' is missing" for key in lacking),
        *_unknown_tasks(plain),
        *(f"{where} {fault}" for part in DERIVED for where, e in _estimates(plain[part], part) if (fault := _fault(e))),
    ]


def _unknown_tasks(plain: Mapping[str, Any]) -> Iterator[str]:
    if not plain["tasks"]:
        yield "'tasks' is empty"
    for name, group in {**plain["groups"], "overall": plain["overall"]}.items():
        tasks = group.get("tasks") if isinstance(group, Mapping) else None
        if not isinstance(tasks, list) or not tasks:
            yield f"group '{name}' names no tasks"
        else:
            yield from (f"group '{name}' names the task {task!r}, which is not in 'tasks'" for task in tasks if task not in plain["tasks"])
            if not _are_weights(group.get("weights"), tasks):
                yield f"group '{name}' has weights that are not one per task, adding up to 1"


def _are_weights(weights: Any, tasks: Sequence[str]) -> bool:
    """Whether these are what the tasks of a group weigh; a record of an older version keeps none."""
    if not weights:
        return True
    known = isinstance(weights, Mapping) and set(weights) == set(tasks) and all(_is_number(w) and w >= 0 for w in weights.values())
    return known and math.isclose(sum(weights.values()), 1, rel_tol=RELATIVE)


def _estimates(plain: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every Estimate on disk below `plain`, with its path."""
    if isinstance(plain, list):
        plain = dict(enumerate(plain))
    if not isinstance(plain, Mapping):
        return
    if {"low", "high", "method"} & plain.keys():
        yield where, plain
        return
    for key, value in plain.items():
        yield from _estimates(value, f"{where}.{key}")


def _fault(estimate: Mapping[str, Any]) -> str | None:
    """What is wrong with an Estimate on disk."""
    value, low, high, n = (estimate.get(key) for key in ("value", "low", "high", "n"))
    if isinstance(n, bool) or not isinstance(n, int) or n < (0 if value is None else 1):
        return f"has no n, the number of items (n is {n!r})"
    if any(end is not None and not (_is_number(end) and math.isfinite(end)) for end in (value, low, high)):
        return "holds what is no number"
    if value is None:
        return None if estimate.get("why") else "has neither a value nor a reason for its absence"
    if low is None or high is None:
        return None if low is high and estimate.get("why") else "has no interval and no reason for its absence"
    slack = RELATIVE * max(abs(value), 1)
    return None if low - slack <= value <= high + slack else f"has an interval [{low!r}, {high!r}] that does not hold its value {value!r}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
