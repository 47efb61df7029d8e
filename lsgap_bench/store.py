"""Every observation on disk as soon as it is made: an append-only file of lines, one per key. A line cut short by a kill is ignored."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Observation

FILE = "observations.jsonl"


def key_of(**parts: Any) -> str:
    """The identity of what is made of the parts: a hash. parts: JSON values; anything else counts by its text."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


class Store:
    """Observations by key. Opened by `open_store`, which also closes it."""

    def __init__(self, found: dict[str, Observation], file: IO[str] | None) -> None:
        self._found = found
        self._file = file

    def __contains__(self, key: object) -> bool:
        return key in self._found

    def __getitem__(self, key: str) -> Observation:
        return self._found[key]

    def __len__(self) -> int:
        return len(self._found)

    def add(self, observations: Iterable[tuple[str, Observation]]) -> None:
        """Keep observations; they are on the disk when this returns."""
        for key, observation in observations:
            self._found[key] = observation
            if self._file is not None:
                self._file.write(json.dumps({"key": key, **observation.to_dict()}, ensure_ascii=False) + "\n")
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())


@contextmanager
def open_store(folder: Path | None, resume: bool) -> Iterator[Store]:
    """The store of a run folder, with what an earlier run left there if `resume`; None keeps everything in memory only.

    A key of an earlier run is reused only when nothing that made it has changed, because the key holds all of it.
    """
    if folder is None:
        yield Store({}, None)
        return
    path = folder / FILE
    found = _read(path) if resume and path.is_file() else {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a" if found else "w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"output_path {folder} cannot be written ({error.strerror}); choose another --output_path") from None
    with file:
        if found:
            file.write("\n")  # closes a line that a kill may have cut short
        yield Store(found, file)


def check_writable(folder: Path) -> None:
    """UsageError if `folder` cannot be made or written; makes nothing."""
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(p))
    if not there.is_dir():
        raise UsageError(f"output_path {folder} cannot be written ({there} is no folder); choose another --output_path")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"output_path {folder} cannot be written ({there} may not be written); choose another --output_path")


def _read(path: Path) -> dict[str, Observation]:
    found: dict[str, Observation] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                plain = json.loads(line)
                key = plain.pop("key")
                found[key] = Observation.from_dict(plain)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # empty, cut short by a kill, or of a version with other fields: it is made again
    return found
