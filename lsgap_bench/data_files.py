"""A task's text files before they are loaded: what is no UTF-8, and a CSV that is split at another character than the comma."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lsgap_bench.task_config import PairedConfig

_TEXT = {".csv", ".tsv", ".json", ".jsonl", ".txt"}
_SEPARATORS = {";": "';'", "\t": r'"\t"'}  # as Excel writes them, and as YAML does
_SHOWN = 12  # bytes around the one that is wrong


def check_text(where: Any, arguments: Mapping[str, Any], ours: PairedConfig) -> None:
    """UsageError naming file and line of what is no UTF-8, and a CSV whose header is split at another character than the comma.

    where: `data_files` with whole paths, or a folder. arguments: `dataset_kwargs` of the YAML; an encoding or a separator in it is obeyed.
    """
    for path in _files(where):
        if "encoding" not in arguments:
            _check_encoding(path, ours)
        if path.suffix == ".csv" and not {"sep", "delimiter"} & arguments.keys():
            _check_separator(path, ours)


def _files(where: Any) -> Iterator[Path]:
    if isinstance(where, Mapping):
        where = list(where.values())
    if isinstance(where, (list, tuple)):
        for entry in where:
            yield from _files(entry)
    elif "://" not in str(where):
        found: Iterable[Path] = Path(where).rglob("*") if Path(where).is_dir() else map(Path, sorted(glob.glob(str(where))))
        yield from (path for path in found if path.suffix in _TEXT and path.is_file())


def _check_encoding(path: Path, ours: PairedConfig) -> None:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                shown = line[max(0, error.start - _SHOWN) : error.start + _SHOWN].strip()
                raise ours.wrong(
                    "data_files",
                    path.name,
                    f"is no UTF-8 in line {number} ({shown!r}); save it as UTF-8, or add encoding: latin-1 to dataset_kwargs",
                ) from None


def _check_separator(path: Path, ours: PairedConfig) -> None:
    with path.open("rb") as lines:
        header = lines.readline().decode("utf-8", errors="replace").strip()
    found = next((separator for separator in _SEPARATORS if separator in header and "," not in header), None)
    if found:
        raise ours.wrong(
            "data_files",
            path.name,
            f"has its columns split at {found!r}, not at a comma ({header[:60]!r}); add sep: {_SEPARATORS[found]} to dataset_kwargs",
        )
