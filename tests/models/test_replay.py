"""The clips of a batch are heard once, and no bit of any later forward differs from hearing them again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from tiny_models import wave
from torch import nn

from lsgap_bench.models.adapter import Batch
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.replay import Output, before_decoder, replayed

WAVES = [wave(0.5, 1), wave(2.6, 2), wave(1.3, 3)]


def tower(lm: HFSpeech) -> nn.Module:
    found: nn.Module = next(part for name, part in lm.model.named_modules() if name.endswith("audio_tower"))
    return found


@contextmanager
def counted(module: nn.Module) -> Iterator[list[int]]:
    """Counts how often the inside of a module runs."""
    calls: list[int] = []
    inside = next(part for part in module.modules() if isinstance(part, nn.Conv1d))
    handle = inside.register_forward_hook(lambda *given: calls.append(1))
    try:
        yield calls
    finally:
        handle.remove()


def states(lm: HFSpeech, batch: Batch, edit: Any = None) -> list[torch.Tensor]:
    """Every layer's states, the last logits, and the logits one token later, which read the whole cache."""
    seen: list[torch.Tensor] = []

    def hook(layer: int, hidden: torch.Tensor) -> torch.Tensor | None:
        seen.append(hidden.clone())
        return edit(layer, hidden) if edit else None

    prefill = lm.prefill(batch, hook)
    ids = torch.full((len(batch), 1), 5)
    mask = torch.cat([batch.valid.long(), torch.ones_like(ids)], 1)
    with torch.no_grad():
        after = lm._continue(ids, mask, batch.valid.sum(1, keepdim=True), prefill.cache)
    return [*seen, prefill.last_logits, after]


def double(layer: int, hidden: torch.Tensor) -> torch.Tensor | None:
    return 2 * hidden if layer == 1 else None


def test_later_forwards_of_a_batch_are_bit_equal_to_those_of_a_fresh_one_and_hear_nothing(any_lm: HFSpeech) -> None:
    batch = any_lm.encode(WAVES, [None] * 3)
    with counted(tower(any_lm)) as calls:
        first = states(any_lm, batch)
        heard = len(calls)
        assert heard >= 1
        again, edited = states(any_lm, batch), states(any_lm, batch, double)
        assert len(calls) == heard
        fresh, full = (dataclasses.replace(batch) for _ in range(2))
        expected, changed = states(any_lm, fresh), states(any_lm, full, double)
        assert len(calls) == 3 * heard
    for one, other, reference in zip(first, again, expected, strict=True):
        assert torch.equal(one, reference)
        assert torch.equal(other, reference)
    assert all(torch.equal(one, other) for one, other in zip(edited, changed, strict=True))
    assert not torch.equal(edited[-1], again[-1])


def test_a_batch_with_other_inputs_is_heard_anew(any_lm: HFSpeech) -> None:
    batch = any_lm.encode(WAVES, [None] * 3)
    loud = any_lm.prefill(batch).last_logits
    key = "input_features"
    quiet = dataclasses.replace(batch, inputs={**batch.inputs, key: torch.zeros_like(batch.inputs[key])})
    assert quiet.kept == {}
    assert not torch.equal(any_lm.prefill(quiet).last_logits, loud)


def test_the_ears_are_neither_decoder_nor_head(any_lm: HFSpeech) -> None:
    decoder, head = any_lm.model.get_decoder(), any_lm.model.get_output_embeddings()
    ears = before_decoder(any_lm.model, decoder, head)
    assert any(part is tower(any_lm) for part in ears)
    inside = {id(part) for ear in ears for part in ear.modules()}
    assert not inside & {id(part) for part in [*decoder.modules(), *head.modules()]}
    weights = {id(p) for part in [*ears, decoder, head] for p in part.parameters()}
    assert weights == {id(p) for p in any_lm.model.parameters()}


def test_a_forward_that_fails_keeps_nothing_and_leaves_every_module_as_it_was(lm: HFSpeech) -> None:
    batch = lm.encode(WAVES, [None] * 3)

    def fail(layer: int, hidden: torch.Tensor) -> None:
        raise torch.cuda.OutOfMemoryError("out of memory")

    with pytest.raises(torch.cuda.OutOfMemoryError):
        lm.prefill(batch, fail)
    assert batch.kept == {}
    assert not [name for name, part in lm.model.named_modules() if "forward" in part.__dict__]


class Ear(nn.Module):
    """Adds one, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> Any:
        self.calls += 1
        return x + 1


def test_an_output_that_was_written_into_is_made_again() -> None:
    ear, kept, x = Ear(), dict[int, list[Output]](), torch.zeros(2)
    with replayed([ear], kept):
        ear(x).mul_(5)
    with replayed([ear], kept):
        assert ear(x).tolist() == [1, 1]
    assert ear.calls == 2


def test_a_call_beyond_those_that_were_kept_is_run() -> None:
    ear, kept, x = Ear(), dict[int, list[Output]](), torch.zeros(2)
    with replayed([ear], kept):
        ear(x)
    with replayed([ear], kept):
        ear(x)
        assert ear.calls == 1
        assert ear(x + 1).tolist() == [2, 2]
    assert ear.calls == 2


def test_a_container_is_handed_out_as_a_copy_and_what_cannot_be_watched_is_not_kept() -> None:
    class Boxed(Ear):
        def forward(self, x: torch.Tensor) -> Any:
            return {"x": super().forward(x)}

    class Odd(Ear):
        def forward(self, x: torch.Tensor) -> Any:
            return {"x": super().forward(x), "n": 3}

    for ear, calls in ((Boxed(), 1), (Odd(), 2)):
        kept = dict[int, list[Output]]()
        for _ in range(2):
            with replayed([ear], kept):
                given = ear(torch.zeros(2))
                assert set(given) <= {"x", "n"}
                given["more"] = torch.ones(1)
        assert ear.calls == calls


def test_a_forward_that_stood_on_the_module_itself_stands_there_again() -> None:
    ear = Ear()
    own = ear.forward
    ear.forward = own  # type: ignore[method-assign]  # as accelerate does
    with replayed([ear], {}):
        assert ear.__dict__["forward"] is not own
    assert ear.__dict__["forward"] is own
