"""Forward hooks on a decoder's layers, open only inside `with`: layer 0 is the decoder's input, layer L the last states, normed or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from lsgap_bench.models.adapter import LayerHook


@contextmanager
def at_layers(
    blocks: Sequence[nn.Module], norm: nn.Module, hook: LayerHook | None, normed: bool = True, stream: int | None = None
) -> Iterator[None]:
    """Call `hook(layer, hidden (B, T, D))` at layers 0..L of every forward inside the `with`; a tensor it returns replaces the states.

    blocks: the L decoder blocks; norm: the final norm. normed: layer L is its output (as in transformers' `hidden_states[-1]`), else its
    input, the output of the last block. stream: which one counts of the parallel streams (S, B, T, D) that some decoders keep. No hook is
    left behind, whatever happens inside.
    """
    handles = []
    try:
        if hook is not None:
            for layer, block in enumerate(blocks):
                handles.append(block.register_forward_pre_hook(_before(layer, hook, stream), with_kwargs=True))
            last = len(blocks)
            handles.append(
                norm.register_forward_hook(_after(last, hook))
                if normed
                else norm.register_forward_pre_hook(_before(last, hook, stream), with_kwargs=True)
            )
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def last_position_only(head: nn.Module) -> Iterator[None]:
    """Inside the `with`, the language-model head sees only the last position: (B, T, D) -> (B, 1, D).

    Works where `logits_to_keep` does not exist.
    """
    handle = head.register_forward_pre_hook(lambda module, args: (args[0][:, -1:], *args[1:]))
    try:
        yield
    finally:
        handle.remove()


def given_states(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """The hidden states among the arguments of a block."""
    hidden: Tensor = args[0] if args else kwargs["hidden_states"]
    return hidden


def with_states(args: tuple[Any, ...], kwargs: dict[str, Any], hidden: Tensor) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a block with other hidden states."""
    return ((hidden, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": hidden})


def _seen(hook: LayerHook, layer: int, hidden: Tensor, stream: int | None) -> Tensor | None:
    """What the hook makes of the states, or of one of the parallel streams (S, B, T, D) that a decoder keeps; None: nothing."""
    if hidden.dim() == 3 or stream is None:
        return hook(layer, hidden)
    edited = hook(layer, hidden[stream])
    if edited is None:
        return None
    whole = hidden.clone()
    whole[stream] = edited
    return whole


def _before(layer: int, hook: LayerHook, stream: int | None) -> Any:
    def pre_hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        edited = _seen(hook, layer, given_states(args, kwargs), stream)
        return None if edited is None else with_states(args, kwargs, edited)

    return pre_hook


def _after(layer: int, hook: LayerHook) -> Any:
    def forward_hook(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        return hook(layer, output)

    return forward_hook
