"""Clips that go through the encoder one by one: what each gives the decoder is taken alone, and put in its place in the batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lsgap_bench.models.hooks import given_states, with_states


class _Heard(Exception):
    """Carries the states that reach the decoder out of a forward that need not go on."""

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        self.states = states


@torch.no_grad()
def decoder_input(model: Any, first: nn.Module, inputs: Mapping[str, Any]) -> Tensor:
    """What the decoder's first block is given for one prompt, (..., 1, T, D); the blocks themselves are not run."""

    def stop(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        raise _Heard(given_states(args, kwargs))

    handle = first.register_forward_pre_hook(stop, with_kwargs=True, prepend=True)
    try:
        model(**inputs)
    except _Heard as heard:
        return heard.states
    finally:
        handle.remove()
    raise AssertionError("a forward that never reaches the decoder")


@contextmanager
def placed(first: nn.Module, states: Sequence[Tensor]) -> Iterator[None]:
    """Inside the `with`, the first block gets these states, (..., 1, T_row, D) for each row, at the right end of a left-padded batch."""

    def put(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        hidden = given_states(args, kwargs).clone()
        for row, own in enumerate(states):
            hidden[..., row, -own.shape[-2] :, :] = own[..., 0, :, :]
        return with_states(args, kwargs, hidden)

    handle = first.register_forward_pre_hook(put, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
