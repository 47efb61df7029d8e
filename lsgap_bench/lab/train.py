"""The training of one lab model, from nothing to its last checkpoint; every part that is done already is taken up, also after a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tqdm import tqdm
from transformers import Qwen2AudioEncoder, Qwen2AudioForConditionalGeneration, Qwen2ForCausalLM, WhisperForConditionalGeneration

from lsgap_bench.lab import architecture, checkpoints, matching_stage, tokens, world
from lsgap_bench.lab.alignment_stage import AlignmentStage, merged
from lsgap_bench.lab.corpus import Corpus, say_corpus
from lsgap_bench.lab.hearing_stage import HearingStage
from lsgap_bench.lab.loop import Clock, Stage, computes_in_bfloat16, train
from lsgap_bench.lab.matching_stage import MatchingStage, set_marks
from lsgap_bench.lab.recipe import Recipe, digest
from lsgap_bench.lab.recognizer_stage import RecognizerStage, save_recognizer
from lsgap_bench.lab.text_stage import TextStage, reading_accuracy
from lsgap_bench.resources import DEMO_BASE, DEMO_RECOGNIZER


@dataclass(frozen=True)
class Lab:
    """Where a lab keeps what it makes, and on what it works. folder: its home. workers: processes that say the training questions."""

    folder: Path
    device: str = "cpu"
    threads: int | None = None
    workers: int = max(1, (os.cpu_count() or 2) // 2)

    @property
    def autocast(self) -> bool:
        """Whether training multiplies in bfloat16."""
        return computes_in_bfloat16(self.device)

    def prepare(self) -> None:
        """Set the threads, and be warned of whatever would not give the same weights twice."""
        if self.threads:
            torch.set_num_threads(self.threads)
        torch.use_deterministic_algorithms(True, warn_only=True)


class Matched(NamedTuple):
    """What the alignment begins with. corpus: the training speech. checkpoints: step of the matching -> folder, the last is the model."""

    corpus: Corpus
    checkpoints: Mapping[int, Path]

    @property
    def last(self) -> Path:
        """The folder of the model."""
        return self.checkpoints[max(self.checkpoints)]


@dataclass(frozen=True)
class Trained:
    """A trained model on disk. base: the text model alone. checkpoints: step -> folder, the last one is the model."""

    name: str
    base: Path
    checkpoints: Mapping[int, Path]

    @property
    def last(self) -> Path:
        """The folder of the last checkpoint."""
        return self.checkpoints[max(self.checkpoints)]


def train_model(recipe: Recipe, lab: Lab, clock: Clock | None = None, say: Callable[[str], object] = print) -> Trained:
    """Train the model of a recipe, with everything it stands on; what the lab's folder holds of it is not made again.

    The same recipe gives the same weights on the same machine with as many threads. Raises TimeIsUp when the clock runs out (all is kept),
    UsageError where espeak-ng is not installed or a kept state belongs to another recipe.
    """
    lab.prepare()
    clock = clock or Clock()
    run = lab.folder / "runs" / f"{recipe.name}-{digest(recipe.to_dict())[:6]}"
    folders = {step: run / f"step-{step:06d}" for step in recipe.alignment.checkpoints}
    base_folder = base_of(recipe, lab, clock, say)
    trained = Trained(recipe.name, base_folder, folders)
    if all(folder.exists() for folder in folders.values()):
        return trained
    matched = matched_of(recipe, lab, clock, say)
    corpus = matched.corpus
    loaded = Qwen2AudioForConditionalGeneration.from_pretrained(matched.last, dtype=torch.float32)
    model = checkpoints.on(lab.device, loaded)
    torch.manual_seed(recipe.seed)  # of LoRA's own weights
    stage = AlignmentStage(model, corpus, recipe.alignment, recipe.seed, lab.autocast)
    say(f"{recipe.name}: alignment, {recipe.alignment.strategy}, {recipe.alignment.schedule.steps} steps")
    told = {
        "stage": "alignment",
        "made_from_sha256": checkpoints.weights_sha256(matched.last),
        "recipe": recipe.part("size", "seed", "text", "speech", "hearing", "matching", "alignment"),
        "data_sha256": corpus.sha256,
    }
    at_steps = _keeping(model, folders, told, checkpoints.half)  # to be measured, not to be trained on
    seconds = train(stage, recipe.alignment.schedule, recipe.seed, run / "state.pt", clock, at_steps)
    (run / "state.pt").unlink(missing_ok=True)
    say(f"{recipe.name}: {seconds:.0f} s, {len(folders)} checkpoints in {run}")
    return trained


def base_of(recipe: Recipe, lab: Lab, clock: Clock, say: Callable[[str], object] = print) -> Path:
    """The folder of the text model that a recipe stands on; trained where it is not there."""
    if recipe.embedded and checkpoints.made_by(DEMO_BASE)["recipe"]["size"] == recipe.size:
        return DEMO_BASE
    key = digest(recipe.size, asdict(recipe.text), recipe.shared_seed, world.vocabulary())
    folder = lab.folder / f"base-{recipe.size}-{key}"
    if folder.exists():
        return folder
    say(f"{recipe.name}: the text model, {recipe.text.schedule.steps} steps")
    model = checkpoints.on(lab.device, architecture.build_text_model(architecture.size_called(recipe.size), recipe.shared_seed))
    seconds = _trained(
        TextStage(model, recipe.text, recipe.shared_seed, lab.autocast), recipe.text.schedule, recipe.shared_seed, folder, clock
    )
    held_out = [question for task in world.TASKS for question in world.draw(task, 50, seed=recipe.shared_seed + 1000)]
    accuracy = {task: round(share, 3) for task, share in reading_accuracy(model, held_out).items()}
    say(f"{recipe.name}: reads {sum(accuracy.values()) / len(accuracy):.3f} of held-out questions right ({seconds:.0f} s)")
    told = {"stage": "text", "recipe": recipe.part("size", "text"), "seconds": round(seconds), "held_out_accuracy": accuracy}
    checkpoints.save(folder, told, model, tokens.build_tokenizer())
    _state(folder).unlink(missing_ok=True)
    return folder


def speech_of(recipe: Recipe, lab: Lab) -> list[Path]:
    """The shards of the training speech, said where they are not there."""
    with tqdm(total=recipe.speech.utterances, desc="synthesis", unit="clip") as bar:
        return say_corpus(recipe.speech, lab.folder, lab.workers, progress=bar.update)


def hearing_of(recipe: Recipe, lab: Lab, clock: Clock, say: Callable[[str], object] = print) -> tuple[Path, Corpus]:
    """The folder of the encoder that a recipe stands on, trained where it is not there; and the training speech."""
    corpus = Corpus(speech_of(recipe, lab))
    if recipe.embedded:
        return DEMO_RECOGNIZER, corpus
    folder = lab.folder / f"encoder-{digest(asdict(recipe.speech), asdict(recipe.hearing), recipe.shared_seed, corpus.sha256)}"
    if not folder.exists():
        say(f"{recipe.name}: the encoder, {recipe.hearing.schedule.steps} steps on {len(corpus)} clips")
        encoder = architecture.build_encoder(recipe.shared_seed)
        stage = HearingStage(encoder, corpus, recipe.hearing, lab.autocast)
        stage.module.to(lab.device)
        seconds = _trained(stage, recipe.hearing.schedule, recipe.shared_seed, folder, clock)
        told = {"stage": "hearing", "recipe": recipe.part("speech", "hearing"), "seconds": round(seconds), "data_sha256": corpus.sha256}
        checkpoints.save(folder, told, encoder)
        _state(folder).unlink(missing_ok=True)
    return folder, corpus


def matched_of(recipe: Recipe, lab: Lab, clock: Clock, say: Callable[[str], object] = print) -> Matched:
    """The speech model that the alignment begins with, made where it is not there."""
    base_folder = base_of(recipe, lab, clock, say)
    encoder_folder, corpus = hearing_of(recipe, lab, clock, say)
    made_from = {"text": checkpoints.weights_sha256(base_folder), "encoder": checkpoints.weights_sha256(encoder_folder)}
    home = lab.folder / f"matched-{recipe.size}-{digest(list(made_from.values()), corpus.sha256, asdict(recipe.matching))}"
    steps = sorted({max(1, round(share * recipe.matching.schedule.steps)) for share in matching_stage.CHECKPOINTS})
    matched = Matched(corpus, {step: home / f"step-{step:06d}" for step in steps})
    if not all(folder.exists() for folder in matched.checkpoints.values()):
        say(f"{recipe.name}: the encoder is matched to the text model, {recipe.matching.schedule.steps} steps")
        base = Qwen2ForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
        encoder = _encoder_in(encoder_folder)
        model = checkpoints.on(lab.device, architecture.build_speech_model(base, encoder, recipe.shared_seed))
        set_marks(model, recipe.shared_seed)
        stage = MatchingStage(model, corpus, recipe.matching, lab.autocast)
        told = {
            "stage": "matching",
            "made_from_sha256": made_from,
            "recipe": recipe.part("size", "text", "speech", "hearing", "matching"),
            "data_sha256": corpus.sha256,
        }
        state = home / "state.pt"
        train(stage, recipe.matching.schedule, recipe.shared_seed, state, clock, _keeping(model, matched.checkpoints, told))
        state.unlink(missing_ok=True)
    return matched


def recognizer_of(recipe: Recipe, lab: Lab, clock: Clock | None = None, say: Callable[[str], object] = print) -> Path:
    """The folder of the recognizer, trained on the same speech, that the system `cascade` puts before the text model."""
    lab.prepare()
    clock = clock or Clock()
    encoder_folder, corpus = hearing_of(recipe, lab, clock, say)
    folder = lab.folder / f"recognizer-{digest(encoder_folder.name, asdict(recipe.recognizer), recipe.shared_seed)}"
    if not folder.exists():
        say(f"{recipe.name}: the recognizer, {recipe.recognizer.schedule.steps} steps")
        encoder = _encoder_in(encoder_folder)
        model = checkpoints.on(lab.device, architecture.build_recognizer(encoder, recipe.shared_seed))
        stage = RecognizerStage(model, corpus, recipe.recognizer, lab.autocast)
        seconds = _trained(stage, recipe.recognizer.schedule, recipe.shared_seed, folder, clock)
        parts = recipe.part("speech", "hearing", "recognizer")
        told = {"stage": "transcribing", "recipe": parts, "seconds": round(seconds), "data_sha256": corpus.sha256}
        save_recognizer(model, folder, told)
        _state(folder).unlink(missing_ok=True)
    return folder


def _encoder_in(folder: Path) -> Qwen2AudioEncoder:
    """The encoder of a checkpoint in float32: alone in it, or a recognizer's, whose encoder has the same weights by the same names."""
    if not (folder / "generation_config.json").exists():
        return Qwen2AudioEncoder.from_pretrained(folder, dtype=torch.float32)
    recognizer = WhisperForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    encoder = architecture.build_encoder(seed=0)
    encoder.load_state_dict(recognizer.model.encoder.state_dict())
    return encoder


def _trained(stage: Stage, schedule: Any, seed: int, folder: Path, clock: Clock) -> float:
    return train(stage, schedule, seed, _state(folder), clock)


def _state(folder: Path) -> Path:
    """Where the state of an unfinished stage is kept."""
    return folder.with_name(f"{folder.name}.state.pt")


def _keeping(
    model: Any, folders: Mapping[int, Path], told: Mapping[str, Any], kept: Callable[[Any], Any] = lambda whole: whole
) -> dict[int, Callable[[], object]]:
    """Step -> what writes the model of that step as a plain speech model of transformers, LoRA's weights merged in."""

    def keep(step: int, folder: Path) -> None:
        checkpoints.save(folder, {**told, "step": step}, kept(merged(model)), tokens.build_processor())

    return {step: partial(keep, step, folder) for step, folder in folders.items()}
