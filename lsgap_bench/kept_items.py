"""What a scorer looks at of each item, as items.jsonl keeps it in a run folder, and the items made of it again, without their sound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Clip, Item


def item_rows(items: Iterable[Item]) -> list[dict[str, Any]]:
    """One row per item: words, target, options, chance, cluster, family, and of the document's columns those that JSON can hold."""
    return [
        {
            "id": item.id,
            "task": item.task,
            "text": item.text,
            "target": item.target,
            "options": list(item.options),
            "chance": item.chance,
            "cluster": item.cluster,
            "family": item.family,
            **({"spoken": item.spoken} if item.spoken is not None else {}),
            "fields": {name: value for name, value in item.fields.items() if _is_json(value)},
        }
        for item in items
    ]


def items_again(rows: Iterable[Mapping[str, Any]], samples: Sequence[Mapping[str, Any]]) -> dict[str, Item]:
    """Item id -> item of every sample, from rows of `item_rows`. A clip is known by its hash and cannot be read.

    samples: rows of samples.jsonl. No rows at all, as in a folder of an older version: the items are made of the samples, and a scorer sees
    target, options (where they were scored) and chance alone. KeyError or TypeError for rows that are broken or lack an item.
    """
    clips = {row["item"]: row["clip"] for row in samples if row.get("clip")}
    kept = {str(row["id"]): row for row in rows} or _of_samples(samples)
    return {name: _item(kept[name], clips.get(name)) for name in dict.fromkeys(row["item"] for row in samples)}


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(inner) for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_is_json, value))
    return value is None or isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value))


def _of_samples(samples: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in samples:
        known = {key: row[key] for key in ("task", "target", "chance", "cluster")}
        item = found.setdefault(row["item"], {"id": row["item"], **known, "text": "", "options": [], "family": row["task"], "fields": {}})
        item["text"] = item["text"] or row.get("text") or ""
        if row.get("option_logprobs"):
            item["options"] = list(row["option_logprobs"])
            item["fields"] = {"options": item["options"]}
    return found


def _item(row: Mapping[str, Any], clip: Mapping[str, Any] | None) -> Item:
    known = clip or {"sha256": "", "sampling_rate": 1, "seconds": 0}
    frames = round(known["seconds"] * known["sampling_rate"])
    return Item(
        id=row["id"],
        task=row["task"],
        text=row["text"],
        clip=Clip(known["sha256"], known["sampling_rate"], frames, _no_sound),
        target=str(row["target"]),
        cluster=str(row["cluster"]),
        family=row["family"],
        options=tuple(row["options"]),
        chance=row["chance"],
        fields=row["fields"],
        spoken=row.get("spoken"),
    )


def _no_sound() -> bytes:
    raise UsageError("a run folder holds no sound; what needs it needs the model again, with `lsgap run`")
