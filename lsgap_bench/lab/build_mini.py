"""Makes the embedded tasks' data, the same bytes every time: `python -m lsgap_bench.lab.build_mini [FOLDER]`, one parquet file per task."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soxr

from lsgap_bench.lab import world
from lsgap_bench.registry import voices
from lsgap_bench.speech.clips import encode
from lsgap_bench.speech.espeak import Espeak, Line, Timed
from lsgap_bench.speech.voices import Speech, VoiceEngine

SEED = 1
QUESTIONS = 50  # per task
VOICES_PER_QUESTION = 2
FLITE_QUESTIONS = 16  # per task, the first ones of the same questions
SAMPLING_RATE = 16_000  # Hz, what speech encoders take
OPUS_COMPRESSION = 0.975  # about 12 kbit/s; at 10 kbit/s Opus cuts the high frequencies and answers are lost
SPEED = (0.89, 1.23)  # drawn per clip, multiples of the voice's own
PITCH = (0.83, 1.26)

# Accents and variants that no training clip of the demo model has.
ESPEAK_VOICES = tuple(
    f"{accent}+{variant}" for accent in ("en-gb-x-gbclan", "en-gb-x-gbcwmd") for variant in ("m2", "f3", "Michael", "linda")
)
FLITE_VOICES = ("slt", "rms", "awb", "kal16")

_SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "question_id": pa.string(),
        "content": pa.string(),
        "question": pa.string(),
        "answer": pa.string(),
        "options": pa.list_(pa.string()),
        "voice": pa.string(),
        "words": pa.list_(pa.struct({"start": pa.float32(), "end": pa.float32()})),
        "audio": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
    }
)
Row = dict[str, Any]


class Said(NamedTuple):
    """An utterance, and when each of its words is said, in seconds; None where the engine does not tell."""

    speech: Speech
    words: list[dict[str, float] | None] | None = None


Say = Callable[[str, str, Random], Said]


def build(folder: Path, progress: Callable[[str], None] = print) -> None:
    """Write TASK.parquet (espeak-ng voices) and TASK_flite.parquet for every task of the world into `folder`.

    Raises UsageError where an engine is missing. The engines' versions stand in the files' metadata.
    """
    folder.mkdir(parents=True, exist_ok=True)
    espeak, flite = cast(Espeak, voices["espeak"]()), voices["flite"]()
    for task in world.TASKS:
        progress(_write(folder / f"{task}.parquet", espeak_rows(task, espeak), espeak))
        progress(_write(folder / f"{task}_flite.parquet", flite_rows(task, flite), flite))


def espeak_rows(task: str, engine: Espeak) -> Iterator[Row]:
    """The rows of a task, every clip at a speed and a pitch of its own."""

    def say(text: str, voice: str, random: Random) -> Said:
        line = Line(text, voice, round(random.uniform(*SPEED), 2), round(random.uniform(*PITCH), 2))
        (timed,) = engine.recite([line])
        return Said(timed.speech, word_times(text, timed))

    return _rows("espeak", world.draw(task, QUESTIONS, SEED), ESPEAK_VOICES, VOICES_PER_QUESTION, say)


def flite_rows(task: str, engine: VoiceEngine) -> Iterator[Row]:
    """The rows of the same task by the other engine: fewer questions, one voice each, at its own speed and pitch."""
    questions = world.draw(task, QUESTIONS, SEED)[:FLITE_QUESTIONS]
    return _rows("flite", questions, FLITE_VOICES, 1, lambda text, voice, _: Said(engine.synthesize(text, voice)))


def _rows(engine: str, questions: Sequence[world.Question], names: Sequence[str], per_question: int, say: Say) -> Iterator[Row]:
    """One row per question and voice; every voice is used equally often, and no two say the same question alike.

    content: the same for questions with one key, such as a sum and the same sum turned round, which are right or wrong together.
    """
    random = Random(f"{questions[0].task}/{engine}/{SEED}")
    order = random.sample(names, len(names))
    contents = {key: f"{questions[0].task}-{number:02d}" for number, key in enumerate(dict.fromkeys(q.key for q in questions))}
    for number, question in enumerate(questions):
        for take in range(per_question):
            name = order[(number * per_question + take) % len(order)]
            question_id = f"{question.task}-{number:03d}"
            said = say(question.text, name, random)
            clip_id = f"{question_id}-{engine}{take}"
            yield {
                "id": clip_id,
                "question_id": question_id,
                "content": contents[question.key],
                "question": question.text,
                "answer": question.answer,
                "options": list(question.options),
                "voice": f"{engine}:{name}",
                "words": said.words,
                "audio": {"bytes": _encoded(said.speech), "path": f"{clip_id}.opus"},
            }


def word_times(text: str, timed: Timed) -> list[dict[str, float] | None]:
    """Per word of the text, between blanks: from where the engine begins it to where it begins the next word or a pause."""
    starts = {match.start(): place for place, match in enumerate(re.finditer(r"\S+", text))}
    found: list[dict[str, float] | None] = [None] * len(starts)
    ends = [*(frame for frame, _ in timed.times[1:]), len(timed.speech.wave)]
    for (frame, character), end in zip(timed.times, ends, strict=True):
        if character in starts:
            seconds = (frame / timed.speech.sampling_rate, end / timed.speech.sampling_rate)
            found[starts[character]] = {"start": round(seconds[0], 3), "end": round(seconds[1], 3)}
    return found


def _encoded(speech: Speech) -> bytes:
    wave = speech.wave
    if speech.sampling_rate != SAMPLING_RATE:
        wave = soxr.resample(wave, speech.sampling_rate, SAMPLING_RATE, quality="HQ")
    return encode(np.clip(wave, -1, 1), SAMPLING_RATE, "opus", OPUS_COMPRESSION)


def _write(file: Path, rows: Iterator[Row], engine: VoiceEngine) -> str:
    made_by = {"made_by": "python -m lsgap_bench.lab.build_mini", "voices": engine.version}
    table = pa.Table.from_pylist(list(rows), schema=_SCHEMA.with_metadata(made_by))
    pq.write_table(table, file, compression="zstd")  # Opus pads every header with half a kilobyte of zeros
    return f"{file}: {table.num_rows} clips, {file.stat().st_size / 1000:.0f} kB, {engine.version}"


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else "tasks/lsgap_mini/data"))
