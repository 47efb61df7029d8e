"""A batch's content, by hand: which states are read, and which are replaced."""

from __future__ import annotations

import torch

from lsgap_bench.models.adapter import Batch, chunks

# row 0 is "pad a b c", its content a b; row 1 is "d e f g", its content f
BATCH = Batch(
    inputs={},
    valid=torch.tensor([[False, True, True, True], [True] * 4]),
    content_index=torch.tensor([[1, 2], [2, 0]]),
    content_mask=torch.tensor([[True, True], [True, False]]),
    prompts=["abc", "defg"],
)
HIDDEN = torch.tensor([[[0.0], [1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0], [7.0]]])


def test_the_content_is_read_at_its_positions() -> None:
    content = BATCH.content(HIDDEN)
    assert content[BATCH.content_mask][:, 0].tolist() == [1.0, 2.0, 6.0]
    assert content.shape == (2, 2, 1)


def test_new_states_replace_the_content_alone_and_in_a_copy() -> None:
    before = HIDDEN.clone()
    edited = BATCH.with_content(HIDDEN, torch.tensor([[[10.0], [20.0]], [[60.0], [-1.0]]]))
    assert edited[..., 0].tolist() == [[0.0, 10.0, 20.0, 3.0], [4.0, 5.0, 60.0, 7.0]]
    assert torch.equal(HIDDEN, before)


def test_new_states_take_the_precision_of_the_old() -> None:
    edited = BATCH.with_content(HIDDEN.bfloat16(), torch.full((2, 2, 1), 1 / 3))
    assert edited.dtype == torch.bfloat16


def test_a_batch_counts_its_rows() -> None:
    assert len(BATCH) == 2


def test_chunks_cover_everything_once() -> None:
    assert [list(range(7)[part]) for part in chunks(7, 3)] == [[0, 1, 2], [3, 4, 5], [6]]
