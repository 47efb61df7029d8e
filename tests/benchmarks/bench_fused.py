"""What the fused pass costs beside a bare forward of the same batches: `python tests/benchmarks/bench_fused.py`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from lsgap_bench.harness import load_tasks
from lsgap_bench.layer_hooks import Measure
from lsgap_bench.models.adapter import Batch, LayerHook, OptionScores, Prefill
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.observe import Observer, Plan
from lsgap_bench.registry import metrics
from lsgap_bench.resources import DEMO_MODEL
from lsgap_bench.schema import Condition, Item
from lsgap_bench.store import open_store

REPEATS = 5
STATES = tuple(name for name in metrics if metrics[name].needs == "states")


class Stopwatch:
    """Seconds by name, summed over the calls of what `around` wraps."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed under `name`."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[name] += time.perf_counter() - start

        return timed


class Timed(HFSpeech):
    """The demo model, whose steps are timed and whose batches are kept for the bare run."""

    def start(self, watch: Stopwatch) -> None:
        self.watch, self.batches = watch, list[Batch]()
        self._encode, self._prefill = watch.around("encode", super().encode), watch.around("forward", super().prefill)
        self._score, self._write = watch.around("answers", super().score_options), watch.around("answers", super().generate)

    def encode(self, contents: Sequence[Any], systems: Sequence[str | None]) -> Batch:
        return self._encode(contents, systems)

    def prefill(self, batch: Batch, hook: LayerHook | None = None) -> Prefill:
        self.batches.append(batch)
        return self._prefill(batch, hook)

    def score_options(self, prefill: Prefill, options: Any) -> list[OptionScores]:
        return self._score(prefill, options)

    def generate(self, prefill: Prefill, settings: Any, seeds: Any) -> list[str]:
        return self._write(prefill, settings, seeds)


def items_of(tasks: Sequence[str]) -> list[Item]:
    """Every item of the shipped tasks."""
    return [task.item(doc, k) for task in load_tasks(tasks).paired.values() for k, doc in enumerate(task.test_docs())]


def fused(lm: Timed, items: Sequence[Item], names: Sequence[str]) -> Stopwatch:
    """One fused run over text and speech; its seconds by step."""
    watch = Stopwatch()
    lm.start(watch)
    plan = Plan((Condition.parse("text"), Condition.parse("speech")), tuple(names), batch_size=32)
    with open_store(None, False) as store:
        observer = Observer(items, lm, plan)
        lm.start(watch)  # the lengths of the texts belong to the planning, not to the pass
        watch.seconds.clear()
        observer._stack = watch.around("stack", observer._stack)
        curves, Measure.curves = Measure.curves, watch.around("curves", Measure.curves)
        try:
            watch.around("total", observer.observe)(store)
        finally:
            Measure.curves = curves
    return watch


def bare(lm: Timed) -> float:
    """Seconds of the forwards alone, over the batches of the last fused run."""
    batches = [replace(batch) for batch in lm.batches]  # without what the fused run kept of them
    start = time.perf_counter()
    for batch in batches:
        HFSpeech.prefill(lm, batch)
    return time.perf_counter() - start


def main() -> None:
    """Interleave the variants and print the shortest of each."""
    torch.set_num_threads(1)
    lm, items = Timed.__new__(Timed), items_of(["lsgap_mini"])
    HFSpeech.__init__(lm, str(DEMO_MODEL), device="cpu")
    runs, alone = [], []
    for _ in range(REPEATS):
        runs.append(fused(lm, items, STATES).seconds)
        alone.append(bare(lm))
    best = {name: min(run[name] for run in runs) for name in runs[0]}
    forward, floor = min(run["forward"] + run["stack"] + run["curves"] for run in runs), min(alone)
    print(f"{len(items)} items, {len(lm.batches)} batches, {len(STATES)} metrics with both nulls, 1 thread, shortest of {REPEATS}")
    print(f"forwards alone {floor:.2f} s; with hooks and metrics {best['forward']:.2f} s; with stacking and curves {forward:.2f} s")
    print(f"ratio of the fused forwards to the bare ones {best['forward'] / floor:.3f}, with stacking and curves {forward / floor:.3f}")
    print("whole pass: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in sorted(best.items(), key=lambda kv: -kv[1])))


if __name__ == "__main__":
    main()
