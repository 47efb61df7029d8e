"""The training speech: questions said by many espeak-ng voices, as log-mel features with the word that is spoken in every frame.

Made in shards, each by one process and kept on disk, so that an interrupted synthesis goes on where it stopped and the same seed gives the
same bytes. Only training questions and training voices occur; the voices of the embedded tasks are never heard here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsgap_bench.lab import tokens, world
from lsgap_bench.lab.world import Question
from lsgap_bench.speech.espeak import Espeak, Line, Timed

ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc", "en-029")
VARIANTS = ("", "m1", "m3", "m5", "m7", "f1", "f2", "f4", "Andy", "Annie", "klatt", "max", "steph")
SHARD = 400  # utterances
NO_WORD = -100  # the label of a frame whose word is not known; cross-entropy leaves it out


@dataclass(frozen=True)
class SpeechRecipe:
    """What is said, and how. utterances: of training questions, each by a voice of its own. seed: of questions and voices.

    shares: how often a task is said, 1 where nothing is said of it; those whose words occur nowhere else, or that are harder, more often.

    speed, pitch: ranges, multiples of a voice's own. gain: range in dB. snr: range in dB of the white noise added, None for none.
    """

    utterances: int = 28_000
    seed: int = 0
    shares: tuple[tuple[str, int], ...] = (("owners", 3), ("places", 2), ("sums", 2))
    accents: tuple[str, ...] = ACCENTS
    variants: tuple[str, ...] = VARIANTS
    speed: tuple[float, float] = (0.88, 1.25)
    pitch: tuple[float, float] = (0.83, 1.26)
    gain: tuple[float, float] = (-6.0, 3.0)
    snr: tuple[float, float] | None = None


class Utterance(NamedTuple):
    """One training clip. mel: float16 (frames, 80). labels: int16 (tokens,), the word id or SILENCE of every audio token."""

    mel: Tensor
    labels: Tensor
    question: tuple[int, ...]
    answer: int
    task: str


def word_runs(utterance: Utterance) -> list[range] | None:
    """The audio tokens in which each word of the question is spoken; None where the labels, run by run, are not its words one by one."""
    values, counts = torch.unique_consecutive(utterance.labels.long(), return_counts=True)
    ends = counts.cumsum(0).tolist()
    runs = [(value, range(end - count, end)) for value, end, count in zip(values.tolist(), ends, counts.tolist(), strict=True)]
    spoken = [(value, run) for value, run in runs if value >= len(tokens.SPECIAL)]
    return [run for _, run in spoken] if [value for value, _ in spoken] == list(utterance.question) else None


class Corpus:
    """All utterances of a recipe, in memory. sha256: of every feature and label, so that a checkpoint can say what it was trained on."""

    def __init__(self, shards: Sequence[Path]) -> None:
        self.utterances: list[Utterance] = []
        digest = hashlib.sha256()
        for shard in shards:
            with np.load(shard) as file:
                parts = {name: file[name] for name in file.files}
            digest.update(b"".join(parts[name].tobytes() for name in sorted(parts)))
            self.utterances += _unpacked(parts)
        self.sha256 = digest.hexdigest()

    def __len__(self) -> int:
        return len(self.utterances)


def build_corpus(recipe: SpeechRecipe, folder: Path, workers: int = 1, progress: Callable[[int], object] = lambda n: None) -> Corpus:
    """The corpus of a recipe, in memory; see `say_corpus`."""
    return Corpus(say_corpus(recipe, folder, workers, progress))


def say_corpus(recipe: SpeechRecipe, folder: Path, workers: int = 1, progress: Callable[[int], object] = lambda n: None) -> list[Path]:
    """The shards of a recipe in `folder`, made where they are not there. progress: called with the utterances of every shard that is done.

    UsageError where espeak-ng is not installed.
    """
    name = hashlib.sha256(json.dumps([asdict(recipe), Espeak().version, world.vocabulary()]).encode()).hexdigest()[:12]
    home = folder / f"speech-{name}"
    home.mkdir(parents=True, exist_ok=True)
    questions = world.train_questions(recipe.utterances, recipe.seed, world.in_shares(recipe.shares))
    starts = range(0, len(questions), SHARD)
    files = [home / f"{start:06d}.npz" for start in starts]
    jobs = [(recipe, questions[s : s + SHARD], s, f) for s, f in zip(starts, files, strict=True)]
    missing = [job for job in jobs if not job[3].exists()]
    progress(len(questions) - sum(len(job[1]) for job in missing))
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            for made in pool.map(_make_shard, missing):
                progress(made)
    else:
        for job in missing:
            progress(_make_shard(job))
    return files


def _make_shard(job: tuple[SpeechRecipe, Sequence[Question], int, Path]) -> int:
    """Say, measure and write one shard; the file appears only when it is whole."""
    recipe, questions, start, file = job
    torch.set_num_threads(1)
    random = Random(f"{recipe.seed}/{start}")
    lines = [_line(question, recipe, random) for question in questions]
    extractor = tokens.build_feature_extractor()
    rng = np.random.default_rng([recipe.seed, start])
    mels: list[NDArray[np.float16]] = []
    labels: list[NDArray[np.int16]] = []
    for question, timed in zip(questions, Espeak().recite(lines), strict=True):
        wave = _degraded(_resampled(timed), recipe, rng)
        features = extractor(wave, sampling_rate=tokens.SAMPLING_RATE, return_attention_mask=True, return_tensors="np")
        mels.append(features["input_features"][0][:, : features["attention_mask"][0].sum()].T.astype(np.float16))
        labels.append(frame_words(question.text, timed, math.ceil(len(mels[-1]) / tokens.FRAMES_PER_TOKEN)))
    known = tokens.word_ids()
    said = [tokens.ids_of(question.words) for question in questions]
    partial = file.with_suffix(".part")
    with partial.open("wb") as out:
        np.savez(
            out,
            mel=np.concatenate(mels),
            mel_length=np.array([len(m) for m in mels], np.int32),
            label=np.concatenate(labels),
            label_length=np.array([len(x) for x in labels], np.int32),
            question=np.concatenate([np.array(q, np.int16) for q in said]),
            question_length=np.array([len(q) for q in said], np.int32),
            answer=np.array([known[q.answer] for q in questions], np.int16),
            task=np.array([q.task for q in questions]),
        )
    partial.replace(file)
    return len(questions)


def _line(question: Question, recipe: SpeechRecipe, random: Random) -> Line:
    accent, variant = random.choice(recipe.accents), random.choice(recipe.variants)
    speed, pitch = round(random.uniform(*recipe.speed), 3), round(random.uniform(*recipe.pitch), 3)
    return Line(question.text, f"{accent}+{variant}" if variant else accent, speed, pitch, random.randrange(2**31))


def _resampled(timed: Timed) -> NDArray[np.float32]:
    wave: NDArray[np.float32] = soxr.resample(timed.speech.wave, timed.speech.sampling_rate, tokens.SAMPLING_RATE, quality="HQ")
    return wave


def _degraded(wave: NDArray[np.float32], recipe: SpeechRecipe, rng: np.random.Generator) -> NDArray[np.float32]:
    """The wave at a gain, and with white noise at a signal-to-noise ratio, drawn from the recipe's ranges."""
    wave = wave * np.float32(10 ** (rng.uniform(*recipe.gain) / 20))
    if recipe.snr is not None:
        power = float(np.mean(np.square(wave))) / 10 ** (rng.uniform(*recipe.snr) / 10)
        wave = wave + rng.standard_normal(len(wave), np.float32) * np.float32(math.sqrt(power))
    return np.clip(wave, -1, 1)


