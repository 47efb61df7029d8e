"""The four tasks of BIG-Bench Hard that are spoken in VoiceBench: which one an item belongs to, and what its target means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lsgap_bench.errors import UsageError

KINDS = ("sports_understanding", "hyperbaton", "navigate", "web_of_lies")
_GOLD = {"yes": 1, "no": 0, "a": 0, "b": 1}


def kind_of(item: Mapping[str, Any]) -> str:
    """The task that one of `kind`, `document_id` (the data's own `id` column) and `id` names. UsageError where none does."""
    named = [str(item[key]) for key in ("kind", "document_id", "id") if item.get(key) is not None]
    found = next((kind for name in named for kind in KINDS if kind in name), None)
    if found is None:
        raise UsageError(
            f"{item.get('id')}: which task of BIG-Bench Hard it is, is not said; "
            f"its column `id` or `kind` must hold one of {', '.join(KINDS)}"
        )
    return found


def gold_of(item: Mapping[str, Any], kind: str) -> int:
    """The target as a number: yes and (B) are 1, no and (A) are 0. UsageError for another one, and for yes or no in hyperbaton."""
    target = re.sub(r"[^a-z]", "", str(item["target"]).lower())
    if target not in _GOLD or (len(target) == 1) != (kind == "hyperbaton"):
        wanted = "(A) or (B)" if kind == "hyperbaton" else "yes or no"
        raise UsageError(f"{item.get('id')}: the target {item['target']!r} is not {wanted}, as {kind} needs; correct doc_to_target")
    return _GOLD[target]
