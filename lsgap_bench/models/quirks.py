"""What is peculiar to an architecture, as rows of one table; an architecture without a row needs nothing special."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quirk:
    """Facts about one `model_type` of transformers.

    load_as: class to load instead of the automatic one (the text-producing half of an Omni checkpoint).
    window: the processor pads every clip to one window and cuts longer ones to it without a word.
    shortenable: that window can be shortened to the clips of a batch without changing the result (position table sliced).
    """

    load_as: str | None = None
    window: bool = False
    shortenable: bool = False


QUIRKS: dict[str, Quirk] = {
    "qwen2_audio": Quirk(window=True, shortenable=True),
    "qwen2_5_omni": Quirk(load_as="Qwen2_5OmniThinkerForConditionalGeneration"),
    "qwen2_5_omni_thinker": Quirk(window=True),
}


def quirk_of(model_type: str) -> Quirk:
    """The row of `model_type`; the plain one where there is none."""
    return QUIRKS.get(model_type, Quirk())
