"""Every observation on disk as soon as it is made: an append-only file of lines, one per key. A line cut short by a kill is ignored."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import BlockTerms, Observation

Kept = TypeVar("Kept", Observation, BlockTerms)
FILES: dict[type, str] = {Observation: "observations.jsonl", BlockTerms: "blocks.jsonl"}


def key_of(**parts: Any) -> str:
    """The identity of what is made of the parts: a hash. parts: JSON values; anything else counts by its text."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


class Store(Generic[Kept]):
    """Observations, or what blocks of items gave, by key. Opened by `open_store`, which also closes it; without a file, in memory."""

    def __init__(self, found: dict[str, Kept] | None = None, file: IO[str] | None = None) -> None:
        self._found: dict[str, Kept] = {} if found is None else found
        self._file = file

    def __contains__(self, key: object) -> bool:
        return key in self._found

    def __getitem__(self, key: str) -> Kept:
        return self._found[key]

    def __len__(self) -> int:
        return len(self._found)

    def add(self, made: Iterable[tuple[str, Kept]]) -> None:
        """Keep what was made, each as soon as `made` gives it; it is on the disk when this returns."""
        for key, value in made:
            self._found[key] = value
            if self._file is not None:
                self._file.write(json.dumps({"key": key, **value.to_dict()}, ensure_ascii=False) + "\n")
                self._file.flush()  # an answer may have been paid for, and the next one may never come
        if self._file is not None:
            os.fsync(self._file.fileno())


@contextmanager
def open_store(folder: Path | None, resume: bool, kind: type[Kept] = Observation) -> Iterator[Store[Kept]]:  # type: ignore[assignment]
    """The store of a run folder, with what an earlier run left there if `resume`; None keeps everything in memory only.

    kind: what it keeps, each kind in a file of its own.

    A key of an earlier run is reused only when nothing that made it has changed, because the key holds all of it.
    """
    if folder is None:
        yield Store()
        return
    path = folder / FILES[kind]
    found = _read(path, kind) if resume and path.is_file() else {}
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


def _read(path: Path, kind: type[Kept]) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                plain = json.loads(line)
                key = plain.pop("key")
                found[key] = kind.from_dict(plain)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # empty, cut short by a kill, or of a version with other fields: it is made again
    return found
