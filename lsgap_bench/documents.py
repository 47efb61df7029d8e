"""From the fields of one document to the parts of an item: its audio bytes, its target, its chance. Imports no lm-eval."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Span
from lsgap_bench.task_config import NO_TARGET, PairedConfig


def beside(files: Any, ours: PairedConfig) -> Any:
    """`data_files` of the YAML with paths relative to it made whole; UsageError for one that does not exist."""
    if isinstance(files, Mapping):
        return {split: beside(entry, ours) for split, entry in files.items()}
    if isinstance(files, (list, tuple)):
        return [beside(entry, ours) for entry in files]
    if "://" in str(files):
        return files
    folder = Path(ours.source).parent
    path = folder / str(files)
    if not path.exists() and (Path(str(files)).is_absolute() or not any(folder.glob(str(files)))):
        raise ours.wrong("data_files", str(files), f"is not there (looked for {path}); paths are relative to the YAML file")
    return str(path)


def audio_bytes(value: Any, ours: PairedConfig, folder: Path, where: str) -> bytes:
    """Encoded bytes of a clip: of bytes, of a mapping with `bytes` or `path`, or of a path from `folder` on.

    folder: of the YAML, or of the data where that is a folder. where: file and item. UsageError for anything else, and for a path that
    cannot be read.
    """
    if isinstance(value, Mapping):
        value = value["bytes"] if value.get("bytes") is not None else value.get("path")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if not isinstance(value, str):
        raise UsageError(f"{where}: doc_to_audio: column '{ours.audio}' holds {type(value).__name__}, not audio; name another column")
    path = folder / value
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{where}: {ours.audio}: '{value}' cannot be read ({error.strerror}; looked for {path}); correct the path"
        ) from None


def word_spans(value: Any, text: str, where: str) -> tuple[Span | None, ...]:
    """When each word of a text is said. value: per word, between blanks, `{start, end}` or [start, end] in seconds, or null.

    A column that is null for the whole item gives nothing. UsageError for another number of entries than words, and for times that are no
    numbers, below 0, or end before they start. where: file, item and column.
    """
    if value is None:
        return ()
    words = text.split()
    entries = list(value) if isinstance(value, (list, tuple)) else []
    if len(entries) != len(words):
        raise UsageError(f"{where} has {len(entries)} entries for the {len(words)} words of {text!r}; give one per word, null if unknown")
    return tuple(_span(entry, word, where) for entry, word in zip(entries, words, strict=True))


def _span(entry: Any, word: str, where: str) -> Span | None:
    ends = tuple(entry) if isinstance(entry, (list, tuple)) else ()
    if isinstance(entry, Mapping):
        ends = (entry.get("start"), entry.get("end"))
    if entry is None or ends == (None, None):
        return None
    numbers = [end for end in ends if isinstance(end, (int, float)) and not isinstance(end, bool)]
    if len(numbers) != 2 or len(ends) != 2 or not 0 <= numbers[0] <= numbers[1]:
        raise UsageError(f"{where}: {entry!r} is no time of the word '{word}'; give start and end in seconds, 0 <= start <= end")
    return Span(float(numbers[0]), float(numbers[1]))


def check_rendered(key: str, template: Any, rendered: Any, doc: Mapping[str, Any], where: str) -> None:
    """UsageError where the template `key` of a task wrote the word None for an empty column. where: file and item."""
    if isinstance(template, str) and "None" in str(rendered):
        for column, value in doc.items():
            if value is None and re.search(rf"\b{re.escape(column)}\b", template):
                raise UsageError(
                    f"{where}: {key} gives {str(rendered)!r}, because column '{column}' is empty; fill it in or leave the item out"
                )


def listed(options: Any, where: str) -> tuple[str, ...]:
    """Options as text; UsageError for anything but a list. where: file and item."""
    if not isinstance(options, (list, tuple)):
        raise UsageError(
            f"{where}: doc_to_choice gives {options!r}, which is no list; split text where the options end, as in "
            "doc_to_choice: \"{{options.split('|')}}\""
        )
    return tuple(map(str, options))


def check_options(options: Sequence[str], where: str) -> None:
    """UsageError for options among which nobody can choose: fewer than two, an empty one, or two alike. where: file and item."""
    if len(options) < 2:
        raise UsageError(f"{where}: doc_to_choice gives {list(options)} alone; a choice needs at least 2")
    if any(not option.strip() for option in options) or len(set(options)) < len(options):
        raise UsageError(f"{where}: doc_to_choice gives {list(options)}; options must be different and not empty")


def resolve_target(target: Any, options: Sequence[str], column: bool, where: str, needed: bool = True) -> str:
    """The target as text; among options given as the option's text, its number from 0, or its letter.

    column: the target is a column's own value, so that a number in it is the option's number, as in lm-eval. where: file and item.
    needed: False where the scorer needs no target; an absent one is then empty. UsageError for a target that is empty, a list, none of the
    options, or can be read as two of them.
    """
    if not needed and target in (None, NO_TARGET):
        return NO_TARGET
    if target is None or (isinstance(target, str) and not target.strip()):
        raise UsageError(f"{where}: doc_to_target gives nothing; every item needs a target")
    if isinstance(target, (list, tuple)):
        raise UsageError(f"{where}: doc_to_target gives a list {list(target)!r}; a scorer compares with one target, so name one")
    if not options:
        return str(target)
    number = isinstance(target, int) and not isinstance(target, bool)
    by_number = options[target] if number and 0 <= target < len(options) else None
    by_text = str(target) if str(target) in options and not (number and column) else None
    if by_number and by_text and by_number != by_text:
        raise UsageError(
            f"{where}: doc_to_target gives {target}, which is the number of '{by_number}' and the text of '{by_text}'; "
            "name the target's column without a template: text in it is the option's text, a number the option's number"
        )
    letter = ascii_uppercase.find(target.strip().upper()) if isinstance(target, str) and len(target.strip()) == 1 else -1
    by_letter = options[letter] if 0 <= letter < len(options) else None
    found = by_text or by_number or by_letter
    if found is None:
        raise UsageError(f"{where}: doc_to_target gives {target!r}, which is none of the options {list(options)}; correct the data")
    return found
