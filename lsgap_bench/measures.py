"""From curves and answers to what representation metrics, answer metrics and two systems' agreement say of one task or of several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from lsgap_bench.bootstrap import Floats
from lsgap_bench.dependence import rank_dependence
from lsgap_bench.protocols import DEFAULT_LAYERS
from lsgap_bench.registry import metrics
from lsgap_bench.run_rows import OTHER_CLIP
from lsgap_bench.schema import SIDES, AnswerMeasure, Estimate, Representation, Side, absent
from lsgap_bench.stats import group_bands, group_mean
from lsgap_bench.task_tables import TaskTable, weights_of

NULLS = SIDES[1:]
MOST = 0.5
"""From which share on a null explains most of a value."""
NAMED = 3
"""Metrics that such a warning names."""
SYSTEMS = ("base", "text", "cascade", "speech")
"""Whose answers are compared: the text model, the speech model on text, recognizer + text model, the speech model on speech."""
LAYERS: Mapping[str, slice] = {"1..L": slice(1, None), "0..L": slice(None), "1..L-1": slice(1, -1)}
"""The columns of a curve over layers 0..L that each value of the choice `layers` takes."""


class _Curves(NamedTuple):
    """One metric on one task. sides: side -> (rows, L + 1). clusters: a name per row. items: how many the rows stand for."""

    sides: dict[Side, Floats]
    clusters: Sequence[str]
    items: int


def mean_over_layers(curves: Floats, layers: str = DEFAULT_LAYERS) -> Floats:
    """Per row, the mean over layers: (n, L + 1) -> (n,). A layer without a value is left out; NaN if all are.

    layers: the value of the choice `layers`, 1..L by default (paper section 4). A single column, of a metric of the logits, is the value
    itself.
    """
    if curves.shape[1] == 1:
        return curves[:, 0]
    inner = curves[:, LAYERS[layers]]
    count = np.isfinite(inner).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, np.nansum(inner, axis=1) / count, np.nan))


def representation(tables: Sequence[TaskTable], name: str, by_length: bool = False) -> Representation:
    """One metric over the items of one task, or the mean over several. by_length: also how it goes with the number of speech tokens."""
    if not any(name in table.curves or name in table.blocks for table in tables):
        return _unmeasured(tables, name)
    found = [_curves(table, name, tables) for table in tables]
    means = [{side: mean_over_layers(of.sides[side], table.layers) for side in SIDES} for of, table in zip(found, tables, strict=True)]
    unit = metrics[name].unit if name in metrics else next((t.units[name] for t in tables if name in t.units), "")

    def over(values: Sequence[Floats]) -> Estimate:
        made = group_mean([(v, of.clusters) for v, of in zip(values, found, strict=True)], unit, 1.0, weights=weights_of(tables))
        return _explained(replace(made, n=sum(of.items for of in found)) if many else made, name)

    many = any(name in table.blocks for table in tables)
    layers = {side: group_bands([(of.sides[side], of.clusters) for of in found], unit, weights_of(tables)) for side in SIDES}
    return Representation(
        value=over([of["matched"] for of in means]),
        null={side: over([of[side] for of in means]) for side in NULLS},
        above_null={side: over([of["matched"] - of[side] for of in means]) for side in NULLS},
        by_layer=[e.value for e in layers["matched"]],
        by_layer_null={side: [e.value for e in layers[side]] for side in NULLS},
        by_layer_band={side: [(e.low, e.high) for e in bands] for side, bands in layers.items()},
        unit=unit,
        by_length=_by_length(tables, means) if by_length and not many else {},
    )


def _unmeasured(tables: Sequence[TaskTable], name: str) -> Representation:
    """Of a metric that no table holds: absent, with the reason."""
    unit = metrics[name].unit if name in metrics else ""
    why = next((table.unmeasured[name] for table in tables if name in table.unmeasured), "not measured in this run")
    nothing = absent(why, unit)
    return Representation(
        value=nothing,
        null=dict.fromkeys(NULLS, nothing),
        above_null=dict.fromkeys(NULLS, nothing),
        by_layer=[math.nan],
        by_layer_null={side: [math.nan] for side in NULLS},
        by_layer_band={side: [(math.nan, math.nan)] for side in SIDES},
        unit=unit,
    )


def _explained(made: Estimate, name: str) -> Estimate:
    """With the metric's own reason where no item has a value."""
    plain = math.isnan(made.value) and made.why == "no item has a value" and name in metrics
    return replace(made, why=metrics[name].absent) if plain else made


def _by_length(tables: Sequence[TaskTable], means: Sequence[dict[Side, Floats]]) -> dict[str, Estimate]:
    """How the value, and its distance above each null, goes with the number of speech tokens, within tasks."""
    sides: dict[str, list[Floats]] = {"matched": [of["matched"] for of in means]}
    sides |= {side: [of["matched"] - of[side] for of in means] for side in NULLS}
    return {
        side: rank_dependence([(of, table.lengths, table.clusters) for of, table in zip(values, tables, strict=True)])
        for side, values in sides.items()
    }


