"""Stage 3: what a projected state is compared with, by independent arithmetic; and that the text model is not touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Qwen2AudioForConditionalGeneration

from lsgap_bench.lab import tokens
from lsgap_bench.lab.architecture import SIZES, build_encoder, build_speech_model, build_text_model
from lsgap_bench.lab.corpus import Corpus, Utterance
from lsgap_bench.lab.loop import Clock, Schedule, step_random, train
from lsgap_bench.lab.matching_stage import MatchingRecipe, MatchingStage, WordTargets, set_marks

CAT, COW = tokens.ids_of(["cat", "cow"])


def model() -> Qwen2AudioForConditionalGeneration:
    return build_speech_model(build_text_model(SIZES["nano"], 0), build_encoder(0, width=32, layers=1), 0)


def utterance(*labels: int) -> Utterance:
    """A clip whose first half of the mel bins is loud for one word and the second half for the other."""
    mel = torch.zeros(4 * len(labels), tokens.MELS)
    for token, label in enumerate(labels):
        half = slice(0, 40) if label == CAT else slice(40, 80)
        mel[4 * token : 4 * token + 4, half] = 1.0
    return Utterance(mel, torch.tensor(labels, dtype=torch.int16), (CAT,), COW, "sizes")


def test_the_loss_is_the_cross_entropy_of_the_word_and_twice_the_relative_squared_distance():
    speech = model()
    table = speech.get_input_embeddings().weight.detach().double().numpy()
    norm = np.mean(np.sum(table[10:] ** 2, axis=1))  # of the words, not of the ten marks
    states = np.random.default_rng(0).standard_normal((2, 3, 96)) * 0.5
    group = [utterance(CAT, COW, CAT), utterance(COW)]  # two tokens of the second row are no token of its clip
    losses = []
    for (row, token), word in {(0, 0): CAT, (0, 1): COW, (0, 2): CAT, (1, 0): COW}.items():
        scores = 12.0 / norm * table @ states[row, token]
        losses.append(np.log(np.exp(scores).sum()) - scores[word] + 2.0 * np.sum((states[row, token] - table[word]) ** 2) / norm)
    found = WordTargets(speech).loss(torch.tensor(states, dtype=torch.float32), group)
    assert found.item() == pytest.approx(np.mean(losses), rel=1e-5)


def test_the_targets_stay_when_the_embeddings_learn():
    speech = model()
    targets, states, group = WordTargets(speech), torch.randn(1, 2, 96), [utterance(CAT, COW)]
    before = targets.loss(states, group).item()
    with torch.no_grad():
        speech.get_input_embeddings().weight.mul_(3)
    assert targets.loss(states, group).item() == before


def test_marks_get_embeddings_of_a_words_length_in_directions_of_their_own_and_words_keep_theirs():
    speech = model()
    before = speech.get_input_embeddings().weight.detach().clone()
    set_marks(speech, 0)
    after = speech.get_input_embeddings().weight.detach()
    marks = [tokens.TRANSCRIBE, tokens.AUDIO_BEGIN, tokens.AUDIO_END, tokens.SILENCE]
    length = before[10:].norm(dim=1).mean().item()
    assert after[marks].norm(dim=1).tolist() == pytest.approx([length] * 4, rel=1e-5)
    cosines = torch.corrcoef(after[marks]) - torch.eye(4)
    assert cosines.abs().max() < 0.5
    others = [number for number in range(len(before)) if number not in marks]
    assert torch.equal(after[others], before[others])


def test_matching_changes_encoder_and_projector_alone_and_its_loss_falls(tmp_path: Path):
    speech, made = model(), Corpus([])
    made.utterances = [utterance(*((CAT, COW) * 8)[start : start + 12]) for start in (0, 1, 2, 3)]
    recipe = MatchingRecipe(schedule=Schedule(steps=30, rate=3e-3, warmup=3), groups=1, batch=4)
    stage = MatchingStage(speech, made, recipe)
    before = {name: weight.clone() for name, weight in speech.state_dict().items()}
    first = stage.losses(0, step_random(1, "probe", 0))["match"].item()
    train(stage, recipe.schedule, 0, tmp_path / "state.pt", Clock())
    assert stage.losses(0, step_random(1, "probe", 0))["match"].item() < 0.7 * first
    changed = {name for name, weight in speech.state_dict().items() if not torch.equal(weight, before[name])}
    assert any("audio_tower" in name for name in changed)
    assert any("multi_modal_projector" in name for name in changed)
    assert not [name for name in changed if "language_model" in name or "lm_head" in name or "embed_positions" in name]
