"""Forward hooks on a decoder's layers, open only inside `with`: layer 0 is the decoder's input, layer L the last states, normed or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from lsgap_bench.models.adapter import LayerHook


@contextmanager
def at_layers(blocks: Sequence[nn.Module], norm: nn.Module, hook: LayerHook | None, normed: bool = True) -> Iterator[None]:
    """Call `hook(layer, hidden (B, T, D))` at layers 0..L of every forward inside the `with`; a tensor it returns replaces the states.

    blocks: the L decoder blocks; norm: the final norm. normed: layer L is its output (as in transformers' `hidden_states[-1]`), else its
    input, the output of the last block. No hook is left behind, whatever happens inside.
    """
    handles = []
    try:
        if hook is not None:
            for layer, block in enumerate(blocks):
                handles.append(block.register_forward_pre_hook(_before(layer, hook), with_kwargs=True))
            last = len(blocks)
            handles.append(
                norm.register_forward_hook(_after(last, hook))
                if normed
                else norm.register_forward_pre_hook(_before(last, hook), with_kwargs=True)
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


def _before(layer: int, hook: LayerHook) -> Any:
    def pre_hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        hidden: Tensor = args[0] if args else kwargs["hidden_states"]
        edited = hook(layer, hidden)
        if edited is None:
            return None
        return ((edited, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": edited})

    return pre_hook


def _after(layer: int, hook: LayerHook) -> Any:
    def forward_hook(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        return hook(layer, output)

    return forward_hook
