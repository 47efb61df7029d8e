"""The measures beyond the paper against float64 references written from their formulas, hand arithmetic, and properties."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from made_states import ragged, states
from numpy.typing import NDArray
from scipy.special import rel_entr, softmax
from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics import words as W

Floats = NDArray[np.float64]


# ---- monotonic path score ----


def best_by_trying(speech: Floats, text: Floats) -> float:
    """Every non-decreasing path there is."""
    cosines = np.array([[s @ t / math.sqrt((s @ s) * (t @ t)) for s in speech] for t in text])
    paths = itertools.combinations_with_replacement(range(len(speech)), len(text))
    return max(float(np.mean([cosines[j, i] for j, i in enumerate(path)])) for path in paths)


@pytest.mark.parametrize("seed", range(4))
def test_the_monotonic_score_is_the_best_of_all_paths_that_never_step_back(seed: int) -> None:
    speech, text, speech_mask, text_mask = ragged(seed, n_items=4)
    found = F.monotonic_path_score(speech[:, :7], text[:, :4], speech_mask[:, :7], text_mask[:, :4])
    for row in range(4):
        s, t = speech[row, :7][speech_mask[row, :7]].double().numpy(), text[row, :4][text_mask[row, :4]].double().numpy()
        assert found[row].item() == pytest.approx(best_by_trying(s, t), abs=1e-5)


def test_speech_in_the_order_of_the_text_scores_one_and_reversed_speech_less() -> None:
    text = states(1, 5, 64)
    speech = text.repeat_interleave(3, dim=1)
    assert F.monotonic_path_score(speech, text).item() == pytest.approx(1, abs=1e-5)
    assert F.alignment_path_score(speech.flip(1), text).item() == pytest.approx(1, abs=1e-5)
    assert F.monotonic_path_score(speech.flip(1), text).item() < 0.6  # one token of five, and what the others have with it


@pytest.mark.parametrize("seed", range(3))
def test_the_monotonic_score_never_exceeds_the_free_one_and_equals_it_on_a_forward_path(seed: int) -> None:
    given = ragged(seed)
    free, ordered = F.alignment_path_score(*given), F.monotonic_path_score(*given)
    assert (ordered <= free + 1e-6).all()
    text = states(2, 4, 32, seed=seed)
    noisy = text.repeat_interleave(2, dim=1) + 0.1 * states(2, 8, 32, seed=seed + 50)
    torch.testing.assert_close(F.monotonic_path_score(noisy, text), F.alignment_path_score(noisy, text))


def test_a_monotonic_score_without_text_or_speech_is_absent() -> None:
    speech, text = states(2, 3, 4), states(2, 2, 4)
    no_speech = torch.tensor([[True] * 3, [False] * 3])
    assert F.monotonic_path_score(speech, text, no_speech).isnan().tolist() == [False, True]
    assert F.monotonic_path_score(speech, text, None, torch.tensor([[False] * 2, [True] * 2])).isnan().tolist() == [True, False]
    assert F.monotonic_path_score(speech, states(2, 0, 4)).isnan().all()


@pytest.mark.parametrize("seed", range(3))
def test_padding_and_batch_change_no_monotonic_score(seed: int) -> None:
    speech, text, speech_mask, text_mask = ragged(seed)
    whole = F.monotonic_path_score(speech, text, speech_mask, text_mask)
    dirty = speech.masked_fill(~speech_mask[..., None], math.nan), text.masked_fill(~text_mask[..., None], 1e9)
    torch.testing.assert_close(F.monotonic_path_score(*dirty, speech_mask, text_mask), whole)
    alone = [F.monotonic_path_score(speech[k : k + 1], text[k : k + 1], speech_mask[k : k + 1], text_mask[k : k + 1]) for k in range(6)]
    torch.testing.assert_close(torch.cat(alone), whole)


@pytest.mark.parametrize("measure", [F.alignment_path_score, F.monotonic_path_score, F.pooled_cosine])
def test_a_planted_alignment_scores_less_the_more_noise_lies_on_it(measure: object) -> None:
    text = states(8, 6, 48)
    noise = states(8, 18, 48, seed=1)
    scores = [measure(text.repeat_interleave(3, dim=1) + level * noise, text).mean().item() for level in (0, 0.3, 0.6, 1, 2, 4)]  # type: ignore[operator]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1, abs=1e-5)
    assert scores[-1] < 0.7


# ---- linear CKA ----


def cka_by_definition(x: Floats, y: Floats) -> float:
    """From the centred kernels, as Kornblith et al. define it."""
    n = len(x)
    centring = np.eye(n) - 1 / n
    k, q = centring @ x @ x.T @ centring, centring @ y @ y.T @ centring
    return float(np.trace(k @ q) / math.sqrt(np.trace(k @ k) * np.trace(q @ q)))


@pytest.mark.parametrize(("n", "dx", "dy"), [(40, 6, 9), (7, 30, 12), (12, 12, 5), (2, 3, 3)])
def test_linear_cka_is_its_definition_whichever_side_is_longer(n: int, dx: int, dy: int) -> None:
    x, y = states(n, dx, seed=1), states(n, dy, seed=2)
    assert F.linear_cka(x, y) == pytest.approx(cka_by_definition(x.double().numpy(), y.double().numpy()), rel=1e-9)


def test_linear_cka_is_blind_to_rotation_scale_and_shift_but_not_to_the_pairing() -> None:
    x = states(50, 8, dtype=torch.float64)
    rotation = torch.linalg.qr(states(8, 8, seed=3, dtype=torch.float64)).Q
    assert F.linear_cka(x, 7 * x @ rotation + 100) == pytest.approx(1)
    assert F.linear_cka(x, x.roll(1, dims=0)) < 0.5


def test_linear_cka_of_a_side_that_does_not_vary_is_absent() -> None:
    assert math.isnan(F.linear_cka(states(5, 3), torch.ones(5, 3)))
    assert math.isnan(F.linear_cka(states(1, 3), states(1, 3)))
    with pytest.raises(ValueError, match=r"x \(4, 3\) and y \(5, 3\) must be"):
        F.linear_cka(states(4, 3), states(5, 3))


def hsic_by_quadruples(x: Floats, y: Floats) -> float:
    """The U-statistic over all quadruples of different items, of which HSIC_1 is the closed form."""
    k, q = x @ x.T, y @ y.T
    terms = [k[i, j] * (q[i, j] + q[a, b] - 2 * q[i, a]) for i, j, a, b in itertools.permutations(range(len(x)), 4)]
    return float(np.mean(terms))


@pytest.mark.parametrize("m", [4, 5, 7])
def test_block_hsic_is_the_mean_over_all_quadruples(m: int) -> None:
    x, y = states(m, 3, seed=4) + 5, states(m, 2, seed=5) - 3
    exact_x, exact_y = x.double().numpy(), y.double().numpy()
    wanted = [hsic_by_quadruples(a, b) for a, b in ((exact_x, exact_y), (exact_x, exact_x), (exact_y, exact_y))]
    assert F.block_hsic(x, y).tolist() == pytest.approx(wanted, rel=1e-5, abs=1e-6)


def test_block_hsic_keeps_leading_axes_and_is_absent_below_four_items() -> None:
    x, y = states(3, 2, 5, 4, seed=6), states(3, 2, 5, 7, seed=7)
    together = F.block_hsic(x, y)
    assert together.shape == (3, 2, 3)
    torch.testing.assert_close(together[1, 0], F.block_hsic(x[1, 0], y[1, 0]))
    assert F.block_hsic(states(3, 2), states(3, 2)).isnan().all()


def test_cka_of_blocks_is_near_that_of_all_items_where_that_of_few_is_far_above() -> None:
    x = states(4096, 6, seed=8)
    y = x @ states(6, 6, seed=9) + 2 * states(4096, 6, seed=10)
    whole = F.linear_cka(x, y)
    blocks = torch.stack([F.block_hsic(x[k : k + 16], y[k : k + 16]) for k in range(0, 4096, 16)]).mean(dim=0)
    assert (blocks[0] / (blocks[1] * blocks[2]).sqrt()).item() == pytest.approx(whole, abs=0.03)
    assert np.mean([F.linear_cka(x[k : k + 16], y[k : k + 16]) for k in range(0, 4096, 16)]) > whole + 0.1


# ---- next-token distributions ----


def test_divergence_is_that_of_scipy_and_never_negative() -> None:
    p, q = states(5, 11, seed=11) * 3, states(5, 11, seed=12) * 3
    wanted = rel_entr(softmax(p.double().numpy(), axis=1), softmax(q.double().numpy(), axis=1)).sum(axis=1)
    found = F.kl_divergence(p, q)
    assert found.tolist() == pytest.approx(wanted.tolist(), rel=1e-4)
    assert (found >= 0).all()


def test_divergence_of_equal_distributions_is_zero_and_of_half_and_quarter_by_hand() -> None:
    logits = states(2, 7)
    assert F.kl_divergence(logits, logits + 5).abs().max() < 1e-6
    p, q = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log()
    assert F.kl_divergence(p, q).item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert F.kl_divergence(torch.full((1, 3), math.nan), states(1, 3)).isnan().all()


# ---- words ----


def test_a_word_that_sounds_as_it_reads_scores_one_and_an_orthogonal_one_zero() -> None:
    text = torch.eye(3)[None]  # three tokens: words 0, 0, 1
    speech = torch.stack([torch.tensor([1.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 0.0])])[None]
    words = torch.tensor([[0, 0, 1]])
    # word 0: mean text (1, 1, 0) / 2 against speech (1, 1, 0): 1; word 1: (0, 0, 1) against (1, 0, 0): 0
    assert W.word_alignment_score(speech, text, words, words).tolist() == pytest.approx([0.5])


def test_words_without_a_time_or_without_a_token_do_not_count() -> None:
    text, speech = states(1, 3, 4), states(1, 4, 4)
    said, written = torch.tensor([[0, 0, -1, 3]]), torch.tensor([[0, 1, -1]])
    only = F.cosine(speech[:, :2].mean(dim=1), text[:, 0])
    torch.testing.assert_close(W.word_alignment_score(speech, text, said, written), only)
    assert W.word_alignment_score(speech, text, torch.full((1, 4), -1), written).isnan().all()
    assert W.word_alignment_score(speech, text, said, torch.full((1, 3), -1)).isnan().all()


def test_agreement_counts_tokens_that_are_led_into_their_own_word() -> None:
    said, written = torch.tensor([[0, 0, 1, -1, 2]]), torch.tensor([[0, 1, 2, 3, -1]])
    positions = torch.tensor([[1, 0, 4, 2, 0]])
    # tokens of words 0, 1, 2 count (word 3 is never heard, the last token has no word): led into 0, 0, 2
    assert W.word_agreement(positions, said, written).tolist() == pytest.approx([2 / 3])
    assert W.word_agreement(torch.full((1, 5), -1), said, written).isnan().all()
    assert W.word_agreement(positions, torch.full((1, 5), -1), written).isnan().all()


def padded(tensor: Tensor, value: float) -> Tensor:
    return torch.nn.functional.pad(tensor, (0, 0, 0, 2) if tensor.ndim == 3 else (0, 2), value=value)


def test_padding_changes_no_word_measure() -> None:
    speech, text = states(2, 6, 5), states(2, 4, 5, seed=1)
    said, written = torch.tensor([[0, 0, 1, 1, 2, 2], [0, 1, 1, -1, -1, -1]]), torch.tensor([[0, 1, 2, 2], [0, 1, -1, -1]])
    torch.testing.assert_close(
        W.word_alignment_score(padded(speech, 0), padded(text, 0), padded(said, -1), padded(written, -1)),
        W.word_alignment_score(speech, text, said, written),
    )
