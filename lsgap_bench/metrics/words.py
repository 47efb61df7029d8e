"""Pure functions of word times: how alike a word's two sides are, and whether the alignment path leads into a word's own time."""

from __future__ import annotations

import torch
from torch import Tensor

from lsgap_bench.metrics.functional import cosine, masked_mean


def belonging(words: Tensor, number: int) -> Tensor:
    """Which position belongs to which of words 0..number - 1: (B, N) int64, -1 for none -> bool (B, N, number)."""
    return words[..., None] == torch.arange(number, device=words.device)


def word_alignment_score(speech: Tensor, text: Tensor, speech_words: Tensor, text_words: Tensor) -> Tensor:
    """Mean over words (B,) of the cosine of a word's mean speech state and its mean text state; NaN where no word has both.

    speech: (B, Ts, D), text: (B, Tt, D); the word of each position, -1 for none: int64 (B, Ts), (B, Tt).
    """
    number = words_in(text_words)
    sides = [(speech, belonging(speech_words, number)), (text, belonging(text_words, number))]
    # sums, for a cosine does not ask how many positions a word has
    said, written = (of_word.to(states.dtype).mT @ states for states, of_word in sides)
    heard, read = (of_word.any(dim=1) for _, of_word in sides)
    return masked_mean(cosine(said, written), heard & read)


def word_agreement(positions: Tensor, speech_words: Tensor, text_words: Tensor) -> Tensor:
    """Share (B,) of text tokens whose path leads into the time of their own word; tokens of words without a time do not count.

    positions: int64 (B, Tt), -1 at padding. NaN where no token counts.
    """
    timed = belonging(speech_words, max(words_in(text_words), 1)).any(dim=1)
    counts = (text_words >= 0) & (positions >= 0) & timed.gather(1, text_words.clamp_min(0))
    led_to = speech_words.gather(1, positions.clamp_min(0))
    return masked_mean((led_to == text_words).float(), counts)


def words_in(text_words: Tensor) -> int:
    """The number of words in the longest text; 0 where there is none."""
    return int(text_words.max()) + 1 if text_words.numel() else 0
