"""Where attention should look, on hand-made attention: written words are one position, spoken ones as many as they last."""

from __future__ import annotations

import math

import pytest
import torch

from lsgap_bench.lab.looking import Look, looking_loss, looks_of

WORDS = ["tom", "has", "the", "red", "ball", "anna", "has", "the", "blue", "cup", "who", "has", "the", "cup"]


def spread(words: list[str], lasting: int) -> list[range]:
    """Places of words that last so many positions each, and of the mark behind them."""
    return [range(lasting * k, lasting * (k + 1)) for k in range(len(words))] + [range(lasting * len(words), lasting * len(words) + 1)]


def test_a_spoken_word_is_looked_at_from_all_and_at_all_its_positions():
    looks = looks_of(WORDS, "anna", spread(WORDS, 3))
    assert Look(0, 0, range(12, 15), range(0, 3)) in looks  # ball -> tom
    assert Look(0, 1, range(12, 15), range(9, 12)) in looks  # ball -> red
    assert Look(1, 1, range(39, 42), range(27, 30)) in looks  # the cup asked for -> the cup told of
    assert looks[-1] == Look(2, 0, range(42, 43), range(39, 42))  # the answer -> the cup asked for
    written = looks_of(WORDS, "anna", spread(WORDS, 1))
    assert [(look.layer, look.head) for look in looks] == [(look.layer, look.head) for look in written]


def test_the_loss_of_one_look_is_minus_the_log_of_the_whole_weight_it_asks_for():
    weights = torch.zeros(1, 2, 4, 4)
    weights[0, 1, 3] = torch.tensor([0.1, 0.3, 0.2, 0.4])
    loss = looking_loss([weights], [[Look(0, 1, range(3, 4), range(1, 3))]])
    assert loss.item() == pytest.approx(-math.log(0.5 + 1e-4))


def test_every_look_counts_once_however_long_its_word_lasts():
    weights = torch.zeros(2, 1, 4, 4)
    weights[0, 0, 1:3, 0] = torch.tensor([0.5, 0.125])  # a word of two positions
    weights[1, 0, 3, 0] = 0.25
    looks = [[Look(0, 0, range(1, 3), range(1))], [Look(0, 0, range(3, 4), range(1))]]
    long, short = (math.log(0.5) + math.log(0.125)) / 2, math.log(0.25)
    assert looking_loss([weights], looks).item() == pytest.approx(-(long + short) / 2, abs=1e-3)


def test_layers_add_up_and_rows_that_ask_for_nothing_change_nothing():
    first, second = torch.full((2, 1, 2, 2), 0.5), torch.full((2, 1, 2, 2), 0.25)
    looks = [[Look(0, 0, range(1, 2), range(1)), Look(1, 0, range(1, 2), range(1))], []]
    assert looking_loss([first, second], looks).item() == pytest.approx(math.log(2) + math.log(4), abs=1e-3)
    assert looking_loss([first, second], [[], []]).item() == 0


def test_a_larger_weight_where_it_should_be_lowers_the_loss_by_its_gradient():
    scores = torch.zeros(1, 1, 3, 3, requires_grad=True)
    looking_loss([scores.softmax(-1)], [[Look(0, 0, range(2, 3), range(1))]]).backward()
    assert scores.grad is not None
    assert scores.grad[0, 0, 2, 0] < 0 < scores.grad[0, 0, 2, 1]
    assert scores.grad[0, 0, :2].abs().sum() == 0
