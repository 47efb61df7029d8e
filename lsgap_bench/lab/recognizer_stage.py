"""Stage transcribing: a Whisper decoder learns to write down the words of a clip; what comes out is the recognizer of the system `cascade`.

In the first part a further loss tells one head of each decoder layer where in the clip to look: below at the word just written, above at
the next one. What the words alone would do in as many steps was not measured.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import WhisperForConditionalGeneration

from lsgap_bench.lab import checkpoints, tokens
from lsgap_bench.lab.architecture import floor_of
from lsgap_bench.lab.corpus import Corpus, Utterance, word_runs
from lsgap_bench.lab.hearing_stage import Batches, augmented
from lsgap_bench.lab.loop import Paced, Schedule

FRAMES = tokens.SECONDS * tokens.SAMPLING_RATE // tokens.HOP  # of the window that a Whisper encoder always takes whole
_STATES_PER_TOKEN = tokens.FRAMES_PER_TOKEN // 2  # Whisper's encoder does not pool: two states for each labelled audio token
_NO_TARGET = -100  # cross-entropy leaves it out


@dataclass(frozen=True)
class RecognizerRecipe:
    """How the recognizer learns: `groups` of `batch` clips a step. guidance: weight of the loss on where to look.

    guided, frozen: the shares of the steps, from the first on, in which attention is told where to look and the encoder stays as it is.
    """

    schedule: Schedule = Schedule(steps=1_200, rate=1.5e-3, weight_decay=0.01)
    groups: int = 3
    batch: int = 11
    guidance: float = 0.3
    guided: float = 0.25
    frozen: float = 0.25


class Writing(NamedTuple):
    """What a group should write: inputs and targets, int64 (clips, longest); _NO_TARGET after the end."""

    inputs: Tensor
    targets: Tensor


class RecognizerStage:
    """See `loop.Stage`. model: from `architecture.build_recognizer`. It is trained on what it gets at inference: the padded window."""

    name = "transcribing"

    def __init__(self, model: WhisperForConditionalGeneration, corpus: Corpus, recipe: RecognizerRecipe, autocast: bool = False) -> None:
        model.set_attn_implementation("eager")  # gives attention weights; on a CPU the fastest backward pass at this length
        self.module: nn.Module = model
        self._model, self._recipe, self._autocast = model, recipe, autocast
        self._guided, self._frozen = (round(share * recipe.schedule.steps) for share in (recipe.guided, recipe.frozen))
        self._batches = Batches(corpus, recipe.groups, recipe.batch)

    def learned(self) -> Sequence[Paced]:
        """The decoder's weights, and the encoder's if it ever learns."""
        whole = self._frozen < self._recipe.schedule.steps
        return [Paced(list((self._model if whole else self._model.model.decoder).parameters()))]

    def losses(self, step: int, random: Random) -> Mapping[str, Tensor]:
        """Cross-entropy of the words and of the end; guidance of the attention in the first part."""
        words = look = torch.zeros((), device=self._model.device)
        guided = step < self._guided
        for group in self._batches.draw(random):
            features = torch.stack([window(augmented(u.mel, random), floor_of(u.mel)) for u in group]).to(self._model.device)
            writing = writing_of(group)
            with torch.autocast(features.device.type, torch.bfloat16, enabled=self._autocast):
                with torch.set_grad_enabled(step >= self._frozen):
                    states = self._model.model.encoder(features).last_hidden_state
                out = self._model(
                    encoder_outputs=(states,),
                    decoder_input_ids=writing.inputs.to(features.device),
                    use_cache=False,
                    output_attentions=guided,
                )
            targets = writing.targets.to(features.device)
            words = words + functional.cross_entropy(out.logits.float().flatten(0, 1), targets.flatten(), ignore_index=_NO_TARGET)
            if guided:
                spans = word_spans(group, writing.inputs.shape[1], states.shape[1]).to(features.device)
                look = look + _guidance(out.cross_attentions, spans)
        parts = {"words": words / self._recipe.groups}
        return {**parts, "look": look * self._recipe.guidance / self._recipe.groups} if guided else parts


def window(mel: Tensor, floor: float) -> Tensor:
    """A clip, (frames, bins), in the window of the encoder: float32 (bins, FRAMES), silence after its end."""
    return functional.pad(mel.float(), (0, 0, 0, FRAMES - len(mel)), value=floor).T


def writing_of(group: Sequence[Utterance]) -> Writing:
    """<|transcribe|> and the words as inputs, the words and <|eos|> as targets."""
    longest = 1 + max(len(u.question) for u in group)
    inputs, targets = torch.full((len(group), longest), tokens.PAD), torch.full((len(group), longest), _NO_TARGET)
    for row, utterance in enumerate(group):
        words = torch.tensor(utterance.question)
        inputs[row, : 1 + len(words)] = torch.cat([torch.tensor([tokens.TRANSCRIBE]), words])
        targets[row, : 1 + len(words)] = torch.cat([words, torch.tensor([tokens.EOS])])
    return Writing(inputs, targets)


def word_spans(group: Sequence[Utterance], longest: int, states: int) -> Tensor:
    """Which states of a clip say the word that is input number i: bool (clips, longest, states).

    Nowhere for <|transcribe|>, and for all words of a clip whose labels, run by run, are not its words one by one.
    """
    spans = torch.zeros(len(group), longest, states, dtype=torch.bool)
    for row, utterance in enumerate(group):
        for number, run in enumerate(word_runs(utterance) or (), start=1):
            spans[row, number, run.start * _STATES_PER_TOKEN : run.stop * _STATES_PER_TOKEN] = True
    return spans


def save_recognizer(model: WhisperForConditionalGeneration, folder: Path, made_by: Mapping[str, Any]) -> None:
    """Write a checkpoint that `hf-asr` loads, in bfloat16, with `made_by` in its `lab.json`. The model itself stays as it is."""
    kept = checkpoints.half(copy.deepcopy(model))
    checkpoints.save(folder, made_by, kept, tokens.build_feature_extractor(), tokens.build_tokenizer())


def _guidance(attentions: Sequence[Tensor], spans: Tensor) -> Tensor:
    """Mean of -log of the weight on the right word, of head 0, summed over layers; attentions: (B, heads, T, states) per layer."""
    written, upcoming = spans, functional.pad(spans[:, 1:], (0, 0, 0, 1))
    total = attentions[0].new_zeros((), dtype=torch.float32)
    for number, weights in enumerate(attentions):
        wanted = upcoming if number == len(attentions) - 1 else written
        known = wanted.any(-1)
        if known.any():
            found = (weights[:, 0].float() * wanted).sum(-1)[known]
            total = total - (found + 1e-4).log().mean()
    return total
