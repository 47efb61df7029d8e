"""What hears runs once per batch: its outputs are kept with the batch and handed out again in the batch's later forwards, bit for bit."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Output:
    """What one call of a module gave. versions: of its tensors, each of which counts what was written into it."""

    value: Any
    versions: tuple[int, ...]

    @property
    def untouched(self) -> bool:
        """Whether nothing was written into it since."""
        return self.versions == _versions(self.value)


def before_decoder(model: nn.Module, decoder: nn.Module, head: nn.Module) -> list[nn.Module]:
    """The modules of a model beside its decoder and its head: audio tower, projector. One that holds the decoder counts by its parts."""
    if model is decoder or model is head:
        return []
    if not any(part is decoder for part in model.modules()):
        return [model]
    return [found for child in model.children() for found in before_decoder(child, decoder, head)]


@contextmanager
def replayed(modules: Sequence[nn.Module], kept: dict[int, list[Output]]) -> Iterator[None]:
    """Inside the `with`, keep what the modules give in an empty `kept` (by place in `modules`); from a filled one they give it again.

    The forwards that share a `kept` must have the same inputs. A call that `kept` has no untouched output for is run in full. A `with` that
    is left by an exception keeps nothing.
    """
    fresh: dict[int, list[Output]] = {}
    own = [module.__dict__.get("forward") for module in modules]  # accelerate puts one there
    try:
        for place, module in enumerate(modules):
            run = _replaying(module.forward, kept.get(place, [])) if kept else _keeping(module.forward, fresh.setdefault(place, []))
            module.forward = functools.wraps(module.forward)(run)
        yield
        kept.update(fresh)
    finally:
        for module, forward in zip(modules, own, strict=True):
            if forward is None:
                module.__dict__.pop("forward", None)
            else:
                module.forward = forward


def _keeping(forward: Any, into: list[Output]) -> Any:
    def run(*args: Any, **kwargs: Any) -> Any:
        value = forward(*args, **kwargs)
        into.append(Output(_shallow(value), _versions(value)))
        return value

    return run


def _replaying(forward: Any, outputs: Sequence[Output]) -> Any:
    left = iter(outputs)

    def run(*args: Any, **kwargs: Any) -> Any:
        output = next(left, None)
        if output is None or not output.versions or not output.untouched:
            return forward(*args, **kwargs)
        return _shallow(output.value)

    return run


def _shallow(value: Any) -> Any:
    """Another container around the same tensors, because the model may put more into the one it gets."""
    return value if isinstance(value, (Tensor, tuple)) else copy.copy(value)


def _versions(value: Any) -> tuple[int, ...]:
    """Of the tensors in an output; empty where it holds anything that cannot be watched, and so must not be handed out again."""
    parts = list(value.values()) if isinstance(value, Mapping) else list(value) if isinstance(value, (list, tuple)) else [value]
    tensors = [part for part in parts if part is not None]
    watched = all(isinstance(part, Tensor) and not part.is_inference() for part in tensors)
    return tuple(part._version for part in tensors) if watched else ()
