"""The cache with room to grow, beside transformers' own: the same states after every token, whatever rows leave."""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from lsgap_bench.models.roomy_cache import ROOM, RoomyLayer, give_room


def states(rows: int, tokens: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.randn(2, rows, 3, tokens, 4, generator=torch.Generator().manual_seed(seed))
    return drawn[0], drawn[1]


def filled() -> Any:
    cache: Any = DynamicCache()
    for layer in range(2):
        cache.update(*states(4, 5, layer), layer)
    return cache


def test_it_holds_what_the_cache_of_transformers_holds_after_every_token() -> None:
    ours, theirs = filled(), filled()
    give_room(ours)
    assert all(type(layer) is RoomyLayer for layer in ours.layers)
    rows = 4
    for step in range(3 * ROOM):
        if step in (1, ROOM + 3, ROOM + 4):
            rows -= 1
            kept = torch.arange(1, rows + 1)
            ours.batch_select_indices(kept)
            theirs.batch_select_indices(kept)
        for layer in range(2):
            new = states(rows, 1 + step % 2, 10 + step)
            for one, other in zip(ours.update(*new, layer), theirs.update(*new, layer), strict=True):
                assert torch.equal(one, other)
        assert ours.get_seq_length() == theirs.get_seq_length()
        assert ours.get_mask_sizes(1, 0) == theirs.get_mask_sizes(1, 0)


def test_a_new_token_is_written_into_the_room_that_is_there() -> None:
    cache = filled()
    give_room(cache)
    places = [cache.update(*states(4, 1, step), 0)[0].data_ptr() for step in range(ROOM)]
    assert len(set(places)) == 1


def test_layers_that_forget_are_left_as_they_are() -> None:
    cache = filled()
    window: Any = DynamicSlidingWindowLayer(sliding_window=4)  # type: ignore[no-untyped-call]
    window.update(*states(4, 5, 0))
    unused: Any = DynamicLayer()  # type: ignore[no-untyped-call]
    cache.layers += [window, unused]
    give_room(cache)
    assert cache.layers[2] is window
    assert cache.layers[3] is unused
