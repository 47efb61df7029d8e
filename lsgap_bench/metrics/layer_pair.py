"""What a representation metric receives: the speech and text states of one layer, and what several metrics need of them, computed once."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.functional import AlignmentPath, SquaredDistances


class Words(NamedTuple):
    """Which word each position says or writes, -1 for none: speech (B, Ts), text (B * K, Tt), int64, counted from 0 in each text."""

    speech: Tensor
    text: Tensor


class LayerPair:
    """One layer of one batch.

    Every property has one row per text, B * K of them, and is computed on first use. words: where the task says when each word is said.
    """

    def __init__(
        self,
        speech: Tensor,
        text: Tensor,
        speech_mask: Tensor | None = None,
        text_mask: Tensor | None = None,
        words: Words | None = None,
    ) -> None:
        """Lay the texts beside the speech; ValueError for shapes that do not fit.

        speech: (B, Ts, D). text: (B, Tt, D), or (B * K, Tt, D) where K texts share each speech, those of item 0 first: an item's own
        text and its partners' then go through one matrix product. Masks: bool (B, Ts) and (B * K, Tt), None = all.
        """
        self._texts_per_item = text.shape[0] // max(speech.shape[0], 1)
        self._speech, self.text, self._speech_mask, self.text_mask = F.content(speech, text, speech_mask, text_mask, self._texts_per_item)
        self.words = None if words is None else Words(self._per_text(words.speech), words.text)

    @cached_property
    def speech(self) -> Tensor:
        """(B * K, Ts, D), zero at padding."""
        return self._per_text(self._speech)

    @cached_property
    def speech_mask(self) -> Tensor:
        """Bool (B * K, Ts)."""
        return self._per_text(self._speech_mask)

    @cached_property
    def pooled_speech(self) -> Tensor:
        """Mean speech state (B * K, D)."""
        return self._per_text(self._centre)

    @property
    def mean_speech(self) -> Tensor:
        """Mean speech state, once per item, (B, D)."""
        return self._centre

    @cached_property
    def pooled_text(self) -> Tensor:
        """Mean text state (B * K, D)."""
        return F.pool(self.text, self.text_mask)

    @cached_property
    def speech_norm(self) -> Tensor:
        """Mean norm of the speech states (B * K,)."""
        return self._per_text(F.mean_norm(self._speech, self._speech_mask))

    @cached_property
    def text_norm(self) -> Tensor:
        """Mean norm of the text states (B * K,)."""
        return F.mean_norm(self.text, self.text_mask)

    @property
    def cosine(self) -> Tensor:
        """(B * K, Ts, Tt); minus infinity at padded speech, NaN for an item without speech."""
        return self._matrix(self._cosines)

    @cached_property
    def distance(self) -> Tensor:
        """Euclidean (B * K, Ts, Tt); infinite at padded speech, NaN for an item without speech."""
        return self._matrix(self._squared_distances.values).sqrt()

    @cached_property
    def cosine_path(self) -> AlignmentPath:
        """The alignment path by cosine, (B * K, Tt)."""
        return self._path(F.cosine_path(self._cosines, self._side_by_side(self.text_mask)))

    @cached_property
    def euclidean_path(self) -> AlignmentPath:
        """The alignment path by Euclidean distance, (B * K, Tt)."""
        text, mask = self._side_by_side(self.text), self._side_by_side(self.text_mask)
        return self._path(F.euclidean_path(self._speech, text, self._squared_distances, mask))

    @cached_property
    def monotonic_score(self) -> Tensor:
        """Best mean cosine along a path that never steps back, (B * K,)."""
        return F.best_monotonic(self.cosine.mT, self.text_mask)

    @cached_property
    def _centre(self) -> Tensor:
        return F.pool(self._speech, self._speech_mask)

    @cached_property
    def _cosines(self) -> Tensor:
        return F.cosine_matrix(self._speech, self._side_by_side(self.text), self._speech_mask)

    @cached_property
    def _squared_distances(self) -> SquaredDistances:
        return F.squared_distances(self._speech, self._side_by_side(self.text), self._speech_mask, self._centre)

    def _per_text(self, of_speech: Tensor) -> Tensor:
        return of_speech if self._texts_per_item == 1 else of_speech.repeat_interleave(self._texts_per_item, dim=0)

    def _side_by_side(self, of_text: Tensor) -> Tensor:
        return of_text.reshape(self._speech.shape[0], self._texts_per_item * of_text.shape[1], *of_text.shape[2:])

    def _matrix(self, grouped: Tensor) -> Tensor:
        return grouped.reshape(*self.text_mask.shape, grouped.shape[2]).mT

    def _path(self, grouped: AlignmentPath) -> AlignmentPath:
        shape = self.text_mask.shape
        return AlignmentPath(grouped.positions.reshape(shape), grouped.scores.reshape(shape), grouped.similarity)
