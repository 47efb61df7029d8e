"""The runs of a comparison as they lie on disk: record, samples, what each item asked, and a name of its own for each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.records import RECORD, SAMPLES, Rows, read_record, read_rows, sha256_of
from lsgap_bench.schema import Record

SIDES = ("text", "speech")
SHOWN = 8  # names in one line of an error


class Question(NamedTuple):
    """What an item asks of any model. None: not in the samples (words before they were kept, options of a free answer, an unplayed clip).

    words: without the spaces around them. clip: sha256 of the encoded bytes.
    """

    words: str | None
    options: tuple[str, ...] | None
    target: str
    clip: str | None
    cluster: str
    chance: float | None


@dataclass(frozen=True)
class RunFiles:
    """One evaluated model: its record, and the rows of every item in every system and condition."""

    source: Path
    record: Record
    rows: Rows

    @cached_property
    def questions(self) -> Mapping[str, Mapping[str, Question]]:
        """Task -> item -> what it asked; the items in the order in which they were run."""
        found: dict[str, dict[str, Question]] = {task: {} for task in self.record.tasks}
        for row in self.rows.samples:
            of_task = found.setdefault(row["task"], {})
            of_task[row["item"]] = _merged(of_task.get(row["item"]), _question(row))
        return found

    @cached_property
    def prompts(self) -> Mapping[str, Mapping[tuple[str, str], str]]:
        """Task -> (item, `text` or `speech`) -> the rendered prompt that the speech language model got."""
        found: dict[str, dict[tuple[str, str], str]] = {}
        for row in self.rows.samples:
            if row.get("system", "lslm") == "lslm" and row["condition"] in SIDES:
                found.setdefault(row["task"], {})[row["item"], row["condition"]] = row["prompt"]
        return found

    def frames(self, task: str, side: str) -> list[str]:
        """What stands around the words in the prompts of one task, `{words}` in their place; several where items differ in it.

        side: `text` or `speech`. Empty where the samples do not hold the words alone.
        """
        words = {item: question.words if side == "text" else "" for item, question in self.questions[task].items()}
        own = {item: prompt for (item, condition), prompt in self.prompts.get(task, {}).items() if condition == side}
        return sorted(
            {prompt.replace(known, "{words}", 1) if known else prompt for item, prompt in own.items() if (known := words[item]) is not None}
        )

    def setting(self, name: str) -> Any:
        """An argument of the run; None where its record keeps none."""
        return self.record.provenance.get("settings", {}).get(name)


def read_runs(paths: Sequence[str | Path]) -> list[RunFiles]:
    """The run folders, in their order. UsageError: fewer than two; one given twice; no record, no samples or no paired task."""
    if len(paths) < 2:
        raise UsageError(f"a comparison needs at least two run folders, this is {len(paths)}; the first one is the reference")
    sources = [Path(path) for path in paths]
    for source, count in Counter(path.resolve() for path in sources).items():
        if count > 1:
            raise UsageError(f"{source} is given {count} times; give each run once")
    return [_read(source) for source in sources]


def shared_tasks(runs: Sequence[RunFiles], asked: Sequence[str] | None) -> list[str]:
    """The tasks to compare: all, which every run must have, or those `asked` for by name or as a group of the first run.

    UsageError that names the tasks that differ, and the ones that can be asked for.
    """
    first = runs[0]
    if asked is None:
        return _all_tasks(runs)
    groups = {name: list(group.tasks) for name, group in first.record.groups.items()}
    for name in asked:
        if name not in first.record.tasks and name not in groups:
            raise UsageError(f"{first.source}: no task is called '{name}'; {did_you_mean(name, [*first.record.tasks, *groups])}")
    wanted = {task for name in asked for task in ([name] if name in first.record.tasks else groups[name])}
    for run in runs[1:]:
        missing = sorted(wanted - run.record.tasks.keys())
        if missing:
            raise UsageError(f"{run.source}: {listed(missing)} was not run; leave it out of --tasks, or run it")
    return [task for task in first.record.tasks if task in wanted]


def unique_names(runs: Sequence[RunFiles]) -> list[str]:
    """The system's name of each run; where several share it, with the tags that differ, else with the folder, else with the whole path."""
    names = [str(run.record.system.get("name") or run.source.name) for run in runs]
    tags = [dict(run.record.tags) for run in runs]
    telling = [key for key in dict.fromkeys(key for of in tags for key in of) if len({str(of.get(key)) for of in tags}) > 1]
    makers: list[Callable[[int], str]] = [
        lambda k: ", ".join(f"{key}={tags[k][key]}" for key in telling if key in tags[k]),
        lambda k: runs[k].source.resolve().name,
        lambda k: str(runs[k].source),
    ]
    shown = list(names)
    for make in makers:
        counts = Counter(shown)
        shown = [f"{names[k]} ({more})" if counts[one] > 1 and (more := make(k)) else one for k, one in enumerate(shown)]
    return shown


def questions_sha256(questions: Mapping[str, Question]) -> str:
    """One hash over the items of a task and what each asks: alike for every model that was asked the same."""
    return sha256_of(json.dumps([item, *questions[item]]) for item in sorted(questions))


def listed(names: Sequence[str]) -> str:
    """Names in one line, the first few where there are many."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _read(source: Path) -> RunFiles:
    if not (source / SAMPLES).is_file() and (source.is_file() or (source / RECORD).is_file()):
        raise UsageError(
            f"{source} holds no {SAMPLES}, and without answers item by item nothing can be paired; give the folder that `lsgap run` wrote"
        )
    record = read_record(source / RECORD)
    if not record.tasks:
        raise UsageError(f"{source}: no paired task was run, so there is no gap to compare; run it on paired tasks, or leave it out")
    return RunFiles(source, record, read_rows(source, record.tasks))


def _all_tasks(runs: Sequence[RunFiles]) -> list[str]:
    first = runs[0]
    for run in runs[1:]:
        differing = sorted(run.record.tasks.keys() ^ first.record.tasks.keys())
        if differing:
            common = [task for task in first.record.tasks if all(task in other.record.tasks for other in runs)]
            remedy = f"compare what all share with --tasks {','.join(common)}" if common else "they share none, so nothing can be compared"
            raise UsageError(f"{run.source} and {first.source} are on different tasks ({listed(differing)}); {remedy}")
    return list(first.record.tasks)


def _question(row: Mapping[str, Any]) -> Question:
    words, options, clip = row.get("text"), row.get("option_logprobs"), row.get("clip")
    return Question(
        words=None if words is None else str(words).strip(),
        options=None if options is None else tuple(options),
        target=str(row["target"]),
        clip=None if clip is None else str(clip["sha256"]),
        cluster=str(row["cluster"]),
        chance=row["chance"],
    )


def _merged(known: Question | None, other: Question) -> Question:
    """What the rows of one item say together: each condition has its part."""
    if known is None:
        return other
    return known._replace(**{name: value for name, value in other._asdict().items() if getattr(known, name) is None})
