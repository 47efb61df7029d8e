"""Stage 2: the labels, the distortions and the batches that the encoder learns from; and that it learns."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
import torch

from lsgap_bench.lab import architecture, tokens
from lsgap_bench.lab.corpus import NO_WORD, Utterance
from lsgap_bench.lab.hearing_stage import Batches, HearingRecipe, HearingStage, augmented, frame_labels
from lsgap_bench.lab.loop import Clock, Schedule, step_random, train


def utterance(frames: int, seed: int = 0) -> Utterance:
    """A clip in which every word is a band of mel bins of its own, one word for every eight frames."""
    random = Random(seed)
    words = [random.randrange(20, 24) for _ in range(math.ceil(frames / 8))]
    mel = torch.zeros(frames, tokens.MELS)
    for frame in range(frames):
        band = 20 * (words[frame // 8] - 20)
        mel[frame, band : band + 20] = 1.0
    labels = torch.tensor([words[token // 2] for token in range(math.ceil(frames / 4))], dtype=torch.int16)
    return Utterance(mel.half(), labels, (tokens.USER,), 20, "days")


def made_corpus(count: int) -> SimpleNamespace:
    class Made(SimpleNamespace):
        def __len__(self) -> int:
            return len(self.utterances)

    return Made(utterances=[utterance(40 + 3 * number, number) for number in range(count)])


def test_labels_of_a_group_end_with_each_clip():
    group = [utterance(8)._replace(labels=torch.tensor([9, 30], dtype=torch.int16)), utterance(16)]
    labels = frame_labels(group, 5)
    assert labels.dtype == torch.int64
    assert labels[0].tolist() == [9, 30, NO_WORD, NO_WORD, NO_WORD]
    assert labels[1].tolist() == [*group[1].labels.tolist(), NO_WORD]
    assert frame_labels(group, 1).tolist() == [[9], [int(group[1].labels[0])]]  # cut where the encoder gives no more


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_a_distorted_clip_keeps_its_shape_and_the_clip_itself_is_never_touched(dtype: torch.dtype):
    mel = torch.rand(37, 80).to(dtype)
    before = mel.clone()
    for seed in range(20):
        out = augmented(mel, Random(seed))
        assert out.shape == mel.shape
        assert out.dtype == torch.float32
        assert not torch.equal(out, mel.float())
    assert torch.equal(mel, before)


def test_at_most_two_bands_of_bins_and_two_of_frames_are_set_to_the_floor():
    torch.manual_seed(0)
    mel = 10 + torch.rand(60, 80)
    mel[0, 0] = -10.0  # the floor, far from everything else
    widths = []
    for seed in range(200):
        masked = augmented(mel, Random(seed)) < 0
        frames, bins = masked.all(1), masked.all(0)
        rest = masked.clone()
        rest[frames] = rest[:, bins] = False
        assert rest.sum() <= 1  # bands of their whole width alone, and the floor itself
        widths.append((int(frames.sum()), int(bins.sum())))
    for drawn in zip(*widths, strict=True):
        assert min(drawn) == 0
        assert 12 < max(drawn) <= 20  # two bands of at most ten


def test_clips_shorter_than_a_mask_are_distorted_too():
    for seed in range(50):
        assert augmented(torch.rand(3, 80), Random(seed)).shape == (3, 80)


def test_distortion_is_drawn_anew_but_the_same_for_the_same_step():
    mel = torch.rand(40, 80)
    one, same, other = (augmented(mel, step_random(0, "hearing", step)) for step in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_step_has_groups_of_clips_of_about_one_length_and_all_clips_come_in_time():
    made = made_corpus(100)
    batches = Batches(made, groups=4, size=5)
    seen: set[int] = set()
    for step in range(60):
        groups = list(batches.draw(Random(step)))
        assert [len(group) for group in groups] == [5] * 4 or sorted(map(len, groups)) == [5, 5, 5, 5]
        for group in groups:
            lengths = [len(u.mel) for u in group]
            assert max(lengths) - min(lengths) <= 3 * 15 + 20  # fifteen neighbours, three frames apart; shuffled by twenty
            assert len(set(lengths)) == 5  # none twice
            seen.update(lengths)
    assert len(seen) == 100
    assert [len(group) for group in Batches(made_corpus(3), groups=4, size=5).draw(Random(0))] == [3]  # what there is


def test_an_encoder_begins_to_hear_words_in_forty_steps_and_the_same_way_twice(tmp_path: Path):
    recipe = HearingRecipe(schedule=Schedule(steps=40, rate=3e-3, warmup=5), groups=2, batch=4)
    runs = []
    for run in range(2):
        torch.manual_seed(0)
        stage = HearingStage(architecture.build_encoder(0, width=32, layers=1), made_corpus(30), recipe)  # type: ignore[arg-type]
        before = stage.losses(0, step_random(1, "probe", 0))["word"].item()
        train(stage, recipe.schedule, 0, tmp_path / f"{run}.pt", Clock())
        after = stage.losses(0, step_random(1, "probe", 0))["word"].item()
        runs.append([p.detach().clone() for p in stage.module.parameters()])
    assert before == pytest.approx(math.log(len(tokens.word_ids())), rel=0.2)
    assert after < 0.5 * before
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))


def test_positions_stay_as_they_are(tmp_path: Path):
    recipe = HearingRecipe(schedule=Schedule(steps=3, rate=1e-2), groups=1, batch=2)
    encoder = architecture.build_encoder(0, width=32, layers=1)
    before = encoder.embed_positions.weight.clone()
    train(HearingStage(encoder, made_corpus(6), recipe), recipe.schedule, 0, tmp_path / "state.pt", Clock())  # type: ignore[arg-type]
    assert torch.equal(encoder.embed_positions.weight, before)
