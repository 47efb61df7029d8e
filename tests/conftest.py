"""Made-up runs for the tests of what a person sees: known scores and curves through the package's own path from samples to record."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lsgap_bench import plots, run_plots
from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.records import Rows, write_run
from lsgap_bench.run_rows import curve_rows, sample_rows
from lsgap_bench.schema import SIDES, Clip, Item, Observation, Pair, Record, Verdict
from lsgap_bench.task_tables import task_table

sys.path.insert(0, str(Path(__file__).parent))  # so that tests can import each other's helpers
sys.path.append(str(Path(__file__).parent / "stand_ins"))  # behind what is installed
os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the processes that tests start
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # what is not here is missing at once, not after some attempts
os.environ["LSGAP_CACHE"] = tempfile.mkdtemp(prefix="lsgap-tests-")  # clips made by tests do not fill the user's cache
import tiny_models  # and with it the libraries that read these variables

torch.set_num_threads(1)  # more only contend, at these sizes

LAYERS = 4  # layers 0..4
LEVELS = {"matched": 0.8, "same_task": 0.6, "other_task": 0.3}
PROVENANCE = {
    "lsgap_bench": "0.1.0",
    "lm_eval": "0.4.13",
    "torch": "2.13.0",
    "transformers": "5.20.0",
    "command": "lsgap run",
    "started": "2026-01-01T00:00:00+00:00",
    "seed": 0,
    "tasks_sha256": "a" * 64,
    "data_sha256": "b" * 64,
}
CHECKS = {
    "silence": {"n": 8, "bit_equal": 0, "passed": True, "note": ""},
    "other_clip": {"n": 8, "score": 0.25, "chance": 0.25, "passed": True, "note": ""},
    "batch_invariance": {"value": 3e-6, "tolerance": 1e-4, "passed": True},
    "sampling_rate": {"model": 16000, "clips": [16000], "resampled": False},
    "truncated_clips": 0,
    "skipped_items": 0,
    "placeholder_mismatch": 0,
    "warnings": [],
}
DRAWING = {plots: plots.save_plots, run_plots: run_plots.save_run_plots}
Scores = Mapping[str, Mapping[str, Sequence[float]]]


def pytest_collection_finish() -> None:
    """Of what is imported by now nothing will ever be garbage, and to look through it takes half a second whenever a model is let go."""
    gc.collect()
    gc.freeze()


def made_pair(task: str, number: int, scores: Mapping[str, float]) -> Pair:
    """One item: its score under each condition, and curves whose mean over layers 1..4 is LEVELS plus 0.01 times (item number mod 3)."""
    clip = Clip("0" * 64, 16_000, 16_000, bytes)
    item = Item(f"{task}/{number}", task, "which is larger", clip, "A", f"{task} question {number}", task, ("A", "B"), chance=0.25)
    shape = np.array([-0.4, -0.1, 0.1, 0.1, -0.1])
    curves = {side: tuple((LEVELS[side] + 0.01 * (number % 3) + shape).tolist()) for side in SIDES}
    seen = {
        condition: Observation(
            item=item.id,
            condition=condition,
            answer="A",
            prompt="which is larger",
            content_tokens=3,
            logits_sha256="1" * 64,
            pcm_sha256=None if condition in ("text", "base") else "2" * 64,
            option_logprobs=(-0.1, -2.0),
            option_tokens=(1, 1),
            curves={"alignment_path_score": curves, "pooled_cosine": curves} if condition == "speech" else {},
            replaced=3.0 if "+" in condition else None,
        )
        for condition in scores
    }
    return Pair(item, seen, {c: Verdict("A", s, s == 1.0 if s in (0.0, 1.0) else None, True) for c, s in scores.items()})


def made_record(scores: Scores, changes: Mapping[str, Any]) -> tuple[Record, list[dict[str, Any]], list[dict[str, Any]]]:
    """A record, its samples and its curves. scores: task -> condition -> one score per item."""
    pairs = [
        made_pair(task, k, dict(zip(conditions, at_k, strict=True)))
        for task, conditions in scores.items()
        for k, at_k in enumerate(zip(*conditions.values(), strict=True))
    ]
    samples, curves = sample_rows(pairs), curve_rows(pairs)
    tables = [task_table(task, "1.0", samples, curves) for task in scores]
    system = {"name": "demo", "kind": "lslm", "pretrained": "x/demo", "revision": "abc", "backbone": "b", "dtype": "float32"}
    fields: dict[str, Any] = {
        "system": {**system, "parameters": 1_300_000},
        "tasks": {t.task: task_result(t) for t in tables},
        "groups": {"mini": group_result(tables)},
        "overall": group_result(tables),
        "checks": CHECKS,
        "provenance": PROVENANCE,
        "tags": {},
        **changes,
    }
    return Record(**fields), samples, curves


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """make_record(scores, **changed fields) -> Record."""
    return lambda scores, **changes: made_record(scores, changes)[0]


@pytest.fixture
def make_run() -> Callable[..., Path]:
    """make_run(folder, scores, **changed fields) -> folder, a finished run on disk."""

    def make(folder: Path, scores: Scores, **changes: Any) -> Path:
        record, samples, curves = made_record(scores, changes)
        write_run(folder, record, {}, Rows(samples, curves, []))
        return folder

    return make


@pytest.fixture(scope="session", autouse=True)
def _undrawn() -> Iterator[None]:
    """Runs draw no figures: these take longer than all the rest of a tiny run."""
    with pytest.MonkeyPatch.context() as patch:
        for room, real in DRAWING.items():
            patch.setattr(room, real.__name__, lambda *given: [])
        yield


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs of this test draw their figures all the same."""
    for room, real in DRAWING.items():
        monkeypatch.setattr(room, real.__name__, real)


@pytest.fixture(scope="session")
def evaluate_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where evaluate keeps scripts and inputs from here on; one for all tests, because it imports scripts from the first folder only."""
    import evaluate

    folder = tmp_path_factory.mktemp("evaluate")
    evaluate.config.HF_MODULES_CACHE, evaluate.config.HF_METRICS_CACHE = folder / "modules", folder / "metrics"
    return folder


@pytest.fixture(scope="session")
def qwen2_audio_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen2-Audio checkpoint with random weights."""
    return tiny_models.qwen2_audio(tmp_path_factory.mktemp("qwen2_audio"))


@pytest.fixture(scope="session")
def omni_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen2.5-Omni thinker with random weights."""
    return tiny_models.qwen2_5_omni(tmp_path_factory.mktemp("qwen2_5_omni"))
