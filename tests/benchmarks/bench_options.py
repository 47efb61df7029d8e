"""How much faster four options are scored from the shared prefix than by four full forwards: `python tests/benchmarks/bench_options.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from lsgap_bench.models import windows
from lsgap_bench.models.adapter import Batch
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.resources import DEMO_MODEL

sys.path.insert(0, str(Path(__file__).parents[1]))
import tiny_models

BATCH, OPTIONS, TOKENS, REPEATS = 8, 4, 4, 7


def full_forwards(lm: HFSpeech, batch: Batch, options: Sequence[Sequence[Sequence[int]]]) -> list[list[float]]:
    """Each option of every item appended to the whole prompt: OPTIONS forwards over the batch, logits of the option's positions only."""
    scores = []
    frames = batch.inputs["input_features"].shape[-1]
    for k in range(OPTIONS):
        ids = torch.tensor([item[k] for item in options])
        valid = torch.cat([batch.inputs["attention_mask"], torch.ones_like(ids)], 1)
        positions = (valid.cumsum(-1) - 1).clamp_min(0)
        inputs = {
            **batch.inputs,
            "input_ids": torch.cat([batch.inputs["input_ids"], ids], 1),
            "attention_mask": valid,
            "position_ids": positions,
        }
        needed = lm.model.lm_head.register_forward_pre_hook(lambda module, args: (args[0][:, -TOKENS - 1 : -1],))
        with torch.no_grad(), windows.window(lm.model.model.audio_tower, frames):
            logits = lm.model(**inputs).logits
        needed.remove()
        scores.append(logits.log_softmax(-1).gather(2, ids[..., None])[..., 0].sum(1).tolist())
    return [list(item) for item in zip(*scores, strict=True)]


def shared_prefix(lm: HFSpeech, batch: Batch, options: Sequence[Sequence[Sequence[int]]]) -> list[list[float]]:
    """One forward over the prompts, one over all options."""
    return [list(item.logprobs) for item in lm.score_options(lm.prefill(batch), options)]


def fastest(ways: Sequence[Callable[[], Any]]) -> list[float]:
    """Seconds of each way: the shortest of REPEATS, taken in turn so that a busy moment meets all of them."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(REPEATS):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


def report(name: str, lm: HFSpeech) -> None:
    """Print the two times and their ratio for one model."""
    batch = lm.encode([tiny_models.wave(3 + 2 * i / (BATCH - 1), i) for i in range(BATCH)], [None] * BATCH)
    draw = torch.Generator().manual_seed(0)
    options = torch.randint(20, 200, (BATCH, OPTIONS, TOKENS), generator=draw).tolist()
    one, other = (torch.tensor(way(lm, batch, options)) for way in (full_forwards, shared_prefix))
    slow, fast = fastest([lambda: full_forwards(lm, batch, options), lambda: shared_prefix(lm, batch, options)])
    print(
        f"{name}: {OPTIONS} full forwards {slow * 1e3:.0f} ms, shared prefix {fast * 1e3:.0f} ms, ratio {slow / fast:.2f} "
        f"(batch {BATCH}, 3-5 s clips, {TOKENS} tokens an option; scores agree within {float((one - other).abs().max()):.0e} nats)"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    report("demo model", HFSpeech(str(DEMO_MODEL), device="cpu"))
    with TemporaryDirectory() as folder:
        tiny_models.qwen2_audio(Path(folder), hidden=512, layers=8, width=128, seconds=30)
        report("qwen2_audio, width 512, 8 layers", HFSpeech(folder, device="cpu"))
