"""Many run folders -> a Series: the checkpoints of training runs, known by their tags `run` and `step`, as one checked table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsgap_bench.bootstrap import Floats
from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.records import RECORD, read_record
from lsgap_bench.schema import Estimate, InterventionResult, Record, Representation, absent

SCORES = ("text", "speech", "gap")
SYSTEMS = ("base", "cascade", "erosion", "recovery")
QUANTITIES = {"value": "", "same_task": "above same_task", "other_task": "above other_task"}
"""What there is of each representation metric, and how it is called behind the metric's name."""
SAME = {
    "tasks_sha256": "other task files",
    "data_sha256": "other items",
}


@dataclass(frozen=True)
class Checkpoint:
    """One evaluated checkpoint. run: the training run it comes from. step: of that training. tags: all others of its record.

    source: the run folder, or the record's file. Everything measured is that of the record's overall group.
    """

    source: Path
    run: str
    step: float
    tags: Mapping[str, str]
    record: Record

    @property
    def name(self) -> str:
        """`a@2000`."""
        return f"{self.run}@{self.step:g}"

    @property
    def folder(self) -> Path | None:
        """The run folder with the samples; None where only a record was given."""
        return self.source if self.source.is_dir() else None

    @property
    def representation(self) -> Mapping[str, Representation]:
        """Metric -> what was measured."""
        return self.record.overall.representation

    @property
    def interventions(self) -> Mapping[str, InterventionResult]:
        """Condition -> what it changed against plain speech."""
        return self.record.overall.interventions

    def estimate(self, name: str) -> Estimate:
        """`text`, `speech`, `gap` in points; `base`, `cascade`, `erosion`, `recovery`, absent where those systems were not run."""
        if name in ("text", "speech"):
            return self.record.overall.scores.get(name, absent(f"{name} was not run"))
        found: Estimate = getattr(self.record.overall, name)
        return found

    def measured(self, metric: str, quantity: str) -> Estimate:
        """A metric's `value`, or its distance above the null `same_task` or `other_task`."""
        of = self.representation[metric]
        return of.value if quantity == "value" else of.above_null.get(quantity, absent(f"no {quantity} null", of.unit))


@dataclass(frozen=True)
class Series:
    """Checkpoints on the same tasks, items and metrics, in the order of run and step."""

    checkpoints: tuple[Checkpoint, ...]

    def __len__(self) -> int:
        return len(self.checkpoints)

    @property
    def runs(self) -> list[str]:
        """The training run of each checkpoint."""
        return [c.run for c in self.checkpoints]

    @property
    def steps(self) -> Floats:
        """(checkpoints,)."""
        return np.array([c.step for c in self.checkpoints], dtype=np.float64)

    @property
    def log_steps(self) -> Floats:
        """Natural logarithm of the steps, (checkpoints,); NaN for step 0, which has none."""
        return np.array([math.log(c.step) if c.step > 0 else math.nan for c in self.checkpoints], dtype=np.float64)

    @property
    def metrics(self) -> list[str]:
        """Representation metrics, the same for every checkpoint."""
        return list(self.checkpoints[0].representation)

    @property
    def conditions(self) -> list[str]:
        """Interventions that any checkpoint ran, in their first order."""
        return list(dict.fromkeys(name for c in self.checkpoints for name in c.interventions))

    def values(self, name: str) -> Floats:
        """`Checkpoint.estimate(name)` as (checkpoints,), NaN where absent."""
        return np.array([c.estimate(name).value for c in self.checkpoints], dtype=np.float64)

    def measured(self, metric: str, quantity: str) -> Floats:
        """`Checkpoint.measured` as (checkpoints,), NaN where absent."""
        return np.array([c.measured(metric, quantity).value for c in self.checkpoints], dtype=np.float64)

    def by_layer(self, metric: str, quantity: str = "value") -> Floats | None:
        """(checkpoints, L + 1), layers 0..L; None where checkpoints differ in their number of layers, or it has none."""
        curves = [layer_curve(c.representation[metric], quantity) for c in self.checkpoints]
        if not self.checkpoints[0].representation[metric].layered:
            return None
        return np.array(curves) if len({len(curve) for curve in curves}) == 1 else None

    def parts(self, tag: str) -> dict[str, Series]:
        """The checkpoints of each value of a tag. UsageError for a checkpoint without it."""
        for c in self.checkpoints:
            if tag not in c.tags:
                known = {name for other in self.checkpoints for name in other.tags}
                hint = did_you_mean(tag, known)
                raise UsageError(f"{c.source}: its record has no tag '{tag}' (--by {tag}); {hint}{_retag(c.source, tag)}")
        names = list(dict.fromkeys(c.tags[tag] for c in self.checkpoints))
        return {name: Series(tuple(c for c in self.checkpoints if c.tags[tag] == name)) for name in names}


