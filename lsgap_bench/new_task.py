"""A task to begin with: a commented YAML and two items that validate at once, in one of three forms."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.registry import voices
from lsgap_bench.speech.clips import encode
from lsgap_bench.speech.voices import Speech
from lsgap_bench.task_templates import CSV, HUB, QUESTIONS, TEXT
from lsgap_bench.yaml_files import read_catalog

_TONE_RATE = 16_000  # Hz
_TONE_SECONDS = 3.0  # in which the words could be said

Files = dict[Path, bytes]


def new_task(name: str, folder: Path, form: str = "csv") -> list[Path]:
    """Write the files of a new task into `folder`; returns them, the YAML first.

    form: a key of FORMS. UsageError for a name that cannot be one or is taken, and where a file is there already; then nothing is written.
    """
    if form not in FORMS:
        raise UsageError(f"--from '{form}' is not known; {did_you_mean(form, FORMS)}")
    _check_name(name, folder)
    files = {folder / path: content for path, content in FORMS[form](name).items()}
    taken = next((path for path in files if path.exists()), None)
    if taken:
        raise UsageError(f"{taken} is there already, and nothing is overwritten; choose another name, or another --folder")
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise UsageError(f"{path} cannot be written ({error.strerror or error}); choose another --folder") from None
    return list(files)


def says_words() -> bool:
    """Whether a voice is installed that says the sample; without one its clips are tones."""
    try:
        voices["espeak"]()
    except UsageError:
        return False
    return True


def _check_name(name: str, folder: Path) -> None:
    if not (name.isidentifier() and name.isascii()):
        raise UsageError(f"'{name}' cannot name a task; write letters, digits and _ that begin with a letter, such as my_task")
    if name in read_catalog([folder] if folder.is_dir() else []).names:
        raise UsageError(f"a task or group is called '{name}' already; choose another name")


def _csv(name: str) -> Files:
    """A table, a folder of clips beside it."""
    clips = {Path("clips") / f"{name}-{number}.wav": clip for number, clip in enumerate(_clips(), 1)}
    rows = [(question, answer, path.as_posix()) for (question, answer), path in zip(QUESTIONS, clips, strict=True)]
    return {**_yaml(name, CSV), **_table(name, ("question", "answer", "clip"), rows), **clips}


def _hub(name: str) -> Files:
    """A folder with a parquet file, as a data set of the hub is stored."""
    import datasets

    audio = [{"bytes": clip, "path": f"{number}.wav"} for number, clip in enumerate(_clips(), 1)]
    rows = [{"prompt": text, "reference": target, "audio": clip} for (text, target), clip in zip(QUESTIONS, audio, strict=True)]
    buffer = io.BytesIO()
    datasets.disable_progress_bars()
    datasets.Dataset.from_list(rows).cast_column("audio", datasets.Audio()).to_parquet(buffer)
    return {**_yaml(name, HUB), Path(f"{name}_sample") / "test.parquet": buffer.getvalue()}


def _text(name: str) -> Files:
    """A table; a voice says its questions."""
    return {**_yaml(name, TEXT), **_table(name, ("question", "answer"), QUESTIONS)}


FORMS: Mapping[str, Callable[[str], Files]] = {"csv": _csv, "hub": _hub, "text": _text}
"""Where the questions come from -> the files of such a task."""


def _yaml(name: str, template: str) -> Files:
    return {Path(f"{name}.yaml"): template.replace("my_task", name).encode()}


def _table(name: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Files:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return {Path(f"{name}.csv"): text.getvalue().encode()}


def _clips() -> list[bytes]:
    """The questions as WAV files: said by espeak where it is installed, else one tone each."""
    said = says_words()
    speech = [voices["espeak"]().synthesize(question, "en-us") if said else _tone(k) for k, (question, _) in enumerate(QUESTIONS)]
    return [encode(one.wave, one.sampling_rate, "wav") for one in speech]


def _tone(number: int) -> Speech:
    wave = 0.1 * np.sin(2 * np.pi * 220 * (number + 1) * np.arange(_TONE_SECONDS * _TONE_RATE) / _TONE_RATE)
    return Speech(wave.astype(np.float32), _TONE_RATE)
