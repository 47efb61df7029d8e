"""Scores of several models over a task, a group or all tasks, and the paired differences from the first model, with their tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from lsgap_bench.bootstrap import Floats, Weights
from lsgap_bench.comparison_runs import SIDES
from lsgap_bench.differences import group_mean_p_value, paired_p_value
from lsgap_bench.schema import COMPANIONS, Estimate, PValue, absent
from lsgap_bench.stats import group_mean, holm
from lsgap_bench.task_tables import TaskTable
from lsgap_bench.unjudged import for_want_of_votes

QUANTITIES = (*SIDES, "gap")


@dataclass(frozen=True)
class Paired:
    """One model minus the reference, item by item.

    difference: points, 95 % interval over clusters of items. p_holm: adjusted over all differences of one call of `places_of`.
    """

    difference: Estimate
    p_value: PValue
    p_holm: float


@dataclass(frozen=True)
class Place:
    """One task, a group, or all tasks: means over `tasks`. n: items. weights: task -> its weight; none: all weigh the same.

    scores: model -> quantity -> points. differences: the same of every model but the reference.
    """

    name: str
    tasks: tuple[str, ...]
    n: int
    scores: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[str, Mapping[str, Paired]]
    weights: Mapping[str, float] = field(default_factory=dict)


def places_of(
    models: Mapping[str, Mapping[str, TaskTable]],
    places: Mapping[str, Sequence[str]],
    quantities: Sequence[str] = QUANTITIES,
    weights: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[Place, ...]:
    """Every place with every quantity.

    models: model -> task -> table, the reference first; all tables of a task hold the same items. places: name -> tasks. quantities:
    `text`, `speech`, `gap`, other conditions, `base`, `cascade`. weights: place -> task -> its weight, where they do not all weigh the
    same. Several tasks are tested together, each item's difference weighing as much as it weighs in the mean of the tasks.
    """
    reference, *others = models
    uneven = weights or {}
    shares = {name: [uneven[name][task] for task in tasks] if uneven.get(name) else None for name, tasks in places.items()}
    keys = list(product(places, others, quantities))

    def pairs(place: str, model: str, quantity: str) -> list[_Pair]:
        both = [(models[model][task], models[reference][task]) for task in places[place]]
        return [_Pair(_values(a, quantity), _values(b, quantity), b.clusters) for a, b in both]

    def tables_of(place: str, of: Sequence[str]) -> list[TaskTable]:
        return [models[model][task] for model in of for task in places[place]]

    ps = [_p_value(pairs(*key), key[-1], shares[key[0]]) for key in keys]
    adjusted = holm([p.value for p in ps])
    found = {
        key: Paired(_difference(pairs(*key), shares[key[0]]), p, float(p_holm)) for key, p, p_holm in zip(keys, ps, adjusted, strict=True)
    }
    return tuple(
        Place(
            name=name,
            tasks=tuple(tasks),
            n=sum(len(models[reference][task].items) for task in tasks),
            scores={model: {q: _mean([of[task] for task in tasks], q, shares[name]) for q in quantities} for model, of in models.items()},
            differences={
                model: {q: for_want_of_votes(found[name, model, q], tables_of(name, (model, reference)), _needed(q)) for q in quantities}
                for model in others
            },
            weights=uneven.get(name, {}),
        )
        for name, tasks in places.items()
    )


@dataclass(frozen=True)
class _Pair:
    """One task: the values of a model and of the reference, (items,), 0..1, NaN where absent."""

    model: Floats
    reference: Floats
    clusters: Sequence[str]

    @property
    def difference(self) -> Floats:
        return self.model - self.reference


def _values(table: TaskTable, quantity: str) -> Floats:
    if quantity == "gap":
        return table.score("text") - table.score("speech")
    return table.system(quantity) if quantity in COMPANIONS else table.score(quantity)


def _mean(tables: Sequence[TaskTable], quantity: str, weights: Weights) -> Estimate:
    needed = _needed(quantity)
    lacking = [name for name in needed if any(name not in {**t.scores, **t.systems} for t in tables if t.items)]
    if lacking:
        return absent(f"{' and '.join(lacking)} was not run")
    return for_want_of_votes(group_mean([(_values(t, quantity), t.clusters) for t in tables], weights=weights), tables, needed)


def _needed(quantity: str) -> Sequence[str]:
    return SIDES if quantity == "gap" else (quantity,)


def _difference(pairs: Iterable[_Pair], weights: Weights) -> Estimate:
    made = group_mean([(pair.difference, pair.clusters) for pair in pairs], weights=weights)
    return replace(made, method=f"paired {made.method}") if made.method else made


def _p_value(pairs: Sequence[_Pair], quantity: str, weights: Weights) -> PValue:
    if len(pairs) == 1 and quantity != "gap":  # which is neither right nor wrong, though it may happen to be 0 or 1 on every item
        return paired_p_value(pairs[0].model, pairs[0].reference, pairs[0].clusters)
    return group_mean_p_value([(pair.difference, pair.clusters) for pair in pairs], weights)
