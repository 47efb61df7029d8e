"""Items in a run folder: what JSON can hold of a document is kept, and the items made of it again judge as the first ones."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import demo_run
import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.kept_items import item_rows, items_again
from lsgap_bench.schema import Clip, Item

CLIP = Clip("c" * 64, 16_000, 24_000, bytes)


def made(**changes: Any) -> Item:
    facts: dict[str, Any] = {"options": ("A", "B"), "chance": 0.5, "fields": {"options": ("A", "B")}}
    return Item("t/0", "t", "which", CLIP, "A", "t/q", "t", **{**facts, **changes})


def sample(item: str = "t/0", **changes: Any) -> dict[str, Any]:
    row = {"task": "t", "item": item, "text": "which", "clip": CLIP.to_dict(), "target": "A", "chance": 0.5, "cluster": "t/q"}
    return {**row, "option_logprobs": {"A": -1.0, "B": -2.0}, **changes}


def test_of_a_document_only_what_json_can_hold_is_kept() -> None:
    fields = {
        "subject": "physics",
        "rank": 3,
        "hard": True,
        "nothing": None,
        "weight": 0.5,
        "tags": ["a", {"b": 1}],
        "when": date(2026, 1, 1),
        "bytes": b"x",
        "nan": float("nan"),
        "inside": [{"when": date(2026, 1, 1)}],
        "numbered": {1: "x"},
    }
    (row,) = item_rows([made(fields=fields)])
    assert set(row["fields"]) == {"subject", "rank", "hard", "nothing", "weight", "tags"}
    json.dumps(row, allow_nan=False)


def test_items_come_back_as_they_were_but_for_their_sound() -> None:
    first = demo_run.items(2)
    rows = [json.loads(json.dumps(row)) for row in item_rows(first)]
    samples = [sample(item.id, clip=item.clip.to_dict()) for item in first]
    again = items_again(rows, samples)
    assert list(again) == [item.id for item in first]
    for item in first:
        for name in ("id", "task", "text", "target", "cluster", "family", "options", "chance"):
            assert getattr(again[item.id], name) == getattr(item, name)
        assert again[item.id].clip.sha256 == item.clip.sha256
        assert again[item.id].clip.seconds == pytest.approx(item.clip.seconds, abs=1e-3)
    with pytest.raises(UsageError, match="a run folder holds no sound"):
        again[first[0].id].clip.read()


def test_without_kept_items_the_samples_say_target_chance_and_scored_options() -> None:
    written = sample(clip=None, option_logprobs=None, text=None)
    item = items_again([], [written, sample()])["t/0"]
    assert (item.target, item.chance, item.options, item.text) == ("A", 0.5, ("A", "B"), "which")
    assert item.fields == {"options": ["A", "B"]}
    assert items_again([], [written])["t/0"].fields == {}


@pytest.mark.parametrize("rows", [[{"id": "t/1"}], [{"id": "t/0"}], [{}], ["t/0"]])
def test_items_that_are_broken_or_lack_one_are_never_made_up(rows: list[Any]) -> None:
    with pytest.raises((KeyError, TypeError)):
        items_again(rows, [sample()])
