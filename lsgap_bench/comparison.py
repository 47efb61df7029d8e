"""Several evaluated models on the same items: run folders -> Comparison, everything that `lsgap compare` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from lsgap_bench.comparison_checks import conditions_of, notes, refuse_difference
from lsgap_bench.comparison_metrics import Against, gap_against_metrics
from lsgap_bench.comparison_places import Place, places_of
from lsgap_bench.comparison_runs import SIDES, RunFiles, questions_sha256, read_runs, shared_tasks, unique_names
from lsgap_bench.lacking import unmeasured_of
from lsgap_bench.measures import agreements_of_models, representation
from lsgap_bench.protocols import choices_of
from lsgap_bench.records import tables_of
from lsgap_bench.schema import Estimate, Record, Representation
from lsgap_bench.task_tables import TaskTable

OVERALL = "Overall"


@dataclass(frozen=True)
class Model:
    """One model of a comparison, with what was measured of it over all compared tasks.

    frames: `text` and `speech` -> what stands around the words in its prompts, `{words}` in their place.
    """

    name: str
    source: Path
    record: Record
    representation: Mapping[str, Representation]
    frames: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Comparison:
    """What `lsgap compare` says. The first model is the reference.

    questions: task -> one hash over what its items ask, the same for every model. places: all tasks together (where there are several),
    groups, tasks; with `text`, `speech` and `gap`. others: the first of them with the other conditions that every model ran, None where
    there is none. against: the gap against each metric. agreement: metric of two systems' answers -> model but the reference -> `text` and
    `speech` -> what it says of its answers and the reference's. notes: what differs between the runs or is left out.
    """

    models: tuple[Model, ...]
    questions: Mapping[str, str]
    places: tuple[Place, ...]
    others: Place | None
    against: tuple[Against, ...]
    agreement: Mapping[str, Mapping[str, Mapping[str, Estimate]]]
    notes: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The model that the others are compared with."""
        return self.models[0].name

    @property
    def overall(self) -> Place:
        """All tasks together; the task itself where there is one only."""
        return self.places[0]


def compare(paths: Sequence[str | Path], tasks: Sequence[str] | None = None) -> Comparison:
    """Compare run folders item by item; the first is the reference.

    tasks: compare these tasks or groups alone; None: all, which every run must have. UsageError where the runs are not comparable, see
    `lsgap_bench.comparison_checks.refuse_difference`.
    """
    runs = read_runs(paths)
    first, *others = runs
    chosen = shared_tasks(runs, tasks)
    for run in others:
        refuse_difference(first, run, chosen)
    names = unique_names(runs)
    parts = _parts(runs, chosen)
    weights = {place: _weights(runs, tasks) for place, tasks in parts.items()}
    whole = next(iter(weights.values()))
    tables = {name: _tables(run, chosen, whole) for name, run in zip(names, runs, strict=True)}
    models = tuple(_model(name, run, list(tables[name].values())) for name, run in zip(names, runs, strict=True))
    places = places_of(tables, parts, weights=weights)
    shared = [c for c in conditions_of(first, chosen) if c not in SIDES and all(c in conditions_of(run, chosen) for run in others)]
    return Comparison(
        models=models,
        questions={task: questions_sha256(first.questions[task]) for task in chosen},
        places=places,
        others=places_of(tables, {places[0].name: places[0].tasks}, shared, weights)[0] if shared else None,
        against=gap_against_metrics({m.name: m.representation for m in models}, {m: of["gap"] for m, of in places[0].scores.items()}),
        agreement=_agreement(tables),
        notes=(*notes(runs, names, chosen), *_unscored(tables)),
    )


def _tables(run: RunFiles, tasks: Sequence[str], weights: Mapping[str, float]) -> dict[str, TaskTable]:
    versions = {task: run.record.tasks[task].version for task in tasks}
    made = run.record.provenance
    return {
        table.task: replace(table, weight=weights.get(table.task, 1.0))
        for table in tables_of(run.rows, versions, choices_of(made)["layers"], unmeasured_of(made))
    }


def _model(name: str, run: RunFiles, tables: Sequence[TaskTable]) -> Model:
    frames = {side: list(dict.fromkeys(frame for t in tables for frame in run.frames(t.task, side))) for side in SIDES}
    return Model(name, run.source, run.record, {m: representation(tables, m) for m in run.record.overall.representation}, frames)


def _agreement(tables: Mapping[str, Mapping[str, TaskTable]]) -> dict[str, dict[str, dict[str, Estimate]]]:
    reference, *others = tables
    found: dict[str, dict[str, dict[str, Estimate]]] = {}
    for model, side in product(others, SIDES):
        for metric, value in agreements_of_models(tables[model], tables[reference], side).items():
            found.setdefault(metric, {}).setdefault(model, {})[side] = value
    return found


def _parts(runs: Sequence[RunFiles], tasks: Sequence[str]) -> dict[str, Sequence[str]]:
    """Place -> its tasks: all together, the groups that a run names and that say something else, the tasks."""
    found: dict[str, Sequence[str]] = {OVERALL: tasks} if len(tasks) > 1 else {}
    seen = {frozenset(tasks)}
    for name, group in ((name, group) for run in runs for name, group in run.record.groups.items()):
        if len(group.tasks) > 1 and set(group.tasks) <= set(tasks) and frozenset(group.tasks) not in seen and name not in found:
            seen.add(frozenset(group.tasks))
            found[name] = group.tasks
    return {**found, **{task: [task] for task in tasks}}


def _weights(runs: Sequence[RunFiles], tasks: Sequence[str]) -> Mapping[str, float]:
    """What the tasks weigh in the first overall mean or group that is made of exactly them; nothing where there is none."""
    means = (mean for run in runs for mean in (run.record.overall, *run.record.groups.values()))
    return next((mean.weights for mean in means if set(mean.tasks) == set(tasks)), {})


def _unscored(tables: Mapping[str, Mapping[str, TaskTable]]) -> Iterator[str]:
    """Items that have no answer, so that they are in no difference; where all of them wait for a judge the tables say so."""
    for model, of in tables.items():
        for task, table in of.items():
            for side in SIDES:
                missing = int(np.isnan(table.scores[side]).sum()) if side in table.scores and side not in table.unjudged else 0
                if missing:
                    yield f"{model} has no {side} score on {missing} of the {len(table.items)} items of {task}, which no difference counts"
