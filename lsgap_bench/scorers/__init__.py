"""Scoring rules, one file each: (response, item) -> Verdict. `get("exact")` finds one by name."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lsgap_bench.registry import CorpusFigure, code_hash, code_of, corpus_figures, scorers, without_target
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


def corpus(name: str) -> CorpusFigure | None:
    """The figure of all items together that the scorer called `name` declares; None where it declares none, or is not known here."""
    return corpus_figures.get(name) if name in scorers else None


def code(name: str) -> str:
    """Changes with the file of the scorer called `name` and what it reads of this package; of a metric of evaluate with its script."""
    rule = get(name)
    if isinstance(rule, EvaluateMetric):
        return code_of(type(rule.module))
    files = _read_by(rule.__module__)
    return code_hash(*(sys.modules[module] for module in sorted(files))) if files else code_of(rule)


def _read_by(module: str) -> set[str]:
    """A module of this package and all those of it that it imports, at any depth; nothing for a module of another one."""
    found, waiting = set[str](), [module]
    while waiting:
        of = waiting.pop()
        if of.startswith(f"{__name__}.") and of not in found:
            found.add(of)
            tree = ast.parse(Path(str(sys.modules[of].__file__)).read_text(encoding="utf-8"))
            imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
            named = [f"{node.module}.{name.name}" for node in imports for name in node.names]  # `from package import module`, among others
            waiting += [str(node.module) for node in imports] + [name for name in named if name in sys.modules]
    return found
