"""Where two runs have a task's clips and rows from: the voice that says them, the state of the data; in words where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lsgap_bench.comparison_runs import RunFiles


def sources_apart(first: RunFiles, other: RunFiles, task: str) -> list[str]:
    """What differs, one phrase each with the other run's value before the first one's; nothing where a record does not say it."""
    return [*_apart(first, other, task, "speech", "said with"), *_apart(first, other, task, "data", "loaded with")]


def _apart(first: RunFiles, other: RunFiles, task: str, key: str, how: str) -> Iterator[str]:
    theirs, ours = (_told(run, key, task) for run in (other, first))
    differing = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)] if theirs and ours else []
    if differing:
        yield f"{how} {', '.join(f'{name} {theirs.get(name)!r} and {ours.get(name)!r}' for name in differing)}"


def _told(run: RunFiles, key: str, task: str) -> Mapping[str, Any]:
    told: Mapping[str, Any] = (run.record.provenance.get(key) or {}).get(task) or {}
    return told
