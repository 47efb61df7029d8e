"""Scoring rules, one file each: (response, item) -> Verdict. `get("exact")` finds one by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsgap_bench.registry import scorers
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.evaluate_metric import PREFIX, evaluate_metric


def get(name: str) -> Callable[[str, Mapping[str, Any]], Verdict]:
    """The scorer called `name`, or a metric of Hugging Face evaluate for `evaluate:...` (see `evaluate_metric`).

    It takes the answer and a mapping with at least `target` and `id`; UsageError for an unknown name.
    """
    return evaluate_metric(name) if name.startswith(PREFIX) else scorers[name]
