"""Made-up runs to compare, on the same two tasks: REFERENCE and OTHER are their scores, `rewrite` changes what lies in a run folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]
PROVENANCE = {"lsgap_bench": "0.1.0", "command": "lsgap run", "seed": 0, "tasks_sha256": "a" * 64, "data_sha256": "b" * 64}
# gaps of the items: numbers 0 1 1 0, days 0 1
REFERENCE = {"numbers": {"text": (1, 1, 1, 0), "speech": (1, 0, 0, 0)}, "days": {"text": (1, 1), "speech": (1, 0)}}
# gaps of the items: numbers 0 0 0 0, days 1 1
OTHER = {"numbers": {"text": (1, 1, 0, 0), "speech": (1, 1, 0, 0)}, "days": {"text": (1, 1), "speech": (0, 0)}}


def system(name: str, **facts: Any) -> dict[str, Any]:
    """What a record says of a model."""
    return {
        "name": name,
        "kind": "lslm",
        "pretrained": f"org/{name}",
        "revision": "abc",
        "dtype": "float32",
        "parameters": 1_300_000,
        **facts,
    }


def provenance(changes: Mapping[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """Where a run comes from. changes: to provenance; settings: arguments of the run."""
    return {**PROVENANCE, "settings": {"limit": None, "system_instruction": None, **settings}, **(changes or {})}


def rewrite(folder: Path, change: Callable[[Row], Row | None]) -> Path:
    """Change every row of the samples; None drops it."""
    path = folder / "samples.jsonl"
    rows = [changed for line in path.read_text(encoding="utf-8").splitlines() if (changed := change(json.loads(line))) is not None]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def with_words(folder: Path, before: str = "", after: str = "", words: str = "question {}") -> Path:
    """Give each item words of its own, and prompts of a chat template that stands around them; the clip has a placeholder."""

    def change(row: Row) -> Row:
        said = words.format(row["item"])
        return {**row, "text": said, "prompt": before + (said if row["condition"] == "text" else "<audio>") + after}

    return rewrite(folder, change)


def changed(item: str, **fields: Any) -> Callable[[Row], Row]:
    """For `rewrite`: fields of the rows of one item."""
    return lambda row: {**row, **fields} if row["item"] == item else row