def _curves(table: TaskTable, name: str, tables: Sequence[TaskTable]) -> _Curves:
    if name in table.blocks:
        of = table.blocks[name]
        return _Curves({side: of.sides[side] for side in SIDES}, of.groups, of.items)
    if name in table.curves:
        return _Curves({side: table.curves[name][side] for side in SIDES}, table.clusters, len(table.items))
    # a task without items keeps its place, and makes the mean absent
    elsewhere = next(t for t in tables if name in t.blocks or name in t.curves)
    columns = _curves(elsewhere, name, tables).sides["matched"].shape[1]
    return _Curves({side: np.empty((0, columns)) for side in SIDES}, (), 0)


def null_share(of: Representation, higher_is_better: bool | None, side: str) -> float:
    """How much of a metric's value its null explains, a fraction: null / value, or value / null where lower is better.

    NaN where neither direction is better, and where value or null is not above 0, so that a share means nothing.
    """
    value, null = of.value.value, of.null[side].value if side in of.null else math.nan
    if higher_is_better is None or not (value > 0 and null > 0):
        return math.nan
    return null / value if higher_is_better else value / null


def null_warnings(found: Mapping[str, Representation]) -> list[str]:
    """One line for each null that explains more than half of some metrics' values, naming those of the largest shares."""
    lines = []
    for side in NULLS:
        shares = {name: null_share(of, metrics[name].higher_is_better, side) for name, of in found.items() if name in metrics}
        most = sorted((name for name, share in shares.items() if share > MOST), key=lambda name: -shares[name])
        if most:
            named = ", ".join(f"{name} {100 * shares[name]:.0f} %" for name in most[:NAMED])
            more = f" and {len(most) - NAMED} more" if len(most) > NAMED else ""
            lines.append(f"the {side} null explains most of {named}{more}: read the distance above it, not the value")
    return lines


def answer_measures(tables: Sequence[TaskTable]) -> dict[str, AnswerMeasure]:
    """The answer metrics of one task, or the mean over those of several that have any value of it; n tells how many items."""
    filled = [table for table in tables if table.items]
    names = [name for name in (filled[0].measures if filled else ()) if all(name in table.measures for table in filled)]
    return {name: _answer_measure(tables, name) for name in names}


def _answer_measure(tables: Sequence[TaskTable], name: str) -> AnswerMeasure:
    unit = metrics[name].unit
    why = next((table.unmeasured[name] for table in tables if name in table.unmeasured), metrics[name].absent)
    scale = 100.0 if unit == "points" else 1.0
    # a task without items keeps its place, and makes the mean absent
    columns = [table.measures.get(name, dict.fromkeys(("speech", OTHER_CLIP), np.empty(0))) for table in tables]
    if all(np.isnan(of["speech"]).all() for of in columns):
        nothing = absent(why, unit)
        return AnswerMeasure(nothing, nothing, nothing, unit)
    weights = weights_of(tables)
    awaited = [not table.items or (metrics[name].reads_scores and bool(table.unjudged)) for table in tables]
    used = [k for k, of in enumerate(columns) if awaited[k] or not np.isnan(of["speech"]).all()]

    def over(values: Sequence[Floats]) -> Estimate:
        return group_mean([(values[k], tables[k].clusters) for k in used], unit, scale, weights=[weights[k] for k in used])

    return AnswerMeasure(
        value=over([of["speech"] for of in columns]),
        null=over([of[OTHER_CLIP] for of in columns]),
        above_null=over([of["speech"] - of[OTHER_CLIP] for of in columns]),
        unit=unit,
    )


def agreements(tables: Sequence[TaskTable]) -> dict[str, dict[str, Estimate]]:
    """Metric of two systems' answers -> `text|speech` and so on -> what it says, for all pairs of systems that were run on every task."""
    filled = [table for table in tables if table.items]
    run = [name for name in SYSTEMS if filled and all(name in table.labels for table in filled)]
    pairs = {
        f"{one}|{other}": [(t.labels[one], t.labels[other], t.clusters, t.weight) for t in filled] for one, other in combinations(run, 2)
    }
    return {name: {pair: metrics[name].compute(parts) for pair, parts in pairs.items()} for name in _of_systems()}


def agreements_of_models(tables: Mapping[str, TaskTable], others: Mapping[str, TaskTable], side: str) -> dict[str, Estimate]:
    """Metric of two systems' answers -> what it says of the answers of two models to the same items; side: `text` or `speech`.

    tables, others: task -> table of each model, in both of which a task holds the same items. Absent where a task was not run on the side,
    or not judged.
    """
    both = [
        (table.labels.get(side), others[task].labels.get(side), table.clusters, table.weight)
        for task, table in tables.items()
        if table.items
    ]
    if not all(one and other for one, other, *_ in both):
        unjudged = (table.unjudged[side] for table in (*tables.values(), *others.values()) if side in table.unjudged)
        why = next(unjudged, f"{side} was not run")
        return {name: absent(why, metrics[name].unit) for name in _of_systems()}
    return {name: metrics[name].compute(both) for name in _of_systems()}


def _of_systems() -> list[str]:
    return [name for name in metrics if metrics[name].needs == "systems"]
