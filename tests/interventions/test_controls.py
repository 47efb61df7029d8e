"""Random directions: uniform, of the text's norms, and of each item alone."""

from __future__ import annotations

import torch

from lsgap_bench.interventions.controls import BY_NAME, random_directions
from lsgap_bench.schema import CONTROLS


def text(n: int = 6, width: int = 64) -> torch.Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(0)) * torch.arange(n)[:, None]


def test_every_control_that_a_name_may_hold_is_in_the_table() -> None:
    assert set(BY_NAME) == {None, *CONTROLS}


def test_norms_are_the_texts_and_a_zero_state_stays_zero() -> None:
    given = random_directions(text(), [6], [3])
    torch.testing.assert_close(given.norm(dim=1), text().norm(dim=1))
    assert given[0].abs().sum() == 0


def test_directions_are_uniform_on_the_sphere() -> None:
    many = random_directions(torch.ones(4000, 3), [4000], [1]) / 3**0.5
    # Each coordinate of a uniform direction in 3-d is uniform on [-1, 1]: mean 0, variance 1/3; standard errors .009 and .005.
    assert many.mean(0).abs().max() < 0.04
    assert (many.var(0) - 1 / 3).abs().max() < 0.03
    assert ((many[:, 0].sort().values - torch.linspace(-1, 1, 4000)).abs()).max() < 0.06


def test_an_items_vectors_do_not_depend_on_the_others() -> None:
    states = text(7)
    together = random_directions(states, [3, 0, 4], [5, 6, 7])
    assert torch.equal(together[:3], random_directions(states[:3], [3], [5]))
    assert torch.equal(together[3:], random_directions(states[3:], [4], [7]))
    assert not torch.equal(random_directions(states[:3], [3], [8]), together[:3])


def test_no_rows_give_no_vectors() -> None:
    assert random_directions(torch.ones(0, 5), [0, 0], [1, 2]).shape == (0, 5)
