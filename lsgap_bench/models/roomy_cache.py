"""A key-value cache with room to grow: a new token is written into it, where transformers' own copies all that came before."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicLayer

ROOM = 64  # tokens: by so much the room grows at least, or by a quarter


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, (B, heads, T, width), as views of tensors that are longer than they."""

    def __init__(self, layer: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lazy_initialization(layer.keys, layer.values)
        self.keys, self.values = layer.keys, layer.values
        self._room: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append the states of new tokens, (B, heads, n, width); returns those of all."""
        if self.keys is None or self.values is None:
            raise AssertionError("made of a layer that holds nothing")
        start = self.keys.shape[-2]
        end = start + key_states.shape[-2]
        if self._room is None or self._room[0].shape[-2] < end:
            self._room = _roomier(self.keys, end), _roomier(self.values, end)
        for room, states in zip(self._room, (key_states, value_states), strict=True):
            room[..., start:end, :] = states
        self.keys, self.values = (room[..., :end, :] for room in self._room)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows; they get new room when they grow."""
        super().batch_select_indices(indices)
        self._room = None


def give_room(cache: Any) -> None:
    """Replace the layers of a cache that would copy themselves at every token; those of other kinds, sliding windows among them, stay."""
    for place, layer in enumerate(getattr(cache, "layers", ())):
        if type(layer) is DynamicLayer and layer.is_initialized:
            cache.layers[place] = RoomyLayer(layer)


def _roomier(states: Tensor, needed: int) -> Tensor:
    length = needed + max(ROOM, needed // 4)
    room = torch.empty((*states.shape[:-2], length, states.shape[-1]), dtype=states.dtype, device=states.device)
    room[..., : states.shape[-2], :] = states
    return room
