"""The pure metric functions against hand arithmetic, SciPy, and properties that padding and batching must keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from made_states import ragged, states
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from torch import Tensor

from lsgap_bench.metrics import functional as F

NAN = math.nan


def every_result(speech: Tensor, text: Tensor, speech_mask: Tensor | None, text_mask: Tensor | None) -> dict[str, Tensor]:
    by_cosine, by_distance = (F.alignment_path(speech, text, speech_mask, text_mask, how) for how in ("cosine", "euclidean"))
    return {
        "pooled_cosine": F.pooled_cosine(speech, text, speech_mask, text_mask),
        "pooled_euclidean": F.pooled_euclidean(speech, text, speech_mask, text_mask),
        "score_cosine": F.alignment_path_score(speech, text, speech_mask, text_mask, "cosine"),
        "score_euclidean": F.alignment_path_score(speech, text, speech_mask, text_mask, "euclidean"),
        "monotonicity": F.path_monotonicity(by_cosine.positions, text_mask),
        "consistency": F.path_consistency(by_cosine.positions, by_distance.positions, text_mask),
        "positions_cosine": by_cosine.positions,
        "positions_euclidean": by_distance.positions,
        "scores_cosine": by_cosine.scores,
        "scores_euclidean": by_distance.scores,
    }


def assert_same(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    for name in a:
        torch.testing.assert_close(a[name], b[name], equal_nan=True, msg=lambda text, name=name: f"{name}: {text}")


# ---- values known by hand or from another library ----


def test_identical_speech_and_text_score_one_and_lie_at_distance_zero() -> None:
    x = states(3, 5, 8)
    result = every_result(x, x, None, None)
    assert result["score_cosine"].tolist() == pytest.approx([1, 1, 1])
    assert result["score_euclidean"].tolist() == [0, 0, 0]
    assert result["pooled_cosine"].tolist() == pytest.approx([1, 1, 1])
    assert result["pooled_euclidean"].tolist() == [0, 0, 0]
    assert result["monotonicity"].tolist() == [1, 1, 1]
    assert result["consistency"].tolist() == [1, 1, 1]


def test_identical_states_far_from_the_origin_lie_at_distance_exactly_zero() -> None:
    x = 1000 + states(2, 9, 64)
    assert F.alignment_path_score(x, x, similarity="euclidean").tolist() == [0, 0]


def test_speech_that_repeats_each_text_state_scores_one_and_starts_each_word_at_its_first_frame() -> None:
    text = states(2, 6, 32)
    speech = text.repeat_interleave(4, dim=1)
    for similarity, perfect in (("cosine", 1), ("euclidean", 0)):
        path = F.alignment_path(speech, text, similarity=similarity)
        assert path.positions.tolist() == [[0, 4, 8, 12, 16, 20]] * 2
        assert F.alignment_path_score(speech, text, similarity=similarity).tolist() == pytest.approx([perfect] * 2)


def test_a_permutation_of_the_text_is_found_again() -> None:
    text = states(1, 5, 16)
    order = torch.tensor([3, 0, 4, 1, 2])
    speech = text[:, order]
    for similarity in ("cosine", "euclidean"):
        assert F.alignment_path(speech, text, similarity=similarity).positions.tolist() == [order.argsort().tolist()]


def test_a_reversed_text_has_monotonicity_minus_one() -> None:
    text = states(1, 6, 16)
    path = F.alignment_path(text.flip(1), text)
    assert F.path_monotonicity(path.positions).tolist() == [-1]


def test_states_of_orthogonal_spaces_score_zero() -> None:
    speech, text = torch.zeros(1, 4, 6), torch.zeros(1, 3, 6)
    speech[..., :3], text[..., 3:] = states(1, 4, 3), states(1, 3, 3)
    assert F.alignment_path_score(speech, text).item() == 0
    assert F.pooled_cosine(speech, text).item() == 0


def test_rescaled_speech_keeps_its_cosine_and_its_path() -> None:
    speech, text = states(2, 11, 24), states(2, 5, 24, seed=1)
    scale = torch.linspace(0.01, 50, 11)[None, :, None]
    plain, scaled = F.alignment_path(speech, text), F.alignment_path(speech * scale, text)
    assert torch.equal(plain.positions, scaled.positions)
    torch.testing.assert_close(plain.scores, scaled.scores)


def test_two_dimensional_case_worked_by_hand() -> None:
    speech = torch.tensor([[[3.0, 0.0], [0.0, 1.0], [3.0, 4.0]]])
    text = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    # Cosines of (1, 0): 1, 0, 3/5. Of (0, 2): 0, 1, 4/5. Distances of (1, 0): 2, sqrt 2, sqrt 20. Of (0, 2): sqrt 13, 1, sqrt 13.
    cosine, euclidean = F.alignment_path(speech, text), F.alignment_path(speech, text, similarity="euclidean")
    assert (cosine.positions.tolist(), euclidean.positions.tolist()) == ([[0, 1]], [[1, 1]])
    assert cosine.scores.tolist() == [[1, 1]]
    assert euclidean.scores[0].tolist() == pytest.approx([math.sqrt(2), 1])
    assert F.alignment_path_score(speech, text, similarity="euclidean").item() == pytest.approx((math.sqrt(2) + 1) / 2)
    # Tokens order 0, 1 against positions 0, 1 is perfect; 1, 1 is constant. One of the two tokens agrees.
    assert F.path_monotonicity(cosine.positions).item() == 1
    assert math.isnan(F.path_monotonicity(euclidean.positions).item())
    assert F.path_consistency(cosine.positions, euclidean.positions).item() == 0.5
    # Means (2, 5/3) and (1/2, 1): cosine = (1 + 5/3) / (sqrt(61)/3 * sqrt(5)/2) = 16 / sqrt(305); distance = sqrt(9/4 + 4/9) = sqrt(97)/6.
    assert F.pooled_cosine(speech, text).item() == pytest.approx(16 / math.sqrt(305))
    assert F.pooled_euclidean(speech, text).item() == pytest.approx(math.sqrt(97) / 6)


def test_paths_and_scores_agree_with_scipy_distances() -> None:
    speech, text = states(3, 40, 64, dtype=torch.float64), states(3, 12, 64, seed=1, dtype=torch.float64)
    for similarity, metric, pick, sign in (("cosine", "cosine", 1.0, -1.0), ("euclidean", "euclidean", 0.0, 1.0)):
        path = F.alignment_path(speech, text, similarity=similarity)
        for b in range(3):
            reference = cdist(speech[b].numpy(), text[b].numpy(), metric)  # SciPy's "cosine" is 1 - cosine
            assert path.positions[b].tolist() == reference.argmin(axis=0).tolist()
            np.testing.assert_allclose(path.scores[b], pick + sign * reference.min(axis=0), rtol=1e-10)


def test_pooled_similarities_agree_with_scipy_on_the_unpadded_means() -> None:
    speech, text, speech_mask, text_mask = ragged(seed=5)
    cosine, euclidean = F.pooled_cosine(speech, text, speech_mask, text_mask), F.pooled_euclidean(speech, text, speech_mask, text_mask)
    for b in range(len(speech)):
        means = speech[b][speech_mask[b]].mean(0)[None].numpy(), text[b][text_mask[b]].mean(0)[None].numpy()
        assert cosine[b].item() == pytest.approx(1 - cdist(*means, "cosine").item(), abs=1e-6)
        assert euclidean[b].item() == pytest.approx(cdist(*means).item(), rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_monotonicity_agrees_with_scipy_spearman_with_ties_and_padding(seed: int) -> None:
    generator = np.random.default_rng(seed)
    positions = generator.integers(0, 6, size=(8, 10))
    mask = generator.random((8, 10)) < 0.8
    mask[:, :3] = True
    ours = F.path_monotonicity(torch.from_numpy(positions), torch.from_numpy(mask))
    for b in range(8):
        kept = positions[b][mask[b]]
        assert ours[b].item() == pytest.approx(spearmanr(np.arange(len(kept)), kept).statistic, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_pooled_monotonicity_is_scipys_spearman_over_the_paths_of_all_layers_at_once(seed: int) -> None:
    generator = np.random.default_rng(seed)
    positions = generator.integers(0, 6, size=(3, 8, 10))
    mask = generator.random((8, 10)) < 0.8
    mask[:, :3] = True
    ours = F.pooled_path_monotonicity(torch.from_numpy(np.where(mask, positions, -1)))
    for b in range(8):
        order = np.tile(np.arange(mask[b].sum()), 3)
        assert ours[b].item() == pytest.approx(spearmanr(order, positions[:, b, mask[b]].ravel()).statistic, abs=1e-12)


def test_paths_that_run_forward_at_another_height_in_each_layer_are_monotonic_in_each_and_not_together() -> None:
    low, high = torch.tensor([[0, 1, 2]]), torch.tensor([[3, 4, 5]])
    assert F.path_monotonicity(low).item() == F.path_monotonicity(high).item() == 1
    # Centred ranks: of tokens (-2, 0, 2) twice, of positions (-5, -3, -1) and (1, 3, 5): 16 / sqrt(16 * 70).
    assert F.pooled_path_monotonicity(torch.stack([low, high])).item() == pytest.approx(16 / math.sqrt(16 * 70))


def test_monotonicity_of_a_constant_path_or_of_fewer_than_two_tokens_is_absent() -> None:
    positions = torch.tensor([[4, 4, 4], [2, -1, -1], [-1, -1, -1]])
    assert F.path_monotonicity(positions).isnan().all()
    assert F.path_monotonicity(torch.empty(2, 0, dtype=torch.int64)).isnan().all()


def test_negative_positions_are_padding_for_monotonicity_and_consistency() -> None:
    a, b = torch.tensor([[0, -1, 3, 5, -1]]), torch.tensor([[0, -1, 3, 4, -1]])
    assert F.path_consistency(a, b).item() == pytest.approx(2 / 3)
    assert F.path_monotonicity(a).item() == 1


def test_large_common_component_does_not_blur_float32_distances() -> None:
    offset = torch.full((1, 1, 256), 3000.0, dtype=torch.float64)
    speech = (offset + states(1, 50, 256, dtype=torch.float64)).float()
    text = (offset + states(1, 20, 256, seed=1, dtype=torch.float64)).float()
    narrow = F.alignment_path(speech, text, similarity="euclidean")
    exact = cdist(speech[0].double().numpy(), text[0].double().numpy())
    assert narrow.positions[0].tolist() == exact.argmin(axis=0).tolist()
    np.testing.assert_allclose(narrow.scores[0], exact.min(axis=0), rtol=1e-6)


# ---- ties, zeros, absence ----


def test_of_equally_similar_speech_states_the_first_wins() -> None:
    text = torch.tensor([[[1.0, 2.0, 3.0]]])
    speech = torch.tensor([[[0.0, 1.0, 0.0], [0.7, 1.4, 2.1], [1.0, 2.0, 3.0], [3.0, 6.0, 9.0]]])
    assert F.alignment_path(speech, text).positions.item() == 1
    corners = torch.tensor([[[5.0, 5.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]])
    assert F.alignment_path(corners, torch.zeros(1, 1, 3), similarity="euclidean").positions.item() == 1


@pytest.mark.parametrize("seed", range(5))
def test_rounding_does_not_decide_between_equally_similar_states(seed: int) -> None:
    frames, text = states(1, 37, 160, seed=seed), states(1, 11, 160, seed=seed + 100)
    louder = torch.cat([frames, frames * (1.5 + states(1, 37, 1, seed=seed + 200).abs())], dim=1)
    assert torch.equal(F.alignment_path(frames, text).positions, F.alignment_path(louder, text).positions)
    # Reordered coordinates lie equally far from the origin.
    reordered = torch.stack([frames[0, 0, torch.randperm(160, generator=torch.Generator().manual_seed(s))] for s in range(30)])[None]
    assert F.alignment_path(reordered, torch.zeros(1, 1, 160), similarity="euclidean").positions.item() == 0


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
@pytest.mark.parametrize("width", [33, 160, 3584])
def test_repeated_frames_tie_at_every_width(similarity: F.Similarity, width: int) -> None:
    frames, text = states(1, 37, width), states(1, 11, width, seed=1)
    once = F.alignment_path(frames, text, similarity=similarity).positions
    thrice = F.alignment_path(frames.repeat(1, 3, 1), text, similarity=similarity).positions
    assert torch.equal(once, thrice)


def test_a_zero_vector_has_cosine_zero_with_everything() -> None:
    zero, some = torch.zeros(1, 3, 4), states(1, 3, 4)
    for speech, text in ((zero, some), (some, zero), (zero, zero)):
        path = F.alignment_path(speech, text)
        assert path.scores.tolist() == [[0, 0, 0]]
        assert path.positions.tolist() == [[0, 0, 0]]
        assert F.pooled_cosine(speech, text).tolist() == [0]


def test_items_without_text_or_without_speech_are_absent_and_leave_the_others_alone() -> None:
    speech, text = states(3, 6, 8), states(3, 4, 8, seed=1)
    speech_mask, text_mask = torch.ones(3, 6, dtype=torch.bool), torch.ones(3, 4, dtype=torch.bool)
    speech_mask[0], text_mask[2] = False, False
    result = every_result(speech, text, speech_mask, text_mask)
    alone = every_result(speech[1:2], text[1:2], None, None)
    for name, values in result.items():
        torch.testing.assert_close(values[1:2], alone[name], equal_nan=True)
        absent = values[[0, 2]]
        assert (absent == -1).all() if name.startswith("positions") else absent.isnan().all(), name


@pytest.mark.parametrize(("n_speech", "n_text"), [(0, 3), (3, 0), (0, 0)])
def test_axes_of_length_zero_give_nan(n_speech: int, n_text: int) -> None:
    result = every_result(torch.zeros(2, n_speech, 4), torch.zeros(2, n_text, 4), None, None)
    for name in ("pooled_cosine", "pooled_euclidean", "score_cosine", "score_euclidean", "monotonicity", "consistency"):
        assert result[name].shape == (2,)
        assert result[name].isnan().all(), name
    assert result["positions_cosine"].tolist() == [[-1] * n_text] * 2


def test_a_state_that_overflowed_makes_its_item_absent_and_no_other() -> None:
    speech, text = states(2, 5, 8), states(2, 3, 8, seed=1)
    text[0, 1, 0] = NAN
    for similarity in ("cosine", "euclidean"):
        score = F.alignment_path_score(speech, text, similarity=similarity)
        assert score.isnan().tolist() == [True, False]


# ---- padding and batching ----


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("garbage", [0.0, 1e9, NAN, math.inf, -math.inf])
def test_what_padding_holds_changes_nothing(seed: int, garbage: float) -> None:
    speech, text, speech_mask, text_mask = ragged(seed)
    plain = every_result(speech, text, speech_mask, text_mask)
    filled = every_result(
        speech.masked_fill(~speech_mask[..., None], garbage), text.masked_fill(~text_mask[..., None], garbage), speech_mask, text_mask
    )
    assert_same(plain, filled)
    assert (plain["positions_cosine"][~text_mask] == -1).all()
    assert plain["scores_cosine"][~text_mask].isnan().all()
    assert speech_mask.gather(1, plain["positions_cosine"].clamp_min(0))[text_mask].all()


@pytest.mark.parametrize("seed", range(4))
def test_padding_on_either_side_shifts_positions_and_changes_nothing_else(seed: int) -> None:
    speech, text = states(3, 9, 16, seed=seed), states(3, 5, 16, seed=seed + 50)
    plain = every_result(speech, text, None, None)
    pad = torch.nn.functional.pad
    speech_mask, text_mask = (pad(torch.ones(3, n, dtype=torch.bool), (4, 2)) for n in (9, 5))
    padded = every_result(pad(speech, (0, 0, 4, 2), value=NAN), pad(text, (0, 0, 4, 2), value=NAN), speech_mask, text_mask)
    for name, values in plain.items():
        found = padded[name] if padded[name].ndim == 1 else padded[name][:, 4:-2]
        torch.testing.assert_close(found, values + 4 if name.startswith("positions") else values)


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_gives_what_its_items_give_one_by_one(seed: int) -> None:
    speech, text, speech_mask, text_mask = ragged(seed)
    batched = every_result(speech, text, speech_mask, text_mask)
    for b in range(len(speech)):
        kept, words = speech_mask[b].nonzero()[:, 0], text_mask[b]
        alone = every_result(speech[b : b + 1, kept], text[b : b + 1, words], None, None)
        for name, values in alone.items():
            expected = kept[values] if name.startswith("positions") else values
            found = batched[name][b : b + 1] if values.ndim == 1 else batched[name][b : b + 1, words]
            torch.testing.assert_close(found, expected)


# ---- types and errors ----


@pytest.mark.parametrize(
    ("given", "computed"),
    [(torch.bfloat16, torch.float32), (torch.float16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)],
)
def test_narrow_states_are_computed_in_float32_and_wide_ones_kept(given: torch.dtype, computed: torch.dtype) -> None:
    speech, text = states(2, 9, 32, dtype=given), states(2, 4, 32, seed=1, dtype=given)
    narrow, wide = every_result(speech, text, None, None), every_result(speech.to(computed), text.to(computed), None, None)
    for name, values in narrow.items():
        assert torch.equal(values, wide[name]), name
    for name in ("pooled_cosine", "pooled_euclidean", "score_cosine", "score_euclidean"):
        assert narrow[name].dtype == computed


def test_masks_of_zeros_and_ones_are_taken_as_bool() -> None:
    speech, text, speech_mask, text_mask = ragged(seed=1)
    assert_same(every_result(speech, text, speech_mask, text_mask), every_result(speech, text, speech_mask.long(), text_mask.long()))


def test_shapes_that_do_not_fit_are_named() -> None:
    x = torch.zeros(2, 3, 4)
    mask = torch.ones(2, 4, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"speech \(2, 3, 4\) and text \(2, 3, 5\) differ in width"):
        F.alignment_path(x, torch.zeros(2, 3, 5))
    with pytest.raises(ValueError, match=r"speech \(2, 3, 4\) and text \(4, 3, 4\) differ"):
        F.pooled_cosine(x, torch.zeros(4, 3, 4))
    with pytest.raises(ValueError, match=r"text \(3, 4\) must both be"):
        F.pooled_euclidean(x, torch.zeros(3, 4))
    with pytest.raises(ValueError, match=r"speech_mask \(2, 4\) does not fit speech \(2, 3, 4\)"):
        F.alignment_path_score(x, x, speech_mask=mask)
    with pytest.raises(ValueError, match=r"text_mask \(2, 4\) does not fit positions \(2, 3\)"):
        F.path_monotonicity(torch.zeros(2, 3, dtype=torch.int64), mask)
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 4\)"):
        F.path_consistency(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match="similarity is 'manhattan'"):
        F.alignment_path(x, x, similarity="manhattan")  # type: ignore[arg-type]
