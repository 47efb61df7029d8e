"""What each representation metric costs, nulls included, beside the bare forwards: `python tests/benchmarks/bench_metrics.py`.

On the embedded model, and on one of the same architecture with random weights whose decoder has the width and depth of a small real one.
Metrics share matrices of similarities, which are charged to the first one that needs them: so the paper's own come first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from bench_fused import Stopwatch, Timed, bare, fused, items_of
from transformers import AutoProcessor

from lsgap_bench.lab.architecture import Size, build_encoder, build_speech_model, build_text_model
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.protocols import PROTOCOLS
from lsgap_bench.registry import REPRESENTATION, metrics
from lsgap_bench.resources import DEMO_MODEL
from lsgap_bench.schema import Item

SMALL = Size(width=1024, layers=16, heads=16)
REPEATS = 3
PAPER = [name for name in PROTOCOLS["emnlp2025"].metrics if metrics[name].needs in REPRESENTATION]
ADDED = [name for name in metrics if metrics[name].needs in REPRESENTATION and name not in PAPER]


def seconds_of(lm: Timed, items: Sequence[Item]) -> dict[str, float]:
    """Seconds by metric, and of the bare forwards under `forwards`; one fused run of all metrics."""
    watch, plain = Stopwatch(), {name: metrics[name] for name in (*PAPER, *ADDED)}
    try:
        for name, metric in plain.items():
            metrics._found[name] = replace(metric, compute=watch.around(name, metric.compute))
        fused(lm, items, [*PAPER, *ADDED])
    finally:
        metrics._found.update(plain)
    return {**watch.seconds, "forwards": bare(lm)}


def show(lm: Timed, items: Sequence[Item], what: str) -> None:
    """The shortest of a few runs."""
    runs = [seconds_of(lm, items) for _ in range(REPEATS)]
    best = {name: min(run[name] for run in runs) for name in runs[0]}
    forwards = best.pop("forwards")
    print(f"{what}: {len(items)} items, {lm.num_layers} layers, forwards alone {forwards:.2f} s; share of them, with both nulls:")
    for title, names in (("the paper's", PAPER), ("added", ADDED)):
        print(f"  {title}, {sum(best[name] for name in names) / forwards:.1%} together")
        for name in names:
            print(f"    {name:34} {best[name] / forwards:7.2%}")


def main() -> None:
    """Both models, one thread."""
    torch.set_num_threads(1)
    items = items_of(["lsgap_mini"])
    with tempfile.TemporaryDirectory() as folder:
        build_speech_model(build_text_model(SMALL, 0), build_encoder(0), 0).save_pretrained(folder)
        AutoProcessor.from_pretrained(DEMO_MODEL).save_pretrained(folder)
        for path, some, what in ((DEMO_MODEL, items[::2], "embedded model"), (Path(folder), items[::25], f"random weights, {SMALL}")):
            lm = Timed.__new__(Timed)
            HFSpeech.__init__(lm, str(path), device="cpu")
            show(lm, some, what)


if __name__ == "__main__":
    main()
