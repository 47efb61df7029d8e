"""Stage 2, hearing: the speech encoder learns which word is spoken in every audio token, as a recognizer's would; no text model yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen2AudioEncoder

from lsgap_bench.lab import tokens
from lsgap_bench.lab.architecture import encode
from lsgap_bench.lab.corpus import NO_WORD, Corpus, Utterance
from lsgap_bench.lab.loop import Paced, Schedule

_MASKS = 2  # of each kind in SpecAugment
_WIDEST = 10  # mel bins, or frames
_JITTER = 20  # frames by which clips of about one length are shuffled


@dataclass(frozen=True)
class HearingRecipe:
    """How the encoder learns: `groups` of `batch` clips a step, each group of about one length so that little is padding."""

    schedule: Schedule = Schedule(steps=4_500, rate=2e-3, warmup=150, floor=0.05, weight_decay=0.01)
    groups: int = 3
    batch: int = 11


class HearingStage:
    """See `loop.Stage`. The head that names the words is thrown away when the stage is over."""

    name = "hearing"

    def __init__(self, encoder: Qwen2AudioEncoder, corpus: Corpus, recipe: HearingRecipe, autocast: bool = False) -> None:
        encoder.set_attn_implementation("eager")  # on a CPU the fastest backward pass at this length
        self._head = nn.Linear(encoder.config.d_model, len(tokens.word_ids()))
        self._encoder, self._recipe, self._autocast = encoder, recipe, autocast
        self.module: nn.Module = nn.ModuleDict({"encoder": encoder, "head": self._head})
        self._batches = Batches(corpus, recipe.groups, recipe.batch)

    def learned(self) -> Sequence[Paced]:
        """The encoder's weights and the head's."""
        return [Paced(list(self.module.parameters()))]

    def losses(self, step: int, random: Random) -> Mapping[str, Tensor]:
        """Cross-entropy of the word of every audio token."""
        total = torch.zeros((), device=self._head.weight.device)
        for group in self._batches.draw(random):
            with torch.autocast(total.device.type, torch.bfloat16, enabled=self._autocast):
                states, _ = encode(self._encoder, [augmented(u.mel, random) for u in group])
                logits = self._head(states)
            labels = frame_labels(group, states.shape[1]).to(total.device)
            total = total + functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=NO_WORD)
        return {"word": total / self._recipe.groups}


class Batches:
    """Groups of clips of about one length, from all over the lengths, so that every step mixes the tasks and pads little."""

    def __init__(self, corpus: Corpus, groups: int, size: int) -> None:
        shuffle = Random(0)
        self._groups, self._size, self._all = groups, size, corpus.utterances
        by_length = sorted(range(len(corpus)), key=lambda i: len(self._all[i].mel) + shuffle.random() * _JITTER)
        self._buckets = [by_length[start : start + 3 * size] for start in range(0, len(by_length), 3 * size)]

    def draw(self, random: Random) -> Iterator[list[Utterance]]:
        """The groups of one step."""
        for bucket in random.sample(self._buckets, min(self._groups, len(self._buckets))):
            yield [self._all[i] for i in random.sample(bucket, min(self._size, len(bucket)))]


def augmented(mel: Tensor, random: Random) -> Tensor:
    """SpecAugment (Park et al. 2019): bands of bins and of frames set to the floor; a little noise. mel: (frames, bins), float32 out."""
    features = mel.float()
    floor = features.min()
    frames, bins = features.shape
    features = features.clone()
    for _ in range(_MASKS):
        width = random.randint(0, _WIDEST)
        low = random.randint(0, bins - width)
        features[:, low : low + width] = floor
        width = random.randint(0, _WIDEST)
        start = random.randint(0, max(1, frames - width))
        features[start : start + width] = floor
    return features + 0.05 * random.random() * torch.randn(features.shape)


def frame_labels(group: Sequence[Utterance], width: int) -> Tensor:
    """Labels of a group, int64 (clips, width): NO_WORD where a clip is over."""
    labels = torch.full((len(group), width), NO_WORD)
    for row, utterance in enumerate(group):
        known = utterance.labels[:width]
        labels[row, : len(known)] = known.long()
    return labels
