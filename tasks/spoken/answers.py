"""All right answers of an open question as the column `targets`, where the scorer `contains` looks for them."""

from __future__ import annotations

from typing import Any


def of_triviaqa(rows: Any) -> Any:
    """Its value and the aliases of it."""
    return rows.map(lambda row: {"targets": [row["answer"]["value"], *row["answer"]["aliases"]]})


def of_nq_open(rows: Any) -> Any:
    """All that annotators gave."""
    return rows.map(lambda row: {"targets": row["answer"]})


def of_squad(rows: Any) -> Any:
    """All that annotators marked in the passage."""
    return rows.map(lambda row: {"targets": row["answers"]["text"]})
