"""What a metric of next-token logits receives: the logits after the speech beside those after the own and the partners' texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor


@dataclass(frozen=True)
class LogitPair:
    """One batch. heard: logits after the spoken prompts, (B, V). text: after the written ones, (B * K, V), those of item 0 first.

    A text that is not there has NaN logits, and so gets NaN for a value.
    """

    heard: Tensor
    text: Tensor

    @cached_property
    def speech(self) -> Tensor:
        """(B * K, V): the logits after the speech, once for each of its texts."""
        return self.heard.repeat_interleave(self.text.shape[0] // max(len(self.heard), 1), dim=0)
