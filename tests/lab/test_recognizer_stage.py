"""The recognizer's stage: it learns, the same way twice, on what it will hear later; what it saves is a recognizer of `hf-asr`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import WhisperForConditionalGeneration
from transformers.models.qwen2_audio.modeling_qwen2_audio import Qwen2AudioEncoder

from lsgap_bench.lab import architecture, tokens, world
from lsgap_bench.lab.corpus import Corpus, Utterance
from lsgap_bench.lab.hearing_stage import HearingRecipe, HearingStage
from lsgap_bench.lab.loop import Clock, Schedule, step_random, train
from lsgap_bench.lab.recognizer_stage import RecognizerRecipe, RecognizerStage, floor_of, save_recognizer, window, word_spans, writing_of
from lsgap_bench.models.hf_asr import HFASR
from lsgap_bench.speech.clips import Wave

TONES = {"red": (400, 2600), "blue": (800, 3500), "green": (1300, 4700), "black": (1900, 6200)}  # Hz: each word is a chord of its own
SPOKEN = 0.18  # seconds a word: three audio tokens
HEARING = HearingRecipe(schedule=Schedule(steps=150, rate=1e-2, warmup=10), groups=1, batch=12)
RECIPE = RecognizerRecipe(schedule=Schedule(steps=240, rate=1e-2, warmup=10), groups=1, batch=6, guided=0.3, frozen=1.0)


class Said(NamedTuple):
    wave: Wave
    words: tuple[str, ...]


def said(words: tuple[str, ...], seed: int = 0) -> Said:
    """Chords for words, with a breath of noise, so that nothing is exactly silent."""
    time = np.arange(round(SPOKEN * tokens.SAMPLING_RATE)) / tokens.SAMPLING_RATE
    wave = np.concatenate([sum(0.2 * np.sin(2 * np.pi * tone * time) for tone in TONES[word]) for word in words])
    return Said((wave + 1e-3 * np.random.default_rng(seed).standard_normal(len(wave))).astype(np.float32), words)


def utterance(clip: Said) -> Utterance:
    """As `corpus` makes it: the features of the clip alone, cut out of the window."""
    made = tokens.build_feature_extractor()(clip.wave, sampling_rate=tokens.SAMPLING_RATE, return_attention_mask=True, return_tensors="pt")
    mel = made["input_features"][0][:, : int(made["attention_mask"][0].sum())].T.half()
    ids = tokens.ids_of(clip.words)
    return Utterance(mel, torch.tensor(ids, dtype=torch.int16).repeat_interleave(3), tuple(ids), tokens.EOS, "colors")


def pairs() -> list[Said]:
    return [said((one, other), seed) for seed, (one, other) in enumerate((a, b) for a in TONES for b in TONES if a != b)]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    made = Corpus([])
    made.utterances = [utterance(clip) for clip in pairs()]
    return made


def recognizer(encoder: Qwen2AudioEncoder | None = None) -> WhisperForConditionalGeneration:
    return architecture.build_recognizer(encoder or architecture.build_encoder(0, width=32, layers=1), 0)


def trained(
    corpus: Corpus, recipe: RecognizerRecipe, at: Path, encoder: Qwen2AudioEncoder | None = None
) -> WhisperForConditionalGeneration:
    model = recognizer(encoder)
    train(RecognizerStage(model, corpus, recipe, autocast=False), recipe.schedule, 0, at / "state.pt", Clock())
    return model


@pytest.fixture(scope="module")
def learned(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> WhisperForConditionalGeneration:
    at = tmp_path_factory.mktemp("learned")
    encoder = architecture.build_encoder(0, width=32, layers=1)
    train(HearingStage(encoder, corpus, HEARING, autocast=False), HEARING.schedule, 0, at / "hearing.pt", Clock())
    return trained(corpus, RECIPE, at, encoder)


@torch.no_grad()
def word_loss(model: WhisperForConditionalGeneration, corpus: Corpus) -> float:
    return float(RecognizerStage(model, corpus, RECIPE, autocast=False).losses(10**6, step_random(0, "check", 0))["words"])


@pytest.fixture(scope="module")
def begun(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> WhisperForConditionalGeneration:
    """One that has seen which words there are, and does not hear yet."""
    recipe = RecognizerRecipe(schedule=Schedule(steps=40, rate=1e-2, warmup=2), groups=1, batch=6, guided=0.3, frozen=1.0)
    return trained(corpus, recipe, tmp_path_factory.mktemp("begun"))


def test_its_loss_begins_at_that_of_guessing_and_falls(corpus: Corpus, begun: WhisperForConditionalGeneration) -> None:
    guessing = np.log(len(tokens.word_ids()))
    assert word_loss(recognizer(), corpus) == pytest.approx(guessing, rel=0.1)
    assert word_loss(begun, corpus) < np.log(len(TONES)) < guessing


@pytest.mark.slow
def test_it_learns_to_hear(corpus: Corpus, learned: WhisperForConditionalGeneration) -> None:
    assert word_loss(learned, corpus) < 0.6  # to know that there are two of four words, but not which, costs 2/3 ln 4 = 0.92


def test_a_saved_one_is_loaded_by_hf_asr_and_writes_words(begun: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    save_recognizer(begun, tmp_path / "made", {})
    assert next(begun.parameters()).dtype == torch.float32, "saving must not change the model"
    loaded = HFASR(str(tmp_path / "made"), device="cpu")
    assert {value.dtype for value in load_file(tmp_path / "made" / "model.safetensors").values()} == {torch.bfloat16}
    assert loaded.max_seconds == tokens.SECONDS
    (heard,) = loaded.transcribe([said(("red", "blue")).wave])
    assert heard
    assert set(heard.split()) <= TONES.keys()


@pytest.mark.slow
def test_one_that_has_learned_writes_what_was_said(learned: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    save_recognizer(learned, tmp_path / "made", {})
    loaded = HFASR(str(tmp_path / "made"), device="cpu")
    clips = [said(clip.words, seed=1000 + number) for number, clip in enumerate(pairs())]
    heard = loaded.transcribe([clip.wave for clip in clips])
    right = sum(text == " ".join(clip.words) for text, clip in zip(heard, clips, strict=True))
    assert right >= 6, heard  # of 12; by chance 1


def test_it_learns_from_what_it_gets_at_inference() -> None:
    extractor, clip = tokens.build_feature_extractor(), said(("red", "blue", "green"))
    given = extractor(clip.wave, sampling_rate=tokens.SAMPLING_RATE, return_tensors="pt").input_features[0]
    mel = utterance(clip).mel
    seen = window(mel, floor_of(mel))
    assert seen.shape == given.shape == (tokens.MELS, 600)
    far = torch.ones(600, dtype=torch.bool)
    far[len(mel)] = False  # the analysis window of the first frame after a clip reaches back into it
    assert torch.allclose(seen[:, far], given[:, far], atol=2e-3)  # float16


@pytest.mark.parametrize("gain", [1e-6, 0.0])
def test_beside_a_very_quiet_clip_silence_is_what_the_extractor_says(gain: float) -> None:
    loud = said(("red",))
    clip = loud._replace(wave=loud.wave * np.float32(gain))
    given = tokens.build_feature_extractor()(clip.wave, sampling_rate=tokens.SAMPLING_RATE, return_tensors="pt").input_features[0]
    assert floor_of(utterance(clip).mel) == pytest.approx(float(given[0, -1]), abs=1e-3)


def test_the_same_seed_gives_the_same_weights_also_after_an_interruption(corpus: Corpus, tmp_path: Path) -> None:
    recipe = RecognizerRecipe(schedule=Schedule(steps=6, rate=1e-3), groups=1, batch=2, guided=0.5, frozen=0.5)
    whole = trained(corpus, recipe, tmp_path / "whole").state_dict()
    resumed = recognizer()
    stage = RecognizerStage(resumed, corpus, recipe, autocast=False)
    with pytest.raises(Exception, match="the time is over at step 1 of 6"):
        train(stage, recipe.schedule, 0, tmp_path / "state.pt", Clock.minutes(0))
    train(RecognizerStage(resumed, corpus, recipe, autocast=False), recipe.schedule, 0, tmp_path / "state.pt", Clock())
    assert all(torch.equal(value, whole[name]) for name, value in resumed.state_dict().items())


@pytest.mark.parametrize(("frozen", "learning"), [(0.0, [True, True]), (0.5, [False, True]), (1.0, [False, False])])
def test_the_encoder_learns_only_from_the_step_on_at_which_it_thaws(corpus: Corpus, frozen: float, learning: list[bool]) -> None:
    model = recognizer()
    recipe = RecognizerRecipe(schedule=Schedule(steps=2, rate=1e-2), groups=1, batch=2, frozen=frozen)
    stage = RecognizerStage(model, corpus, recipe, autocast=False)
    for step, learns in enumerate(learning):
        torch.stack(list(stage.losses(step, step_random(0, "thaw", step)).values())).sum().backward()
        assert (model.model.encoder.conv1.weight.grad is not None) == learns
        assert model.model.decoder.embed_tokens.weight.grad is not None


def made_of(question: str, labels: list[str | None]) -> Utterance:
    ids = [tokens.SILENCE if word is None else tokens.ids_of([word])[0] for word in labels]
    return Utterance(torch.zeros(20, 80), torch.tensor(ids, dtype=torch.int16), tuple(tokens.ids_of(question.split())), 0, "colors")


def test_a_word_s_states_are_those_of_its_frames() -> None:
    spans = word_spans([made_of("red blue red", [None, "red", "red", "blue", None, "red"])], 4, 14)
    found = [[at for at in range(14) if spans[0, row, at]] for row in range(4)]
    assert found == [[], [2, 3, 4, 5], [6, 7], [10, 11]]


def test_a_clip_with_a_word_that_no_frame_says_tells_nowhere_to_look() -> None:
    assert not word_spans([made_of("red blue", ["red", "red"])], 3, 8).any()


def test_it_writes_the_words_then_the_end() -> None:
    writing = writing_of([made_of("red", ["red"]), made_of("red blue", ["red", "blue"])])
    red, blue = tokens.ids_of(["red", "blue"])
    assert writing.inputs.tolist() == [[tokens.TRANSCRIBE, red, tokens.PAD], [tokens.TRANSCRIBE, red, blue]]
    assert writing.targets.tolist() == [[red, tokens.EOS, -100], [red, blue, tokens.EOS]]


def test_the_longest_question_fits_its_positions() -> None:
    longest = max(len(question.words) for question in world.train_questions(2000, 0))
    assert longest + 1 < recognizer().config.max_target_positions


def test_the_full_size_fits_beside_the_other_models_in_the_package(tmp_path: Path) -> None:
    save_recognizer(architecture.build_recognizer(architecture.build_encoder(0), 0), tmp_path / "made", {})
    assert sum(file.stat().st_size for file in (tmp_path / "made").iterdir()) <= 3_600_000
