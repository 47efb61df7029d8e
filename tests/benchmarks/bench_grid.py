"""What a grid of 40 interventions costs with the clips heard once per batch, and in full: `python tests/benchmarks/bench_grid.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import torch

from lsgap_bench.models import hf_speech
from lsgap_bench.run import Evaluation, evaluate

GRID = "speech+{angle_projection,length_normalization}:{bottom3,all,random3,top3}@{0,1,2,3,all}"
LIMIT, REPEATS = 8, 3


@contextmanager
def in_full() -> Iterator[None]:
    """Inside the `with`, every forward runs the audio tower and the projector anew."""
    with patch.object(hf_speech, "replayed", lambda modules, kept: nullcontext()):
        yield


def timed(way: Any) -> tuple[float, Evaluation]:
    """Seconds of one whole evaluation, and what it found."""
    start = time.process_time()
    with way:
        found = evaluate(conditions=[GRID], metrics=[], limit=LIMIT, device="cpu")
    return time.process_time() - start, found


def logits(found: Evaluation) -> list[str]:
    """The digests of all logits after the prompt."""
    return [o.logits_sha256 for pairs in found.pairs.values() for pair in pairs for o in pair.observations.values()]


def main() -> None:
    """Run both ways in turn and print the shortest of each."""
    torch.set_num_threads(1)
    runs = [(timed(in_full()), timed(nullcontext())) for _ in range(REPEATS)]
    slow, fast = (min(run[way][0] for run in runs) for way in (0, 1))
    same = logits(runs[0][0][1]) == logits(runs[0][1][1])
    print(f"{GRID}: 40 conditions beside text and speech, {LIMIT} items a task, demo model, 1 thread, shortest of {REPEATS}")
    print(f"in full {slow:.1f} s, clips heard once {fast:.1f} s: {100 * (1 - fast / slow):.0f} % saved; logits bit-equal: {same}")


if __name__ == "__main__":
    main()
