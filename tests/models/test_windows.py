"""A shortened encoder window: the same states and answers as the full one, and the model left as it was."""

from __future__ import annotations

import pytest
import torch
from tiny_models import SECONDS, wave

from lsgap_bench.models import windows
from lsgap_bench.models.hf_speech import HFSpeech

CLIPS = {"a tenth of a second": [0.1], "one clip": [2.0], "mixed lengths": [0.1, 1.7, 3.0], "the whole window": [SECONDS, 0.5]}


@pytest.mark.parametrize("seconds", CLIPS.values(), ids=CLIPS.keys())
def test_a_shortened_window_gives_what_the_full_window_gives(qwen2_audio: HFSpeech, seconds: list[float]) -> None:
    clips = [wave(s, seed) for seed, s in enumerate(seconds)]
    batch = qwen2_audio.encode(clips, [None] * len(clips))
    seen: list[torch.Tensor] = []
    logits = qwen2_audio.prefill(batch, lambda layer, hidden: seen.append(hidden.clone())).last_logits
    features = qwen2_audio.prompter.encode(clips, [None] * len(clips)).features
    with torch.no_grad():
        full = qwen2_audio.model(**features, output_hidden_states=True)
    for ours, theirs in zip([*seen, logits], [*full.hidden_states, full.logits[:, -1]], strict=True):
        where = batch.valid if ours.dim() == 3 else slice(None)
        assert float((ours[where] - theirs[where]).abs().max() / theirs[where].abs().max()) <= 1e-5


def test_a_short_clip_costs_a_short_window(qwen2_audio: HFSpeech) -> None:
    short, long = (qwen2_audio.encode([wave(s)], [None]).inputs["input_features"].shape[-1] for s in (0.5, SECONDS))
    assert short < 60  # 50 frames of 10 ms and a margin
    assert long == 100 * SECONDS


def test_a_failed_forward_leaves_the_position_table_whole(qwen2_audio: HFSpeech) -> None:
    tower = qwen2_audio.model.model.audio_tower
    table = tower.embed_positions

    def fail(layer: int, hidden: torch.Tensor) -> None:
        raise RuntimeError("stop here")

    with pytest.raises(RuntimeError, match="stop here"):
        qwen2_audio.prefill(qwen2_audio.encode([wave(0.5)], [None]), fail)
    assert tower.embed_positions is table
    assert tower.config.max_source_positions == table.num_embeddings == 50 * SECONDS


def test_the_window_is_open_only_inside_the_with(qwen2_audio: HFSpeech) -> None:
    tower = qwen2_audio.model.model.audio_tower
    table = tower.embed_positions
    with windows.window(tower, 40):
        assert torch.equal(tower.embed_positions.weight, table.weight[:20])
    assert tower.embed_positions is table