def frame_words(text: str, timed: Timed, count: int) -> NDArray[np.int16]:
    """The word id spoken in the middle of each of `count` audio tokens, SILENCE between words; int16 (count,).

    espeak-ng tells where a word begins, and where a pause does; words that it runs together share their time by their numbers of letters.
    """
    known = tokens.word_ids()
    places = [(match.start(), known[match.group()]) for match in world.WORD.finditer(text.lower())]
    begins = [(frame, place) for frame, place in timed.times if place is not None]
    pauses = sorted(frame for frame, place in timed.times if place is None)
    lengths = {match.start(): len(match.group()) for match in world.WORD.finditer(text.lower())}
    marks: list[tuple[float, int]] = [(0.0, tokens.SILENCE)]
    for number, (frame, place) in enumerate(begins):
        next_frame, next_place = begins[number + 1] if number + 1 < len(begins) else (len(timed.speech.wave), len(text))
        stop = next((p for p in pauses if frame < p < next_frame), next_frame)
        said = [(at, word) for at, word in places if (at >= place or number == 0) and at < next_place]
        shares = np.cumsum([0] + [lengths[at] for at, _ in said]) / max(1, sum(lengths[at] for at, _ in said))
        marks += [(frame + share * (stop - frame), word) for share, (_, word) in zip(shares[:-1], said, strict=True)]
        marks.append((stop, tokens.SILENCE))
    middles = (np.arange(count) + 0.5) * tokens.FRAMES_PER_TOKEN * tokens.HOP / tokens.SAMPLING_RATE * timed.speech.sampling_rate
    index = np.searchsorted([frame for frame, _ in marks], middles, side="right") - 1
    return np.array([marks[i][1] for i in index], np.int16)


def _unpacked(parts: dict[str, Any]) -> list[Utterance]:
    mels = torch.split(torch.from_numpy(parts["mel"]), parts["mel_length"].tolist())
    labels = torch.split(torch.from_numpy(parts["label"]), parts["label_length"].tolist())
    questions = np.split(parts["question"], np.cumsum(parts["question_length"])[:-1])
    rows = zip(mels, labels, questions, parts["answer"].tolist(), parts["task"].tolist(), strict=True)
    return [Utterance(mel, label, tuple(question.tolist()), answer, task) for mel, label, question, answer, task in rows]
