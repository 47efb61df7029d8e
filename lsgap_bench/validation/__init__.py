"""A strict look at tasks before anything is run: every item built, every clip decoded, every problem collected instead of the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lsgap_bench.clip_making import make_clips
from lsgap_bench.data_sources import Unreachable, connect
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedTask, build_tasks, hub_asked
from lsgap_bench.schema import Item
from lsgap_bench.speech.clip_faults import ClipFacts
from lsgap_bench.validation.clip_checks import clip_findings, look
from lsgap_bench.validation.findings import Finding
from lsgap_bench.validation.leak_checks import leak_findings
from lsgap_bench.validation.metadata_checks import metadata_findings
from lsgap_bench.validation.pair_checks import pair_findings
from lsgap_bench.validation.round_trip import RoundTrip
from lsgap_bench.variants import of_item, own_clip
from lsgap_bench.yaml_files import Catalog, read_catalog


@dataclass(frozen=True)
class Validation:
    """rows: what each task holds. problems, warnings: as `Finding` tells them apart, one line each; none if all is well."""

    rows: list[dict[str, Any]]
    problems: list[str]
    warnings: list[str]


@dataclass(frozen=True)
class Strictness:
    """What is looked at beside the task files and their data.

    system: the system turn of a run. max_seconds: the longest clip that the model hears. round_trip: a recognizer for the clips.
    """

    system: str | None = None
    max_seconds: float | None = None
    round_trip: RoundTrip | None = None


def validate(names: Sequence[str], include_path: Sequence[str] = (), strictness: Strictness | None = None) -> Validation:
    """Check the named tasks, or all there are. UsageError only for what makes checking impossible, such as an unknown name."""
    catalog = read_catalog(include_path)
    groups = {file.name for file in catalog.files if file.kind == "group"} | catalog.tags.keys()
    rows: list[dict[str, Any]] = []
    findings = [Finding(line, problem=True) for line in catalog.problems]
    unreachable: dict[str, list[Unreachable]] = {}
    with hub_asked() as give_up:
        for name, group in catalog.expand(names or sorted(catalog.names)).items():
            if name in groups:
                continue
            try:
                loaded = build_tasks([name], catalog)
            except Unreachable as error:
                unreachable.setdefault(error.name, []).append(error)
                give_up()
                continue
            except UsageError as error:
                findings += _not_built(name, group, names, catalog, error)
                continue
            for task_name, task in loaded.by_name.items():
                row, found = _check(task, strictness or Strictness()) if isinstance(task, PairedTask) else (_text_row(task_name, task), [])
                rows.append(row)
                findings += found
    findings += _not_reached(unreachable)
    findings = list(dict.fromkeys(findings))  # what is wrong with a scorer is found at every item
    return Validation(rows, [f.line for f in findings if f.problem], [f.line for f in findings if not f.problem])


def _not_built(name: str, group: Path | None, asked: Sequence[str], catalog: Catalog, error: UsageError) -> list[Finding]:
    """Why a task is not there; nothing more where its own file may be among those that cannot be read."""
    if name in asked and name not in catalog.names and not Path(name).is_file():
        if not catalog.problems:
            raise error
        return []
    return [Finding(f"{group}: {error}" if group and name not in catalog.names else str(error), problem=True)]


def _not_reached(unreachable: Mapping[str, Sequence[Unreachable]]) -> list[Finding]:
    """One line for all tasks whose data set is on the hub alone; of a single task its own line."""
    errors = [error for of in unreachable.values() for error in of]
    if len(errors) < 2:
        return [Finding(str(error), problem=True) for error in errors]
    sets = ", ".join(f"{len(of)} of '{name}'" for name, of in unreachable.items())
    line = f"the hub cannot be reached, so {len(errors)} tasks were not checked ({sets}); {connect()}"
    return [Finding(line, problem=True)]


def _check(task: PairedTask, strictness: Strictness) -> tuple[dict[str, Any], list[Finding]]:
    """One task's row, and what is wrong with it and its items."""
    ours, made = task.paired_config, strictness.round_trip
    task.pair(strictness.system, lambda base: base, False)
    findings = list(metadata_findings(task.config.metadata or {}, ours.source, len(task.test_docs())))
    try:
        make_clips([task])
    except UsageError as error:
        return _row(task, []), [*findings, Finding(f"{ours.source}: speech: {error}", problem=True)]
    items, facts, bad = _items(task)
    findings += bad
    findings += clip_findings(items, facts, ours.source, strictness.max_seconds)
    findings += pair_findings(items, ours.source, ours.cluster)
    findings += leak_findings(items, ours.source)
    findings += _voice_findings(items[:1], ours.source)
    wer, misheard = made.hear(items, ours.source) if made else (None, [])
    return _row(task, items) | ({"WER": wer} if made else {}), [*findings, *misheard]


def _voice_findings(items: Sequence[Item], source: str) -> Iterator[Finding]:
    """Voices of the task's own variants that do not exist, or cannot say the words of these items."""
    for item in items:
        for name in item.variants:
            try:
                own_clip(item, of_item(item, name))
            except UsageError as error:
                yield Finding(f"{source}: variants: {name}: {error}", problem=True)


def _items(task: PairedTask) -> tuple[list[Item], list[ClipFacts], list[Finding]]:
    """The items that a run would take, the facts of their clips, and why it would not take the others."""
    items: list[Item] = []
    facts: list[ClipFacts] = []
    bad = []
    with tqdm(task.test_docs(), desc=str(task.config.task), unit="item", leave=False, disable=None) as documents:
        for number, doc in enumerate(documents):
            try:
                item = task.item(doc, number)
                facts.append(look(item))
                items.append(item)
            except UsageError as error:
                bad.append(Finding(str(error), problem=True))
    return items, facts, bad


def _row(task: PairedTask, items: Sequence[Item]) -> dict[str, Any]:
    """What the table shows. bad: items that a run refuses, or leaves out with --skip_bad_items."""
    chances = [item.chance for item in items if item.chance is not None]
    seconds = [item.clip.seconds for item in items]
    return {
        "task": task.config.task,
        "items": len(items),
        "bad": len(task.test_docs()) - len(items),
        "clusters": len({item.cluster for item in items}),
        "answers": "options" if task.OUTPUT_TYPE == "multiple_choice" else "free",
        "chance": sum(chances) / len(chances) if chances else None,
        "audio min": sum(seconds) / 60,
        "longest s": max(seconds, default=0.0),
    }


def _text_row(name: str, task: Any) -> dict[str, Any]:
    """A task of lm-eval's own kind: it has no second form that could be checked."""
    return {"task": name, "items": len(task.eval_docs), "answers": f"text only, {task.OUTPUT_TYPE}"}
