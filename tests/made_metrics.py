"""Metrics of Hugging Face evaluate made up for tests: `write_metric(folder, "mine", "{'mine': 0.5}")` writes folder/mine/mine.py."""

from __future__ import annotations

from pathlib import Path

SCRIPT = """
import datasets
import evaluate
import math


class {name}(evaluate.Metric):
    def _info(self):
        string, whole = datasets.Value("string"), datasets.Value("int32")
        strings = datasets.Sequence(string)
        return evaluate.MetricInfo(description="made", citation="", features={features})

    def _compute(self, predictions, references):
        (said,), (right,) = predictions, references
        return {result}
"""
STRINGS = 'datasets.Features({"predictions": string, "references": string})'
LISTS = 'datasets.Features({"predictions": string, "references": strings})'
NUMBERS = 'datasets.Features({"predictions": whole, "references": whole})'


def write_metric(folder: Path, name: str, result: str, features: str = STRINGS) -> Path:
    """A metric in folder/NAME. result: an expression in `said` and `right`, the one answer and its reference."""
    path = folder / name / f"{name}.py"
    path.parent.mkdir()
    path.write_text(SCRIPT.format(name=name.title().replace("_", ""), result=result, features=features), encoding="utf-8")
    return path.parent
