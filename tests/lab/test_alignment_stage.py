"""Stage 4: what is learned from is what is run later, and LoRA leaves a plain model whose text side was never touched."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from transformers import Qwen2AudioForConditionalGeneration

from lsgap_bench.errors import UsageError
from lsgap_bench.lab import alignment_stage, tokens
from lsgap_bench.lab.alignment_stage import AlignmentRecipe, AlignmentStage, merged
from lsgap_bench.lab.architecture import SIZES, build_encoder, build_speech_model, build_text_model
from lsgap_bench.lab.corpus import Corpus, Utterance
from lsgap_bench.lab.loop import Clock, Schedule, step_random, train

SCHEDULE = Schedule(steps=4, rate=1e-2, warmup=1)
WORDS, ANSWER = "is a cow larger than an ant", "yes"


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    """Loud noise that ends in a silence, as speech does."""
    made = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    made[-800:] = 0
    return made.astype(np.float32)


@pytest.fixture(scope="module")
def corpus(wave: np.ndarray) -> Corpus:
    given = tokens.build_feature_extractor()(wave, sampling_rate=16_000, return_attention_mask=True, return_tensors="pt")
    mel = given["input_features"][0][:, : int(given["attention_mask"].sum())].T
    labels = torch.full((math.ceil(len(mel) / 4),), tokens.SILENCE, dtype=torch.int16)
    (answer,) = tokens.ids_of([ANSWER])
    made = Corpus([])
    made.utterances = [Utterance(mel, labels, tuple(tokens.ids_of(WORDS.split())), answer, "sizes_yesno")]
    return made


def recipe(strategy: str) -> AlignmentRecipe:
    return AlignmentRecipe(strategy, SCHEDULE, (4,), groups=1, batch=1, text_batch=4, text_questions=40, rank=4)


def stage(strategy: str, corpus: Corpus) -> tuple[AlignmentStage, Qwen2AudioForConditionalGeneration]:
    model = build_speech_model(build_text_model(SIZES["nano"], 0), build_encoder(0, width=32, layers=1), 0)
    return AlignmentStage(model, corpus, recipe(strategy), seed=0, autocast=False), model


def spoken(wave: np.ndarray, prompt: str) -> dict[str, torch.Tensor]:
    return dict(tokens.build_processor()(text=[prompt], audio=[wave], sampling_rate=16_000, return_tensors="pt"))


def surprise(logits: torch.Tensor, ids: list[int]) -> float:
    """Mean of -log probability of `ids`, by the last logits in front of each."""
    return -float(np.mean([logits[place].log_softmax(-1)[token].item() for place, token in enumerate(ids)]))


@pytest.mark.parametrize("answer_first", [True, False])
def test_the_losses_of_a_clip_are_those_of_the_prompt_that_is_run_later(
    corpus: Corpus, wave: np.ndarray, monkeypatch: pytest.MonkeyPatch, answer_first: bool
):
    monkeypatch.setattr(alignment_stage, "augmented", lambda mel, random: mel.float())
    monkeypatch.setattr(alignment_stage, "ANSWER_FIRST", 1.0 if answer_first else 0.0)
    learning, model = stage("full", corpus)
    with torch.no_grad():
        parts = learning.losses(0, Random(0))
        (answer,), said = tokens.ids_of([ANSWER]), tokens.ids_of(WORDS.split())
        clip = "<|user|><|audio_bos|><|AUDIO|><|audio_eos|>"
        told, written = f"<|answer|>{ANSWER}", f"<|transcribe|> {WORDS}"
        given = spoken(wave, f"{clip}{told}{written}<|eos|>" if answer_first else f"{clip}{written} {told}<|eos|>")
        ids, logits = given["input_ids"][0].tolist(), model(**given).logits[0]
    assert ids.count(tokens.AUDIO) == 17  # one second, 60 ms each
    mark = ids.index(tokens.ANSWER)
    assert ids[mark + 1] == answer
    assert parts["answer"].item() == pytest.approx(surprise(logits[mark:], [answer]), abs=1e-4)
    begin = ids.index(tokens.TRANSCRIBE)
    if answer_first:  # <|transcribe|>, the words and the end
        wanted = surprise(logits[begin - 1 :], [tokens.TRANSCRIBE, *said, tokens.EOS])
    else:  # <|transcribe|>, the words and <|answer|>; then the end, behind the answer
        before, end = [tokens.TRANSCRIBE, *said, tokens.ANSWER], surprise(logits[mark + 1 :], [tokens.EOS])
        wanted = (surprise(logits[begin - 1 :], before) * len(before) + end) / (len(before) + 1)
    assert parts["transcript"].item() == pytest.approx(alignment_stage.TRANSCRIPT_WEIGHT * wanted, abs=1e-4)


def test_lora_leaves_every_weight_of_the_text_model_and_merges_into_a_plain_model(corpus: Corpus, wave: np.ndarray, tmp_path: Path):
    learning, model = stage("lora", corpus)
    plain_names = set(stage("full", corpus)[1].state_dict())
    of_text = [name for name in model.state_dict() if ("language_model" in name or "lm_head" in name) and "lora" not in name]
    kept = {name: model.state_dict()[name].clone() for name in of_text}
    projector = model.model.multi_modal_projector.linear.weight.clone()
    train(learning, SCHEDULE, 0, tmp_path / "state.pt", Clock())
    assert all(torch.equal(model.state_dict()[name], weight) for name, weight in kept.items())
    assert not torch.equal(model.model.multi_modal_projector.linear.weight, projector)
    whole = merged(model)
    assert set(whole.state_dict()) == plain_names
    given = spoken(wave, "<|user|><|audio_bos|><|AUDIO|><|audio_eos|><|answer|>")
    with torch.no_grad():
        adapted, flat, untouched = (m(**given).logits for m in (model, whole, stage("full", corpus)[1]))
    torch.testing.assert_close(flat, adapted, atol=1e-4, rtol=0)
    assert not torch.allclose(flat, untouched, atol=1e-2)
    whole.save_pretrained(tmp_path / "made")
    again = Qwen2AudioForConditionalGeneration.from_pretrained(tmp_path / "made", dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(again(**given).logits, flat, atol=1e-5, rtol=0)


@pytest.mark.parametrize("strategy", ["full", "lora"])
def test_the_same_seed_gives_the_same_weights_also_after_an_interruption(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str
):
    whole, model = stage(strategy, corpus)
    position = model.model.audio_tower.embed_positions.weight.clone()
    train(whole, SCHEDULE, 0, tmp_path / "whole.pt", Clock())
    assert torch.equal(model.model.audio_tower.embed_positions.weight, position)

    def kill() -> None:
        raise KeyboardInterrupt

    parts, _ = stage(strategy, corpus)
    monkeypatch.setattr("lsgap_bench.lab.loop.SAVE_EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        train(parts, SCHEDULE, 0, tmp_path / "parts.pt", Clock(), {3: kill})
    again, resumed = stage(strategy, corpus)
    train(again, SCHEDULE, 0, tmp_path / "parts.pt", Clock())
    weights = model.state_dict()
    assert all(torch.equal(weights[name], weight) for name, weight in resumed.state_dict().items())


def test_full_fine_tuning_changes_the_text_model_and_the_losses_fall(corpus: Corpus, tmp_path: Path):
    learning, model = stage("full", corpus)
    before = {name: part.item() for name, part in learning.losses(0, step_random(1, "probe", 0)).items()}
    attention = model.model.language_model.layers[0].self_attn.q_proj.weight.clone()
    train(learning, Schedule(steps=20, rate=3e-3, warmup=2), 0, tmp_path / "state.pt", Clock())
    after = {name: part.item() for name, part in learning.losses(0, step_random(1, "probe", 0)).items()}
    assert not torch.equal(model.model.language_model.layers[0].self_attn.q_proj.weight, attention)
    assert set(before) == {"answer", "transcript", "frame", "look", "text"}
    assert before.pop("look") == 0  # this clip asks for nothing that stands in it
    assert all(after[name] < before[name] for name in before)


def test_an_unknown_strategy_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="the lab has no strategy 'lor'; did you mean 'lora'"):
        AlignmentRecipe(strategy="lor")
