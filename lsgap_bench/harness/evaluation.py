"""lm-eval's evaluation loop over loaded tasks, and what it leaves: pairs, documents left out, its own table."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate as lm_evaluate
from lm_eval.utils import make_table

from lsgap_bench.harness.loading import Loaded
from lsgap_bench.lm_face import LanguageModelFace
from lsgap_bench.schema import Pair


class PairedLM(LanguageModelFace, LM):  # type: ignore[misc]
    """The face lm-eval sees: `observe` for paired tasks; `loglikelihood` and `generate_until` for any of lm-eval's text tasks."""


def run_harness(lm: PairedLM, tasks: Loaded, limit: int | None) -> dict[str, Any]:
    """lm-eval's evaluation loop over the tasks; its results with samples."""
    results: dict[str, Any] = lm_evaluate(
        lm=lm, task_dict=tasks.raw, limit=limit, bootstrap_iters=1000, log_samples=True, confirm_run_unsafe_code=False
    )
    return results


def pairs_of(results: Mapping[str, Any], tasks: Loaded) -> dict[str, list[Pair]]:
    """Task -> its pairs, from the samples of lm-eval's results (of its first filter pipeline)."""
    pairs: dict[str, list[Pair]] = {}
    for name, task in tasks.paired.items():
        first = results["samples"][name][0]["filter"] if results["samples"][name] else None
        scored = [task.pair_of(s["filtered_resps"][0]) for s in results["samples"][name] if s["filter"] == first]
        pairs[name] = [pair for pair in scored if pair is not None]
    return pairs


def left_out(results: Mapping[str, Any], tasks: Loaded) -> list[str]:
    """Why documents were left out, one line each."""
    lines = (s["filtered_resps"][0].why for name in tasks.paired for s in results["samples"][name])
    return list(dict.fromkeys(line for line in lines if line))  # each filter pipeline repeats them


def harness_table(results: Mapping[str, Any], names: Collection[str]) -> str:
    """lm-eval's own table of the named tasks."""
    parts = ("results", "versions", "n-shot", "higher_is_better")
    return str(make_table({part: {name: copy.deepcopy(results[part][name]) for name in names} for part in parts}))
