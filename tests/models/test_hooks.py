"""Hooks stay inside their `with`, whatever happens there."""

from __future__ import annotations

import pytest
import torch

from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.hooks import at_layers, last_position_only


def hooks_on(lm: HFSpeech) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules())


def test_no_hook_outlives_a_forward(lm: HFSpeech) -> None:
    before = hooks_on(lm)
    lm.prefill(lm.encode(["yes or no"], [None]), lambda layer, hidden: None)
    assert hooks_on(lm) == before


@pytest.mark.parametrize("failing", [0, 2, 3])
def test_no_hook_outlives_a_hook_that_raises(lm: HFSpeech, failing: int) -> None:
    before = hooks_on(lm)

    def fail(layer: int, hidden: torch.Tensor) -> None:
        if layer == failing:
            raise ValueError(f"layer {layer}")

    with pytest.raises(ValueError, match=f"layer {failing}"):
        lm.prefill(lm.encode(["yes or no"], [None]), fail)
    assert hooks_on(lm) == before


def test_no_hook_outlives_an_exception_inside_the_with(lm: HFSpeech) -> None:
    before = hooks_on(lm)

    def fail() -> None:
        with at_layers(lm.blocks, lm.norm, lambda layer, hidden: None), last_position_only(lm.model.lm_head):
            assert hooks_on(lm) == before + lm.num_layers + 2
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert hooks_on(lm) == before


def test_the_last_layer_is_what_the_final_norm_gives_or_what_it_is_given(lm: HFSpeech) -> None:
    layers: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    for normed, seen in layers.items():
        lm.prefill(lm.encode(["yes or no"], [None]), lambda layer, hidden, seen=seen: seen.append(hidden), normed=normed)
    assert len(layers[True]) == len(layers[False]) == lm.num_layers + 1
    assert all(torch.equal(a, b) for a, b in zip(layers[True][:-1], layers[False][:-1], strict=True))
    with torch.no_grad():
        torch.testing.assert_close(lm.norm(layers[False][-1]), layers[True][-1])
    assert not torch.allclose(layers[False][-1], layers[True][-1])


def test_without_a_hook_nothing_is_registered(lm: HFSpeech) -> None:
    before = hooks_on(lm)
    with at_layers(lm.blocks, lm.norm, None):
        assert hooks_on(lm) == before
