"""A series item by item: which items a checkpoint loses in speech and whether a metric tells them, and each item's gains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lsgap_bench.bootstrap import Floats
from lsgap_bench.measures import mean_over_layers
from lsgap_bench.protocols import choices_of
from lsgap_bench.records import SAMPLES, read_tables
from lsgap_bench.registry import metrics
from lsgap_bench.regressions import mean_over_runs
from lsgap_bench.schema import Estimate, absent
from lsgap_bench.series import QUANTITIES, Checkpoint
from lsgap_bench.stats import flip_auroc, paired_test
from lsgap_bench.task_tables import TaskTable

FLIP_QUANTITIES = ("value", "same_task")


@dataclass(frozen=True)
class Items:
    """One checkpoint's items of all tasks, row by row. clusters: dependent items share a name, across checkpoints too.

    text, speech: scores, (n,). measured: (metric, quantity) -> (n,), mean over the record's layers, turned so that higher means better
    aligned.
    gains: condition -> (n,), (treated - plain) score over the task's number of items, so that the sum is tasks x mean gain.
    """

    tasks: Sequence[str]
    clusters: Sequence[str]
    text: Floats
    speech: Floats
    measured: Mapping[tuple[str, str], Floats]
    gains: Mapping[str, Floats]

    @property
    def binary(self) -> Floats:
        """(n,) bool: items of tasks whose answers are right or wrong, not graded."""
        both = np.isin(self.text, (0.0, 1.0)) & np.isin(self.speech, (0.0, 1.0))
        names = np.asarray(self.tasks)
        graded = {name for name in set(self.tasks) if not both[names == name].all()}
        return np.array([name not in graded for name in self.tasks])


@dataclass(frozen=True)
class FlipResult:
    """AUROC of a metric: among items right in text, does one kept in speech score higher than one lost? 0.5: no better than a coin.

    pooled: all checkpoints' items together; net: the same after standardising within each checkpoint and task, so that neither the
    difficulty of a task nor the progress of training can drive it. Both with intervals over questions. mean: of the checkpoints' net
    values, interval over training runs. checkpoints: name -> its own AUROC (not net), interval over questions.
    """

    metric: str
    quantity: str
    pooled: Estimate
    net: Estimate
    mean: Estimate
    checkpoints: Mapping[str, Estimate]


def read_items(checkpoint: Checkpoint) -> Items | str:
    """The items of a checkpoint from its samples and curves, or the reason why there are none. UsageError for samples that are broken."""
    if checkpoint.folder is None or not (checkpoint.folder / SAMPLES).is_file():
        return f"{checkpoint.source} holds no {SAMPLES}"
    versions = {name: task.version for name, task in checkpoint.record.tasks.items()}
    layers = choices_of(checkpoint.record.provenance)["layers"]
    tables = [table for table in read_tables(checkpoint.folder, versions, layers) if table.items]
    if not tables:
        return f"{checkpoint.source} holds no items"
    per_item = [metric for metric in checkpoint.representation if all(metric in table.curves for table in tables)]
    wanted = [(metric, quantity) for metric in per_item for quantity in FLIP_QUANTITIES]
    return Items(
        tasks=[t.task for t in tables for _ in t.items],
        clusters=[name for t in tables for name in t.clusters],
        text=np.concatenate([t.score("text") for t in tables]),
        speech=np.concatenate([t.score("speech") for t in tables]),
        measured={key: np.concatenate([_measured(t, *key) for t in tables]) for key in wanted},
        gains={c: np.concatenate([(t.score(c) - t.score("speech")) / len(t.items) for t in tables]) for c in checkpoint.interventions},
    )


def flip_results(checkpoints: Sequence[Checkpoint], items: Sequence[Items]) -> list[FlipResult]:
    """One result per metric and quantity. checkpoints, items: side by side."""
    wanted = list(items[0].measured) if items else []
    return [_flips(metric, quantity, checkpoints, items) for metric, quantity in wanted]


def gain_p_value(items: Sequence[Items], condition: str, control: str | None = None, seed: int = 0) -> float:
    """Sign-flip p-value of a condition's mean gain over the checkpoints that ran it; all answers to one question are flipped together.

    control: the gain beyond this condition's instead. NaN where none ran it.
    """
    used = [of for of in items if condition in of.gains and (control is None or control in of.gains)]
    if not used:
        return math.nan
    gains = np.concatenate([of.gains[condition] for of in used])
    against = np.zeros_like(gains) if control is None else np.concatenate([of.gains[control] for of in used])
    return paired_test(gains, against, [name for of in used for name in of.clusters], seed)


def _measured(table: TaskTable, metric: str, quantity: str) -> Floats:
    sides = table.curves.get(metric)
    if sides is None:
        return np.full(len(table.items), np.nan)
    value = mean_over_layers(sides["matched"], table.layers)
    if quantity != "value":
        value = value - mean_over_layers(sides[quantity], table.layers)
    return -value if metric in metrics and metrics[metric].higher_is_better is False else value


def _flips(metric: str, quantity: str, checkpoints: Sequence[Checkpoint], items: Sequence[Items]) -> FlipResult:
    key = (metric, quantity)
    own = {c.name: _auroc([of], [of.measured[key]]) for c, of in zip(checkpoints, items, strict=True)}
    nets = [_net(of, key) for of in items]
    net_of_each = [_auroc([of], [net]).value for of, net in zip(items, nets, strict=True)]
    return FlipResult(
        metric=metric,
        quantity=quantity,
        pooled=_auroc(items, [of.measured[key] for of in items]),
        net=_auroc(items, nets),
        mean=mean_over_runs(net_of_each, [c.run for c in checkpoints], "AUROC"),
        checkpoints=own,
    )


def _auroc(items: Sequence[Items], scores: Sequence[Floats]) -> Estimate:
    used = np.concatenate([of.binary for of in items])
    if not used.any():
        return absent("answers are graded, so no item is right or wrong", "AUROC")
    text, speech, score = (np.concatenate(side)[used] for side in ([of.text for of in items], [of.speech for of in items], scores))
    names = [name for of in items for name in of.clusters]
    return flip_auroc(score, text, speech, [name for name, keep in zip(names, used, strict=True) if keep])


def _net(items: Items, key: tuple[str, str]) -> Floats:
    """Standardised over the items right in text, within each task; NaN elsewhere and where a task's items do not differ."""
    values, net = items.measured[key], np.full(len(items.text), np.nan)
    names = np.asarray(items.tasks)
    for name in set(items.tasks):
        own = (names == name) & (items.text == 1) & np.isfinite(values)
        spread = values[own].std() if own.sum() > 1 else 0.0
        if spread > 0:
            net[own] = np.round((values[own] - values[own].mean()) / spread, 9)  # so that rounding breaks no tie
    return net


def label(metric: str, quantity: str) -> str:
    """`pooled_cosine`, `pooled_cosine above same_task`."""
    return f"{metric} {QUANTITIES[quantity]}".strip()
