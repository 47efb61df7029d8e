"""The gather-edit-scatter step: only the chosen positions change, collisions go to the best token, identity changes no bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lsgap_bench.interventions.functional import select_tokens
from lsgap_bench.interventions.patching import SharedPosition, patch
from lsgap_bench.metrics.functional import Similarity, alignment_path
from lsgap_bench.registry import interventions

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def batch(seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    speech, text = torch.randn(5, 11, 8, generator=generator), torch.randn(5, 6, 8, generator=generator)
    speech_mask, text_mask = torch.rand(5, 11, generator=generator) < 0.7, torch.rand(5, 6, generator=generator) < 0.7
    return speech.to(dtype), text.to(dtype), speech_mask, text_mask


def to_text(speech: Tensor, text: Tensor) -> Tensor:
    """An edit that shows which text state came to which position."""
    return text


def bits(states: Tensor) -> Tensor:
    return states.view({2: torch.int16, 4: torch.int32, 8: torch.int64}[states.element_size()])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("selection", ["all", "bottom3", "top3", "random3"])
def test_identity_changes_no_bit_in_any_dtype(dtype: torch.dtype, selection: str) -> None:
    given = batch(dtype=dtype)
    patched = patch(*given, interventions["identity"].edit, selection)
    assert patched.states.dtype == dtype
    assert torch.equal(bits(patched.states), bits(given[0]))
    assert patched.replaced.sum() > 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("selection", ["all", "bottom3", "top3"])
def test_only_the_speech_states_of_the_chosen_tokens_change(dtype: torch.dtype, selection: str) -> None:
    given = batch(dtype=dtype)
    path = alignment_path(*given)
    chosen = select_tokens(path, selection, given[3])
    states, replaced = patch(*given, interventions["angle_projection"].edit, selection)
    for b in range(5):
        expected = set(path.positions[b][chosen[b]].tolist())
        changed = (bits(states[b]) != bits(given[0][b])).any(dim=1).nonzero()[:, 0].tolist()
        assert set(changed) == expected
        assert replaced[b] == len(expected)


def test_the_states_given_are_not_written_to() -> None:
    given = batch()
    before = given[0].clone()
    patch(*given, to_text)
    assert torch.equal(given[0], before)


def test_of_tokens_that_share_a_position_the_best_aligned_one_wins() -> None:
    # Cosines with speech 0 = (1, 0): 3/5, 4/5, 0; with speech 1 = (0, -1): -4/5, -3/5, 1. So tokens 0 and 1 meet at 0, and 1 is the better.
    speech = torch.tensor([[[1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]]])
    text = torch.tensor([[[3.0, 4.0], [4.0, 3.0], [0.0, -2.0]]])
    states, replaced = patch(speech, text, None, None, to_text)
    assert states.tolist() == [[[4, 3], [0, -2], [-1, 0]]]
    assert replaced.tolist() == [2]
    # Of the three, bottom1 takes only token 0, which then meets nobody.
    states, replaced = patch(speech, text, None, None, to_text, "bottom1")
    assert states.tolist() == [[[3, 4], [0, -1], [-1, 0]]]
    assert replaced.tolist() == [1]


def test_of_equally_aligned_tokens_at_one_position_the_first_wins() -> None:
    speech, text = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[2.0, 0.0], [4.0, 0.0], [8.0, 0.0]]])
    assert patch(speech, text, None, None, to_text).states.tolist() == [[[2, 0]]]


@pytest.mark.parametrize(("shared", "winner"), [("best", [8.0, 6.0]), ("first", [3.0, 4.0]), ("last", [0.5, 0.5])])
def test_of_tokens_that_share_a_position_the_one_wins_that_the_choice_says(shared: SharedPosition, winner: list[float]) -> None:
    # Cosines with the only speech state (1, 0): 3/5, 4/5, .71; so token 1 is the best, 0 the first, 2 the last.
    speech, text = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[3.0, 4.0], [8.0, 6.0], [0.5, 0.5]]])
    states, replaced = patch(speech, text, None, None, to_text, shared=shared)
    assert states.tolist() == [[winner]]
    assert replaced.tolist() == [1]


def test_of_tokens_that_were_not_selected_none_wins_a_position() -> None:
    # Worst aligned by cosine: token 0 (3/5), then token 2 (.71), so bottom2 leaves out token 1, though it is the best.
    speech, text = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[3.0, 4.0], [8.0, 6.0], [0.5, 0.5]]])
    assert patch(speech, text, None, None, to_text, "bottom2").states.tolist() == [[[0.5, 0.5]]]
    assert patch(speech, text, None, None, to_text, "bottom2", shared="first").states.tolist() == [[[3, 4]]]
    assert patch(speech, text, None, None, to_text, "bottom1", shared="last").states.tolist() == [[[3, 4]]]


def test_by_distance_a_token_goes_to_the_nearest_state_and_the_nearest_token_wins() -> None:
    # By cosine both tokens go to (4, 0); by distance both to (0, 1), from which they are 1.1 and .91 away.
    speech = torch.tensor([[[4.0, 0.0], [0.0, 1.0]]])
    text = torch.tensor([[[1.1, 1.0], [0.9, 0.85]]])
    assert patch(speech, text, None, None, to_text).states[0, 1].tolist() == [0, 1]
    states = patch(speech, text, None, None, to_text, similarity="euclidean").states
    assert states[0, 0].tolist() == [4, 0]
    assert torch.equal(states[0, 1], text[0, 1])
    worst = patch(speech, text, None, None, to_text, "bottom1", similarity="euclidean").states
    assert torch.equal(worst[0, 1], text[0, 0])


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
@pytest.mark.parametrize("shared", ["best", "first", "last"])
@pytest.mark.parametrize("seed", range(3))
def test_collisions_of_random_items_are_settled_as_by_a_plain_loop(seed: int, shared: SharedPosition, similarity: Similarity) -> None:
    speech, text, speech_mask, text_mask = batch(seed)
    speech_mask[:, 3:] = False  # few positions, many collisions
    path = alignment_path(speech, text, speech_mask, text_mask, similarity)
    expected, counts = speech.clone(), []
    for b in range(5):
        winners: dict[int, tuple[float, int]] = {}
        for j, (i, score) in enumerate(zip(path.positions[b].tolist(), path.scores[b].tolist(), strict=True)):
            worth = {"best": score if similarity == "cosine" else -score, "first": -j, "last": j}[shared]
            if i >= 0 and (i not in winners or worth > winners[i][0]):
                winners[i] = (worth, j)
        for i, (_, j) in winners.items():
            expected[b, i] = text[b, j]
        counts.append(len(winners))
    states, replaced = patch(speech, text, speech_mask, text_mask, to_text, similarity=similarity, shared=shared)
    assert torch.equal(states, expected)
    assert replaced.tolist() == counts


def test_padding_and_batch_do_not_change_what_is_edited() -> None:
    speech, text, speech_mask, text_mask = batch()
    seeds = range(5)
    together = patch(speech, text, speech_mask, text_mask, to_text, "random3", [torch.Generator().manual_seed(s) for s in seeds])
    for b in seeds:
        kept, words = speech_mask[b], text_mask[b]
        alone = patch(speech[b : b + 1, kept], text[b : b + 1, words], None, None, to_text, "random3", torch.Generator().manual_seed(b))
        assert torch.equal(together.states[b][kept], alone.states[0])
        assert torch.equal(together.states[b][~kept], speech[b][~kept])
        assert together.replaced[b] == alone.replaced[0]


def test_an_item_without_speech_or_text_is_left_alone() -> None:
    speech, text, speech_mask, text_mask = batch()
    speech_mask[0], text_mask[1] = False, False
    states, replaced = patch(speech, text, speech_mask, text_mask, to_text)
    assert torch.equal(states[:2], speech[:2])
    assert replaced[:2].tolist() == [0, 0]
    assert patch(speech[:, :0], text, None, None, to_text).replaced.tolist() == [0] * 5
    assert patch(speech, text[:, :0], None, None, to_text).replaced.tolist() == [0] * 5


def test_an_edit_is_computed_in_float32_for_narrow_states() -> None:
    seen: list[torch.dtype] = []

    def spy(speech: Tensor, text: Tensor) -> Tensor:
        seen.extend((speech.dtype, text.dtype))
        return speech

    patch(*batch(dtype=torch.bfloat16), spy)
    assert seen == [torch.float32, torch.float32]
