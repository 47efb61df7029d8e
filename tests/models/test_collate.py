"""Prompts stacked: tokens padded on the left, everything else on the right."""

from __future__ import annotations

import torch

from lsgap_bench.models.collate import stacked


def test_tokens_are_padded_on_the_left_and_sound_on_the_right() -> None:
    short = {"input_ids": torch.tensor([[7, 8]]), "attention_mask": torch.tensor([[1, 1]]), "input_features": torch.tensor([[[1.0, 2.0]]])}
    long = {"input_ids": torch.tensor([[4, 5, 6]]), "attention_mask": torch.tensor([[1, 1, 1]]), "input_features": torch.tensor([[[3.0]]])}
    both = stacked([short, long], pad=9)
    assert both["input_ids"].tolist() == [[9, 7, 8], [4, 5, 6]]
    assert both["attention_mask"].tolist() == [[0, 1, 1], [1, 1, 1]]
    assert both["input_features"].tolist() == [[[1.0, 2.0]], [[3.0, 0.0]]]


def test_every_axis_is_padded_and_several_windows_of_one_clip_stay_together() -> None:
    one, two = torch.ones(1, 2, 3), torch.full((2, 1, 4), 2.0)
    (whole,) = stacked([{"input_features": one}, {"input_features": two}], pad=0).values()
    assert whole.shape == (3, 2, 4)
    assert torch.equal(whole[0, :, :3], one[0])
    assert whole[0, :, 3].tolist() == [0, 0]
    assert whole[1:, 0].tolist() == [[2.0] * 4] * 2
    assert not whole[1:, 1].any()


def test_what_is_no_tensor_is_dropped_and_types_are_kept() -> None:
    found = stacked([{"sizes": [3], "flags": torch.tensor([[True]]), "lengths": torch.tensor([3])}] * 2, pad=0)
    assert set(found) == {"flags", "lengths"}
    assert found["flags"].dtype == torch.bool
    assert found["lengths"].tolist() == [3, 3]
