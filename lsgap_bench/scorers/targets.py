"""The answers that are right for an item: one target, or several wordings of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def targets_of(item: Mapping[str, Any]) -> list[str]:
    """The wordings in the column `targets`, else in `answers` (a list, or SQuAD's mapping with a list `text`), else the target alone."""
    for column in ("targets", "answers"):
        value = item.get(column)
        value = value.get("text") if isinstance(value, Mapping) else value
        if isinstance(value, (list, tuple)) and any(str(one).strip() for one in value):
            return [str(one) for one in value if str(one).strip()]
    return [str(item["target"])]
