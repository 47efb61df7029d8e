"""The embedded model, a few shipped items and a small finished run, each made once for all tests: `demo_run.model()`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

from lsgap_bench.models.adapter import Batch, LayerHook, Prefill
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.observe import Observer, Plan
from lsgap_bench.resources import DEMO_MODEL, resource
from lsgap_bench.run import Evaluation, evaluate
from lsgap_bench.schema import Condition, Generation, Item, Observation
from lsgap_bench.speech.clips import clip_from_bytes
from lsgap_bench.store import open_store

torch.set_num_threads(1)

TASKS = ("lsgap_mini_opposites", "lsgap_mini_days", "lsgap_mini_numbers")
INTERVENTION = "speech+angle_projection:bottom3@0"


@cache
def model() -> HFSpeech:
    """The embedded model on the CPU."""
    return HFSpeech(str(DEMO_MODEL), device="cpu")


@cache
def items(number: int = 4, tasks: tuple[str, ...] = TASKS) -> tuple[Item, ...]:
    """The first items of some shipped tasks, read without the harness; every question comes in two voices."""
    return tuple(_item(task, k, row) for task in tasks for k, row in enumerate(_rows(task, number)))


def _rows(task: str, number: int) -> list[dict[str, Any]]:
    file = resource("tasks") / "lsgap_mini" / "data" / f"{task.removeprefix('lsgap_mini_')}.parquet"
    rows: list[dict[str, Any]] = pq.read_table(file).slice(0, number).to_pylist()
    return rows


def _item(task: str, number: int, row: Mapping[str, Any]) -> Item:
    encoded = row["audio"]["bytes"]
    return Item(
        id=f"{task}/{number}",
        task=task,
        text=row["question"],
        clip=clip_from_bytes(lambda: encoded, f"{task} {number}"),
        target=row["answer"],
        cluster=row["content"],
        family=task,
        options=tuple(row["options"]),
        chance=1 / len(row["options"]) if row["options"] else 0.5,
        generation=Generation(max_new_tokens=4),
    )


class Wrapped:
    """A model with one thing changed: everything that a subclass does not define is the embedded model's."""

    def __init__(self, inner: Any = None) -> None:
        self.inner = inner or model()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Counted(Wrapped):
    """Counts forwards. spoken, written: the number of items in each prefill of that modality."""

    def __init__(self, inner: Any = None) -> None:
        super().__init__(inner)
        self.spoken: list[int] = []
        self.written: list[int] = []

    def prefill(self, batch: Batch, hook: LayerHook | None = None) -> Prefill:
        (self.spoken if "input_features" in batch.inputs else self.written).append(len(batch))
        prefill: Prefill = self.inner.prefill(batch, hook)
        return prefill


def plan(*conditions: str, metrics: Sequence[str] = (), batch_size: int = 4, seed: int = 0, canary: int = 0) -> Plan:
    """A plan by the names of its conditions."""
    return Plan(tuple(Condition.parse(name) for name in conditions), tuple(metrics), batch_size, seed, canary)


def observe(of: Sequence[Item], wanted: Plan, with_model: Any = None, folder: Path | None = None) -> dict[tuple[str, str], Observation]:
    """Observations of items under a plan, kept in a folder if there is one."""
    observer = Observer(of, with_model or model(), wanted)
    with open_store(folder, resume=True) as store:
        return observer.observe(store)


@cache
def evaluation() -> Evaluation:
    """A finished run: six items of three tasks, both forms, one intervention, all metrics; its folder goes with the process."""
    folder = tempfile.TemporaryDirectory()
    _kept.append(folder)
    return evaluate(tasks=TASKS, conditions=[INTERVENTION], limit=6, output_path=f"{folder.name}/run", device="cpu")


_kept: list[Any] = []
