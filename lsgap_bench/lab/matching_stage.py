"""Stage 3, matching: encoder and projector learn to give, for every audio token, the text model's embedding of the word spoken in it.

Without it so small a model never starts to answer spoken questions: a projected state must be the embedding and not only point at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen2AudioForConditionalGeneration

from lsgap_bench.lab import tokens
from lsgap_bench.lab.architecture import encode
from lsgap_bench.lab.corpus import NO_WORD, Corpus, Utterance
from lsgap_bench.lab.hearing_stage import Batches, augmented, frame_labels
from lsgap_bench.lab.loop import Paced, Schedule

DISTANCE_WEIGHT = 2.0  # of being the embedding, beside 1 for pointing at it
CHECKPOINTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Shares of the steps after which the model is kept, so that what this stage does to the gap and to the states can be measured, too."""
SHARPNESS = 12.0  # of the scores of a projected state against the word embeddings


@dataclass(frozen=True)
class MatchingRecipe:
    """How encoder and projector are matched to a text model; groups, batch: clips a step, as in the hearing stage."""

    schedule: Schedule = Schedule(steps=1_500, rate=1.5e-3, warmup=100, floor=0.05, weight_decay=0.01)
    groups: int = 3
    batch: int = 11


class WordTargets:
    """The embeddings that projected states should be; a copy, which stays as it is while the model learns."""

    def __init__(self, model: Qwen2AudioForConditionalGeneration) -> None:
        self._words = embedding(model).weight.detach().clone()
        self._norm = self._words[len(tokens.SPECIAL) :].pow(2).sum(1).mean()

    def loss(self, projected: Tensor, group: Sequence[Utterance]) -> Tensor:
        """Cross-entropy of the word by its embedding, and the squared distance over words' squared norm; projected: (clips, N, width)."""
        labels = frame_labels(group, projected.shape[1]).to(projected.device)
        known = labels != NO_WORD
        states, words = projected[known].float(), labels[known]
        distance = (states - self._words[words]).pow(2).sum(1).mean() / self._norm
        return functional.cross_entropy(SHARPNESS / self._norm * states @ self._words.T, words) + DISTANCE_WEIGHT * distance


class MatchingStage:
    """See `loop.Stage`. The text model itself is not touched."""

    name = "matching"

    def __init__(self, model: Qwen2AudioForConditionalGeneration, corpus: Corpus, recipe: MatchingRecipe, autocast: bool = False) -> None:
        model.set_attn_implementation("eager")
        self._encoder, self._projector = model.model.audio_tower, model.model.multi_modal_projector
        self.module: nn.Module = nn.ModuleDict({"encoder": self._encoder, "projector": self._projector})
        self._targets = WordTargets(model)
        self._recipe, self._autocast = recipe, autocast
        self._batches = Batches(corpus, recipe.groups, recipe.batch)

    def learned(self) -> Sequence[Paced]:
        """The encoder's weights and the projector's."""
        return [Paced(list(self.module.parameters()))]

    def losses(self, step: int, random: Random) -> Mapping[str, Tensor]:
        """The loss of `WordTargets`, mean over the step's groups."""
        losses = []
        for group in self._batches.draw(random):
            with torch.autocast(self._projector.linear.weight.device.type, torch.bfloat16, enabled=self._autocast):
                states, _ = encode(self._encoder, [augmented(u.mel, random) for u in group])
                projected = self._projector(states)
            losses.append(self._targets.loss(projected, group))
        return {"match": torch.stack(losses).mean()}


def embedding(model: Qwen2AudioForConditionalGeneration) -> nn.Embedding:
    """The table of the text model's input embeddings."""
    found = model.get_input_embeddings()
    assert isinstance(found, nn.Embedding)
    return found


@torch.no_grad()
def set_marks(model: Qwen2AudioForConditionalGeneration, seed: int) -> None:
    """Give the marks that no written question has (silence, the clip's borders, transcribe) random embeddings of a word's length."""
    table = embedding(model).weight
    length = table[len(tokens.SPECIAL) :].norm(dim=1).mean()
    generator = torch.Generator().manual_seed(seed)
    for mark in (tokens.SILENCE, tokens.AUDIO_BEGIN, tokens.AUDIO_END, tokens.TRANSCRIBE):
        direction = torch.randn(table.shape[1], generator=generator)
        table[mark] = (direction / direction.norm() * length).to(table)
