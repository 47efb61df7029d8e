"""The pure intervention functions: geometry of the edits, and which tokens a selection takes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lsgap_bench.errors import UsageError
from lsgap_bench.interventions.functional import angle_projection, length_normalization, select_tokens
from lsgap_bench.metrics.functional import AlignmentPath
from lsgap_bench.registry import interventions


def rows(seed: int, n: int = 20, width: int = 12) -> Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed))


def path(scores: list[list[float]], similarity: str = "cosine") -> AlignmentPath:
    """A path with these scores; NaN marks padding."""
    values = torch.tensor(scores)
    positions = torch.arange(values.shape[1]).expand_as(values).masked_fill(values.isnan(), -1)
    return AlignmentPath(positions, values, similarity)  # type: ignore[arg-type]


PADDED = path([[0.9, 0.1, math.nan, 0.5, 0.7, 0.3], [0.2, math.nan, math.nan, 0.4, math.nan, math.nan]])


def taken(selected: Tensor) -> list[list[int]]:
    return [row.nonzero()[:, 0].tolist() for row in selected]


# ---- edits ----


def test_keep_norm_has_the_speech_norm_and_the_text_direction() -> None:
    speech, text = rows(0), rows(1)
    edited = angle_projection(speech, text)
    torch.testing.assert_close(edited.norm(dim=1), speech.norm(dim=1))
    torch.testing.assert_close(torch.cosine_similarity(edited, text), torch.ones(20))


def test_orthogonal_leaves_a_rest_that_is_perpendicular_to_the_text() -> None:
    speech, text = rows(0).double(), rows(1).double()
    edited = angle_projection(speech, text, mode="orthogonal")
    torch.testing.assert_close(((speech - edited) * text).sum(1), torch.zeros(20).double())
    torch.testing.assert_close(torch.cosine_similarity(edited, text).abs(), torch.ones(20).double())
    torch.testing.assert_close(angle_projection(edited, text, mode="orthogonal"), edited)


def test_length_normalization_has_the_text_norm_and_the_speech_direction() -> None:
    speech, text = rows(0), rows(1)
    edited = length_normalization(speech, text)
    torch.testing.assert_close(edited.norm(dim=1), text.norm(dim=1))
    torch.testing.assert_close(torch.cosine_similarity(edited, speech), torch.ones(20))


def test_edits_of_a_hand_case() -> None:
    speech, text = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]])
    # |s| = 5, |t| = 2, u = (0, 1), <s, u> = 4.
    assert angle_projection(speech, text).tolist() == [[0, 5]]
    assert angle_projection(speech, text, mode="orthogonal").tolist() == [[0, 4]]
    assert length_normalization(speech, text)[0].tolist() == pytest.approx([6 / 5, 8 / 5])


def test_a_zero_text_state_has_no_direction_to_give() -> None:
    speech, zero = rows(0), torch.zeros(20, 12)
    assert torch.equal(angle_projection(speech, zero), speech)
    assert torch.equal(angle_projection(speech, zero, mode="orthogonal"), speech)


def test_a_zero_speech_state_stays_zero_when_its_length_is_normalized() -> None:
    assert torch.equal(length_normalization(torch.zeros(20, 12), rows(1)), torch.zeros(20, 12))


def test_edits_refuse_rows_that_do_not_pair_and_unknown_modes() -> None:
    with pytest.raises(ValueError, match=r"speech \(20, 12\) and text \(3, 12\)"):
        angle_projection(rows(0), rows(1, n=3))
    with pytest.raises(ValueError, match=r"speech \(20, 12\) and text \(20, 5\)"):
        length_normalization(rows(0), rows(1, width=5))
    with pytest.raises(ValueError, match="mode is 'sideways'"):
        angle_projection(rows(0), rows(1), mode="sideways")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("angle_projection", lambda s, t: angle_projection(s, t, "keep_norm")),
        ("angle_projection_orthogonal", lambda s, t: angle_projection(s, t, "orthogonal")),
        ("length_normalization", length_normalization),
        ("identity", lambda s, t: s),
    ],
)
def test_a_plug_in_is_its_pure_function(name: str, reference: object) -> None:
    plug_in = interventions[name]
    assert torch.equal(plug_in.edit(rows(0), rows(1)), reference(rows(0), rows(1)))  # type: ignore[operator]
    assert plug_in.source
    assert plug_in.summary.endswith(".")


# ---- selections ----


def test_all_takes_every_token_but_padding() -> None:
    assert taken(select_tokens(PADDED)) == [[0, 1, 3, 4, 5], [0, 3]]


def test_bottom_takes_the_lowest_cosines_and_top_the_highest() -> None:
    assert taken(select_tokens(PADDED, "bottom3")) == [[1, 3, 5], [0, 3]]
    assert taken(select_tokens(PADDED, "top3")) == [[0, 3, 4], [0, 3]]
    assert taken(select_tokens(PADDED, "bottom1")) == [[1], [0]]


def test_bottom_of_a_euclidean_path_takes_the_largest_distances() -> None:
    distances = path([[0.9, 0.1, math.nan, 0.5, 0.7, 0.3]], "euclidean")
    assert taken(select_tokens(distances, "bottom2")) == [[0, 4]]
    assert taken(select_tokens(distances, "top2")) == [[1, 5]]


def test_of_tokens_aligned_equally_well_the_first_are_taken() -> None:
    equal = path([[math.nan, 0.5, 0.5, 0.5, 0.5]])
    assert taken(select_tokens(equal, "bottom3")) == taken(select_tokens(equal, "top3")) == [[1, 2, 3]]


def test_a_text_mask_narrows_the_selection() -> None:
    mask = torch.tensor([[True, False, True, True, True, True], [True] * 6])
    assert taken(select_tokens(PADDED, "bottom3", text_mask=mask)) == [[3, 4, 5], [0, 3]]


def test_random_takes_three_valid_tokens_and_the_seed_decides_which() -> None:
    wide = path([[0.5] * 12 + [math.nan] * 3])
    draws = [taken(select_tokens(wide, "random3", generator=torch.Generator().manual_seed(s)))[0] for s in range(30)]
    assert all(len(draw) == 3 and max(draw) < 12 for draw in draws)
    assert draws[4] == taken(select_tokens(wide, "random3", generator=torch.Generator().manual_seed(4)))[0]
    assert {token for draw in draws for token in draw} == set(range(12))


def test_random_takes_each_token_equally_often() -> None:
    many = path([[0.5] * 6 + [math.nan]] * 4000)
    share = select_tokens(many, "random3", generator=torch.Generator().manual_seed(0)).float().mean(dim=0)
    # 3 of 6 tokens: share 1/2, standard error sqrt(.25 / 4000) = .008.
    assert share[:6].tolist() == pytest.approx([0.5] * 6, abs=0.04)
    assert share[6] == 0


def test_a_generator_per_item_makes_the_draw_independent_of_batch_and_padding() -> None:
    lengths = [5, 20, 9]
    batch = path([[0.5] * n + [math.nan] * (20 - n) for n in lengths])
    left = path([[math.nan] * (25 - n) + [0.5] * n for n in lengths])
    together = taken(select_tokens(batch, "random3", generator=[torch.Generator().manual_seed(s) for s in range(3)]))
    shifted = taken(select_tokens(left, "random3", generator=[torch.Generator().manual_seed(s) for s in range(3)]))
    for s, n in enumerate(lengths):
        assert taken(select_tokens(path([[0.5] * n]), "random3", generator=[torch.Generator().manual_seed(s)])) == [together[s]]
        assert [token - (25 - n) for token in shifted[s]] == together[s]


def test_an_item_without_tokens_gets_none() -> None:
    empty = path([[math.nan, math.nan]])
    for how in ("all", "bottom3", "top3", "random3"):
        assert taken(select_tokens(empty, how)) == [[]]


@pytest.mark.parametrize("how", ["botom3", "bottom", "bottom0", "top-1", "random3 "])
def test_an_unknown_selection_is_named_with_the_nearest_known_one(how: str) -> None:
    with pytest.raises(UsageError, match=rf"no token selection is called '{how}'; did you mean '(bottom|top|random)3'"):
        select_tokens(PADDED, how)


def test_a_mask_that_does_not_fit_the_path_is_named() -> None:
    with pytest.raises(ValueError, match=r"text_mask \(2, 5\) does not fit the path \(2, 6\)"):
        select_tokens(PADDED, text_mask=torch.ones(2, 5, dtype=torch.bool))
