"""A Comparison as a person or a program reads it: terminal tables, a page in Markdown, LaTeX tables, JSON, and the files of them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsgap_bench.comparison import Comparison, Model
from lsgap_bench.comparison_metrics import warning
from lsgap_bench.comparison_tables import INDENT, tables_of
from lsgap_bench.latex import latex_table
from lsgap_bench.records import to_plain, write_text

SCHEMA = 1
_NUMBERS = ("scores", "differences", "conditions", "agreement", "metrics", "correlations")
"""Parts for the terminal and for LaTeX; models and prompts are on the page alone."""
_WIDTH = 115
_FIGURES = {"differences": "differences", "gap_by_metric": "correlations"}
"""Figure -> the part of the page that it follows."""
_SYSTEM = ("name", "kind", "pretrained", "revision", "backbone", "dtype", "parameters", "weights")
_PROVENANCE = ("lsgap_bench", "command", "started", "seed", "tasks_sha256", "data_sha256")


def comparison_text(comparison: Comparison) -> str:
    """For the terminal, about 115 columns wide."""
    tables = tables_of(comparison)
    shown = [tables[part].text() for part in _NUMBERS if part in tables]
    told = "\n".join(textwrap.fill(f"- {note}", _WIDTH, subsequent_indent="  ") for note in comparison.notes)
    return "\n\n".join(filter(None, [heading(comparison), told, *shown])) + "\n"


def comparison_markdown(comparison: Comparison, figures: Mapping[str, str] | None = None) -> str:
    """A page: notes, every table, every figure. figures: name -> address of the picture."""
    parts = [f"# {heading(comparison)}", *filter(None, ["\n".join(f"- {note}" for note in comparison.notes)])]
    tables, pictures = tables_of(comparison), dict(figures or {})
    for part, table in tables.items():
        parts.append(table.markdown())
        parts += [f"![{name}]({pictures.pop(name)})" for name, after in _FIGURES.items() if after == part and name in pictures]
    return "\n\n".join([*parts, *(f"![{name}]({address})" for name, address in pictures.items())]) + "\n"


def comparison_latex(comparison: Comparison) -> str:
    """One `table` float per table of numbers, for a document that uses booktabs."""
    tables = tables_of(comparison)
    return "\n\n".join(latex_table(tables[part], part, INDENT) for part in _NUMBERS if part in tables) + "\n"


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """JSON types; NaN is null, Estimates as in record.json. `differences` are of every model but the reference, which is the first one."""
    return {
        "schema": SCHEMA,
        "reference": comparison.reference,
        "models": [_model(model) for model in comparison.models],
        "tasks": {
            task: {"version": comparison.models[0].record.tasks[task].version, "questions_sha256": sha}
            for task, sha in comparison.questions.items()
        },
        "places": [to_plain(place) for place in comparison.places],
        "conditions": None if comparison.others is None else to_plain(comparison.others),
        "agreement": to_plain(comparison.agreement),
        "metrics": [to_plain(of) for of in comparison.against],
        "warning": warning(comparison.against) or None,
        "notes": list(comparison.notes),
    }


def write_comparison(comparison: Comparison, out: Path, figures: Mapping[str, str] | None = None) -> list[Path]:
    """Write comparison.json, comparison.md and comparison.tex into `out`, each whole; the paths."""
    out.mkdir(parents=True, exist_ok=True)
    made = {
        out / "comparison.json": json.dumps(comparison_json(comparison), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        out / "comparison.md": comparison_markdown(comparison, figures),
        out / "comparison.tex": comparison_latex(comparison),
    }
    for path, text in made.items():
        write_text(path, text)
    return list(made)


def heading(comparison: Comparison) -> str:
    """How much there is, and what it is measured from."""
    models, place, tasks = len(comparison.models), comparison.overall, len(comparison.questions)
    return f"{models} models on {place.n} items of {tasks} task{'s' * (tasks > 1)}; reference: {comparison.reference}"


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "source": model.source.resolve().name,
        "system": {key: model.record.system.get(key) for key in _SYSTEM},
        "tags": to_plain(model.record.tags),
        "provenance": {key: model.record.provenance.get(key) for key in _PROVENANCE},
        "prompts": to_plain(model.frames),
    }
