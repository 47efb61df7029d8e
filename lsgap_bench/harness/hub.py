"""The hub while many data sets are asked of it: once it cannot be reached, the others are looked for on this machine alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import datasets
from huggingface_hub import constants


@contextmanager
def hub_asked() -> Iterator[Callable[[], None]]:
    """Gives what to call when the hub cannot be reached: no request waits for it from then on, until this is left."""
    places = (constants, datasets.config)
    before = [place.HF_HUB_OFFLINE for place in places]

    def give_up() -> None:
        for place in places:
            setattr(place, "HF_HUB_OFFLINE", True)  # noqa: B010 - mypy takes the constants for final

    try:
        yield give_up
    finally:
        for place, offline in zip(places, before, strict=True):
            setattr(place, "HF_HUB_OFFLINE", offline)  # noqa: B010
