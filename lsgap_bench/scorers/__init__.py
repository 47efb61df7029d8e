"""Scoring rules, one file each: (response, item) -> Verdict. `get("exact")` finds one by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsgap_bench.registry import code_of, scorers, without_target
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.evaluate_metric import PREFIX, EvaluateMetric, evaluate_metric


def get(name: str) -> Callable[[str, Mapping[str, Any]], Verdict]:
    """The scorer called `name`, or a metric of Hugging Face evaluate for `evaluate:...` (see `evaluate_metric`).

    It takes the answer and a mapping with at least `target` and `id`; UsageError for an unknown name.
    """
    return evaluate_metric(name) if name.startswith(PREFIX) else scorers[name]


def needs_target(name: str) -> bool:
    """Whether the scorer called `name` compares with a target; UsageError for an unknown name."""
    get(name)
    return name not in without_target


def code(name: str) -> str:
    """Changes with the file of the scorer called `name`, for a metric of evaluate with its script."""
    rule = get(name)
    return code_of(type(rule.module) if isinstance(rule, EvaluateMetric) else rule)
