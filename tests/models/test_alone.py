"""The decoder's input of single prompts, taken out of a forward that stops there, and put in its place in a batch."""

from __future__ import annotations

import pytest
import torch
from tiny_models import wave

from lsgap_bench.models.alone import decoder_input, placed
from lsgap_bench.models.hf_speech import HFSpeech

WAVES = [wave(0.5, 1), wave(2.6, 2)]


def hooks_on(lm: HFSpeech) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in lm.model.modules())


def seen_at_0(lm: HFSpeech, contents: list[object]) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    lm.prefill(lm.encode(contents, [None] * len(contents)), lambda layer, hidden: seen.append(hidden) if layer == 0 else None)  # type: ignore[arg-type]
    return seen[0]


def test_it_is_what_the_first_layers_hook_sees_and_no_block_is_run(omni: HFSpeech, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, before = seen_at_0(omni, [WAVES[0]]), hooks_on(omni)
    ran: list[int] = []
    monkeypatch.setattr(omni.blocks[0], "forward", lambda *args, **kwargs: ran.append(1))
    found = decoder_input(omni.model, omni.blocks[0], omni.encode([WAVES[0]], [None]).inputs)
    assert torch.equal(found, expected)
    assert not ran
    assert hooks_on(omni) == before


def test_placed_states_stand_at_the_right_end_of_each_row_and_nowhere_else(omni: HFSpeech) -> None:
    usual, before = seen_at_0(omni, list(WAVES)), hooks_on(omni)
    marks = [torch.full((1, 2, usual.shape[-1]), 5.0), torch.full((1, 3, usual.shape[-1]), 7.0)]
    with placed(omni.blocks[0], marks):
        changed = seen_at_0(omni, list(WAVES))
    assert torch.equal(changed[0, -2:], marks[0][0])
    assert torch.equal(changed[1, -3:], marks[1][0])
    assert torch.equal(changed[0, :-2], usual[0, :-2])
    assert torch.equal(changed[1, :-3], usual[1, :-3])
    assert hooks_on(omni) == before
