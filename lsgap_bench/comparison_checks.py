"""Whether runs stand on the same ground: what is not comparable is refused in one line, what differs and may differ is noted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lsgap_bench.check_lines import check_lines
from lsgap_bench.comparison_runs import RunFiles, listed
from lsgap_bench.comparison_sources import sources_apart
from lsgap_bench.errors import UsageError
from lsgap_bench.judge_record import ground
from lsgap_bench.measures import null_warnings
from lsgap_bench.protocols import choices_of
from lsgap_bench.schema import CANARY

ASKED = {
    "words": "other words",
    "options": "other options",
    "target": "another target",
    "clip": "another clip",
    "cluster": "another cluster",
    "chance": "another chance level",
}
"""Field of a Question -> what to call it where two runs differ in it."""


def refuse_difference(first: RunFiles, other: RunFiles, tasks: Sequence[str]) -> None:
    """UsageError, naming both runs and the first thing that makes them incomparable: they must have been asked the same.

    The same versions and files of the tasks, the same items, of each item the same words, options, target, clip, cluster and chance, and
    the same system instruction. The rendered prompts of one model must be the same; those of two models differ by their chat template.
    And their answers must have been measured alike: the same scorers, and the same choices of the protocol.
    """
    pair = f"{other.source} and {first.source}"
    for task in tasks:
        versions = other.record.tasks[task].version, first.record.tasks[task].version
        if versions[0] != versions[1]:
            raise UsageError(f"{pair}: {task} has versions {versions[0]} and {versions[1]}; run both on the same version of the task")
    for task in tasks:
        _refuse_sources(first, other, task, pair)
    _refuse_files(first, other, pair)
    for task in tasks:
        _refuse_items(first, other, task, pair)
    if same_order(first, other) and _provenance(first, "data_sha256") != _provenance(other, "data_sha256"):
        raise UsageError(f"{pair} are on other items (data_sha256 differs); run both on the same data")
    theirs, ours = (run.setting("system_instruction") or None for run in (other, first))
    if theirs != ours:
        raise UsageError(
            f"{pair} have other system instructions ({_short(theirs)} and {_short(ours)}); run both with the same --system_instruction"
        )
    for task in tasks:
        _refuse_prompts(first, other, task, pair)
    _refuse_measure(first, other, tasks, pair)


def notes(runs: Sequence[RunFiles], names: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """What a reader must know, in one sentence each: what differs between the runs, what is left out, which checks failed."""
    first = runs[0]
    made: list[str] = []
    for run, name in zip(runs[1:], names[1:], strict=True):
        made += _differences(first, run, tasks, f"{name} and {names[0]}")
    for run, name in zip(runs, names, strict=True):
        made += _warnings(run, name)
    return [*made, *_left_out(runs, names, tasks)]


def same_order(first: RunFiles, other: RunFiles) -> bool:
    """Whether hashes over all items of both runs can be compared: they are over all tasks, in the order in which these were run."""
    return list(first.record.tasks) == list(other.record.tasks)


def same_model(first: RunFiles, other: RunFiles) -> bool:
    """Whether both runs are of one model, by its name or by where it comes from, so that it has one chat template."""
    return any(
        first.record.system.get(key) and first.record.system.get(key) == other.record.system.get(key) for key in ("name", "pretrained")
    )


def conditions_of(run: RunFiles, tasks: Sequence[str]) -> list[str]:
    """The conditions that a run has on every task, and `base` and `cascade` where they were run; not the checks, which cover some items."""
    results = [run.record.tasks[task] for task in tasks]
    companions = [name for name in ("base", "cascade") if all(getattr(of, name).n for of in results)]
    named = [c for c in results[0].scores if c not in CANARY and all(c in of.scores for of in results)]
    return [*named, *companions]


def _provenance(run: RunFiles, key: str) -> Any:
    return run.record.provenance.get(key)


def _refuse_files(first: RunFiles, other: RunFiles, pair: str) -> None:
    if first.record.tasks.keys() == other.record.tasks.keys() and _provenance(first, "tasks_sha256") != _provenance(other, "tasks_sha256"):
        raise UsageError(f"{pair} are on other task files of the same versions (tasks_sha256 differs); run both on the same task files")


def _refuse_sources(first: RunFiles, other: RunFiles, task: str, pair: str) -> None:
    """Another voice or other data is said rather than what follows from it; with the same items it is a note."""
    apart = sources_apart(first, other, task)
    if apart and _items_apart(first, other, task):
        raise UsageError(f"{pair}: {task} is {' and '.join(apart)}; run both on the same clips and data")


def _refuse_items(first: RunFiles, other: RunFiles, task: str, pair: str) -> None:
    if apart := _items_apart(first, other, task):
        raise UsageError(f"{pair}: {apart}")


def _items_apart(first: RunFiles, other: RunFiles, task: str) -> str | None:
    """The first thing in which the items of a task are not the same, and the remedy."""
    ours, theirs = first.questions[task], other.questions[task]
    if ours.keys() != theirs.keys():
        only = next(item for item in (*theirs, *ours) if item not in ours or item not in theirs)
        limits = [run.setting("limit") for run in (other, first)]
        remedy = "the same --limit" if limits[0] != limits[1] else "the same data, --limit, --long_clips and --skip_bad_items"
        return f"{task} has {len(theirs)} and {len(ours)} items ({only} is in one of the two only); run both with {remedy}"
    for item, question in ours.items():
        for field, words in ASKED.items():
            a, b = getattr(theirs[item], field), getattr(question, field)
            if a is not None and b is not None and a != b:
                return f"{item} has {words} ({_short(a)} and {_short(b)}); run both on the same data and task files"
    return None


def _refuse_prompts(first: RunFiles, other: RunFiles, task: str, pair: str) -> None:
    """Of one model every prompt; of two models the written ones where nothing else can tell whether the words are the same."""
    differing = _differing_prompts(first, other, task)
    if not differing:
        return
    item, side = differing[0]
    if same_model(first, other):
        a, b = _apart(other.prompts[task][item, side], first.prompts[task][item, side])
        raise UsageError(
            f"{pair} are of one model, but their {side} prompts of {item} differ ({a} and {b}); run both with the same chat template"
        )
    unknown = any(question.words is None for run in (first, other) for question in run.questions[task].values())
    if unknown and not same_order(first, other):
        raise UsageError(
            f"{pair}: the {side} prompts of {item} differ, and the samples do not hold its words alone, so nothing tells whether both "
            "models were asked the same; run both again with this version"
        )


def _refuse_measure(first: RunFiles, other: RunFiles, tasks: Sequence[str], pair: str) -> None:
    theirs, ours = (choices_of(run.record.provenance) for run in (other, first))
    differing = [f"{name} {theirs[name]} and {ours[name]}" for name in ours if theirs[name] != ours[name]]
    if differing:
        raise UsageError(f"{pair} are measured with other choices ({', '.join(differing)}); run or rescore both with the same --choice")
    rescored = any(_provenance(run, "rescored") for run in (first, other))
    for task in tasks:
        a, b = ((_provenance(run, "scorers") or {}).get(task) for run in (other, first))
        if a != b and (rescored or (a and b)):  # a run of an older version does not say, but then its task files do
            raise UsageError(f"{pair}: {task} is judged by scorer {a} and by scorer {b}; rescore one of them with the other's scorer")
        hashes = {(_provenance(run, "scorers_sha256") or {}).get(task) for run in (other, first)} - {None}
        if len(hashes) > 1:
            raise UsageError(f"{pair}: {task} is judged by two different scorers of the name {a}; rescore both with one of them")
        _refuse_judges(first, other, task, pair)


def _refuse_judges(first: RunFiles, other: RunFiles, task: str, pair: str) -> None:
    a, b = (ground(run.record.provenance, task) for run in (other, first))
    if (a is None) != (b is None):
        one = other if a is None else first
        raise UsageError(f"{pair}: {task} has no judge's votes in {one.source}; give both the same judge: lsgap rescore RUN --judge ...")
    for what in {**(a or {}), **(b or {})}:
        values = [(of or {}).get(what, "-") for of in (a, b)]
        if values[0] != values[1]:
            raise UsageError(
                f"{pair}: {task} has other judges ({what} {values[0]} and {values[1]}); rescore one of them with the other's judge"
            )


def _differing_prompts(first: RunFiles, other: RunFiles, task: str) -> list[tuple[str, str]]:
    """(item, side) of every prompt that both runs have and that is not the same."""
    ours, theirs = first.prompts.get(task, {}), other.prompts.get(task, {})
    return [key for key in ours if key in theirs and ours[key] != theirs[key]]


def _differences(first: RunFiles, other: RunFiles, tasks: Sequence[str], pair: str) -> Iterator[str]:
    """What may differ between two runs, and is said."""
    if first.record.tasks.keys() != other.record.tasks.keys():
        yield (
            f"{pair} ran different sets of tasks, so their task files cannot be compared by hash; versions, items and words of the "
            "compared tasks agree"
        )
    if any(_differing_prompts(first, other, task) for task in tasks):
        yield f"{pair} have different prompts around the same words, each of its own chat template (see the prompts in comparison.md)"
    for task in tasks:
        yield from (f"{pair} have the same items of {task}, though {apart}" for apart in sources_apart(first, other, task))
    for key, value, reference in _generation(first, other, tasks):
        yield f"{pair} generate with {key} {value} and {reference}"
    seeds = [_provenance(run, "seed") for run in (other, first)]
    if seeds[0] != seeds[1]:
        yield f"{pair} have seeds {seeds[0]} and {seeds[1]}, so the partners of their nulls and random selections differ"
    served = [sorted((_provenance(run, "judge") or {}).get("served_by", {})) for run in (other, first)]
    if served[0] != served[1]:
        yield f"{pair} have judges that their servers call {listed(served[0]) or '-'} and {listed(served[1]) or '-'}"
    versions = [_provenance(run, "lsgap_bench") for run in (other, first)]
    if versions[0] != versions[1]:
        yield f"{pair} were made by lsgap-bench {versions[0]} and {versions[1]}; a scorer may have changed in between"


def _generation(first: RunFiles, other: RunFiles, tasks: Sequence[str]) -> list[tuple[str, Any, Any]]:
    """Settings of free answers that differ on any of the tasks: name, the other run's value, the first one's."""
    found: dict[str, tuple[Any, Any]] = {}
    for task in tasks:
        theirs, ours = ((_provenance(run, "generation") or {}).get(task, {}) for run in (other, first))
        found |= {key: (theirs.get(key), ours.get(key)) for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)}
    return [(key, *values) for key, values in found.items()]


def _warnings(run: RunFiles, name: str) -> Iterator[str]:
    """Checks that failed; not what nulls explain of a metric, for the comparison shows every metric above its nulls."""
    shown_anyway = null_warnings(run.record.overall.representation)
    for line in check_lines(run.record.checks):
        if line.passed is False and line.text not in shown_anyway:
            yield f"{name} warns: {line.text if line.name == 'run' else f'{line.name}: {line.text}'}"


def _left_out(runs: Sequence[RunFiles], names: Sequence[str], tasks: Sequence[str]) -> Iterator[str]:
    """Tasks, conditions and metrics that some run lacks."""
    others = dict.fromkeys(task for run in runs for task in run.record.tasks if task not in tasks)
    if others:
        yield f"left out, as --tasks asks: {listed(list(others))}"
    for what, kept in (
        ("conditions", [conditions_of(run, tasks) for run in runs]),
        ("metrics", [list(run.record.overall.representation) for run in runs]),
    ):
        lacking: dict[str, list[str]] = {}
        for one in dict.fromkeys(one for of in kept for one in of):
            without = [name for name, of in zip(names, kept, strict=True) if one not in of]
            if without:
                lacking.setdefault(listed(without), []).append(one)
        for where, ones in lacking.items():
            yield f"{what} left out, for {where} did not run them: {listed(ones)}"


def _short(value: Any) -> str:
    """A value in an error line, on one line and not too long."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:80]} ... {text[-20:]}"


def _apart(a: str, b: str) -> tuple[str, str]:
    """Two long strings where they begin to differ."""
    same = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    start = max(same - 30, 0)
    return _short(a[start:]), _short(b[start:])