def layer_curve(of: Representation, quantity: str) -> Floats:
    """(L + 1,), layers 0..L, of a metric's value or of its distance above a null; NaN where absent."""
    matched = np.asarray(of.by_layer, dtype=np.float64)
    if quantity == "value":
        return matched
    return np.asarray(matched - np.asarray(of.by_layer_null.get(quantity, [math.nan] * len(matched)), dtype=np.float64))


def load_series(paths: Sequence[str | Path]) -> Series:
    """The checkpoints of run folders (or of record.json files alone), checked against each other.

    UsageError, naming the folder: no record; no tag `run` or `step`; a step that is no number; a run and step given twice; no paired
    task; other tasks, items or metrics than the first one.
    """
    if len(paths) < 2:
        raise UsageError(f"a series needs at least two run folders, this is {len(paths)}; give one per checkpoint, such as sweep/*")
    loaded = [_checkpoint(Path(path)) for path in paths]
    first = loaded[0]
    seen: dict[tuple[str, float], Checkpoint] = {}
    for c in loaded:
        if (c.run, c.step) in seen:
            there = seen[c.run, c.step].source
            raise UsageError(f"{c.source} and {there} are both run={c.run}, step={c.step:g}; give each checkpoint once, or tag them apart")
        seen[c.run, c.step] = c
        _refuse_difference(first, c)
    return Series(tuple(sorted(loaded, key=lambda c: (c.run, c.step))))


def _checkpoint(source: Path) -> Checkpoint:
    record = read_record(source / RECORD if source.is_dir() or source.suffix != ".json" else source)
    if not record.tasks:
        raise UsageError(f"{source}: no paired task was run, so there is no gap; run it on paired tasks, or leave it out")
    tags = {key: value for key, value in record.tags.items() if value is not None and str(value).strip()}
    for tag in ("run", "step"):
        if tag not in tags:
            raise UsageError(f"{source}: its record has no tag '{tag}'{_retag(source, tag)}")
    step = _step(tags["step"])
    if step is None:
        raise UsageError(f"{source}: step={tags['step']} is no number from 0 on; tag it as in `--tag run=NAME,step=2000`")
    others = {key: str(value) for key, value in tags.items() if key not in ("run", "step")}
    return Checkpoint(source, str(tags["run"]), step, others, record)


def _retag(source: Path, tag: str) -> str:
    """The remedy for a missing tag: what was observed is kept, so the same command again costs next to nothing."""
    asked = "run=NAME,step=NUMBER" + ("" if tag in ("run", "step") else f",{tag}=VALUE")
    again = f" --output_path {source}" if source.is_dir() else ""
    return f"; give the same `lsgap run` command again with --tag {asked}{again}, which keeps what is observed"


def _step(value: Any) -> float | None:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _refuse_difference(first: Checkpoint, other: Checkpoint) -> None:
    """Checkpoints are comparable on the same ground only."""
    pair = f"{other.source} and {first.source}"
    if list(other.record.overall.tasks) != list(first.record.overall.tasks):
        named = sorted(set(other.record.overall.tasks) ^ set(first.record.overall.tasks)) or ["their order"]
        raise UsageError(f"{pair} are on different tasks ({', '.join(named)}); run both on the same --tasks")
    for key, words in SAME.items():
        if other.record.provenance.get(key) != first.record.provenance.get(key):
            raise UsageError(f"{pair} are on {words} ({key} differs); run both on the same task files, data and --limit")
    differing = sorted(set(other.representation) ^ set(first.representation))
    if differing:
        raise UsageError(f"{pair} have different metrics ({', '.join(differing)}); run both with the same --metrics")
