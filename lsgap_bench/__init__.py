"""Measure, and explain, the modality gap of large speech language models: the same question, spoken and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsgap_bench.evaluate_modules import evaluate_module as evaluate_module

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lsgap_bench.run import evaluate as evaluate

__all__ = ["__version__", "evaluate", "evaluate_module"]


def __getattr__(name: str) -> Any:
    # torch and lm-eval take seconds to import; `lsgap --help` needs neither
    if name == "evaluate":
        from lsgap_bench.run import evaluate

        return evaluate
    raise AttributeError(f"module 'lsgap_bench' has no attribute '{name}'")
