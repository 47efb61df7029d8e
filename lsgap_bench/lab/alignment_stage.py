"""Stage 4, alignment: encoder, projector and text model become one speech language model, by Full fine-tuning or by LoRA.

The losses: the answer and the words of a spoken question, as next tokens; for every audio token the embedding of the word spoken in it,
which is what lets so small a model start at all; and the answers of written questions, so that the text side is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen2AudioForConditionalGeneration

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.lab import tokens
from lsgap_bench.lab.architecture import encode
from lsgap_bench.lab.corpus import NO_WORD, Corpus, Utterance
from lsgap_bench.lab.hearing_stage import Batches, augmented
from lsgap_bench.lab.loop import Schedule
from lsgap_bench.lab.matching_stage import WordTargets, embedding
from lsgap_bench.lab.text_stage import answer_losses, padded, row_of
from lsgap_bench.lab.world import train_questions

STRATEGIES = ("full", "lora")
LORA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TRANSCRIPT_WEIGHT, TEXT_QUESTION_WEIGHT = 0.5, 0.1  # beside 1 for an answer
FRAME_WEIGHT = 0.3  # of the matching stage's loss, which goes on
ANSWER_FIRST = 0.7  # share of the rows whose answer comes before the transcript, as in use


@dataclass(frozen=True)
class AlignmentRecipe:
    """How the speech model is aligned. strategy: `full` or `lora` (rank and alpha are LoRA's); checkpoints: after so many steps.

    groups, batch: clips a step, as in the hearing stage. text_batch: written questions a step. frozen: the share of the steps, from the
    first on, that leave encoder and projector as they are: while the text model cannot read what they give, it would pull them apart.
    """

    strategy: str = "full"
    schedule: Schedule = Schedule(steps=800, rate=6e-4, warmup=50, weight_decay=0.01)
    checkpoints: tuple[int, ...] = (25, 50, 100, 200, 400, 800)
    groups: int = 3
    batch: int = 11
    text_batch: int = 16
    text_questions: int = 40_000
    frozen: float = 0.5
    rank: int = 8
    alpha: int = 16

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise UsageError(f"the lab has no strategy '{self.strategy}'; {did_you_mean(self.strategy, STRATEGIES)}")
        if max(self.checkpoints) != self.schedule.steps:
            raise UsageError(f"the last checkpoint {max(self.checkpoints)} is not the last step {self.schedule.steps}; make them equal")


class AlignmentStage:
    """See `loop.Stage`. Under LoRA the text model itself stays as it is; encoder and projector are trained in both strategies."""

    name = "alignment"

    def __init__(
        self, model: Qwen2AudioForConditionalGeneration, corpus: Corpus, recipe: AlignmentRecipe, seed: int, autocast: bool = True
    ) -> None:
        model.set_attn_implementation("eager")
        self._targets = WordTargets(model)
        if recipe.strategy == "lora":
            model.requires_grad_(False)
            adapters = LoraConfig(r=recipe.rank, lora_alpha=recipe.alpha, target_modules=LORA_TARGETS, lora_dropout=0.0)
            inject_adapter_in_model(adapters, model.model.language_model)
            model.model.audio_tower.requires_grad_(True)
            model.model.multi_modal_projector.requires_grad_(True)
        model.model.audio_tower.embed_positions.requires_grad_(False)
        self._frozen = round(recipe.frozen * recipe.schedule.steps)
        self.module: nn.Module = model
        self._model, self._recipe, self._autocast = model, recipe, autocast
        self._batches = Batches(corpus, recipe.groups, recipe.batch)
        self._written = [row_of(question).ids for question in train_questions(recipe.text_questions, seed)]

    def parameters(self) -> Sequence[nn.Parameter]:
        """All that the strategy trains."""
        return [p for p in self.module.parameters() if p.requires_grad]

    def losses(self, step: int, random: Random) -> Mapping[str, Tensor]:
        """The parts named above, each with its weight."""
        device = self._model.device
        sums: dict[str, list[Tensor]] = {"answer": [], "transcript": [], "frame": []}
        with torch.autocast(device.type, torch.bfloat16, enabled=self._autocast):
            for group in self._batches.draw(random):
                with torch.set_grad_enabled(step >= self._frozen):
                    states, lengths = encode(self._model.model.audio_tower, [augmented(u.mel, random) for u in group])
                    projected = self._model.model.multi_modal_projector(states)
                sums["frame"].append(FRAME_WEIGHT * self._targets.loss(projected, group))
                answer, transcript = self._spoken_losses(projected, lengths, group, random.random() < ANSWER_FIRST)
                sums["answer"].append(answer)
                sums["transcript"].append(TRANSCRIPT_WEIGHT * transcript)
            ids = padded(random.sample(self._written, self._recipe.text_batch)).to(device)
            text_answer, text_question = answer_losses(self._logits(embedding(self._model)(ids[:, :-1])), ids)
        spoken = {name: torch.stack(values).mean() for name, values in sums.items()}
        return {**spoken, "text": text_answer + TEXT_QUESTION_WEIGHT * text_question}

    def _logits(self, embedded: Tensor) -> Tensor:
        """Right padding needs no mask: no position looks ahead."""
        logits: Tensor = self._model.lm_head(self._model.model.language_model(inputs_embeds=embedded, use_cache=False).last_hidden_state)
        return logits

    def _spoken_losses(self, projected: Tensor, lengths: Tensor, group: Sequence[Utterance], answer_first: bool) -> tuple[Tensor, Tensor]:
        """Cross-entropy of the answer, and of everything else that follows the clip."""
        embed = embedding(self._model)
        rows: list[Tensor] = []
        wanted: list[Tensor] = []
        for utterance, states, length in zip(group, projected, lengths.tolist(), strict=True):
            said, answer = list(utterance.question), [tokens.ANSWER, utterance.answer]
            tail = [*answer, tokens.TRANSCRIBE, *said, tokens.EOS] if answer_first else [tokens.TRANSCRIBE, *said, *answer, tokens.EOS]
            ids = torch.tensor([tokens.USER, tokens.AUDIO_BEGIN, tokens.AUDIO_END, *tail], device=projected.device)
            embedded = embed(ids)
            rows.append(torch.cat([embedded[:2], states[:length].to(embedded.dtype), embedded[2:]]))
            wanted.append(torch.cat([ids.new_full((length + 3,), NO_WORD), ids[3:]]))
        embedded = nn.utils.rnn.pad_sequence(rows, batch_first=True)[:, :-1]
        targets = nn.utils.rnn.pad_sequence(wanted, batch_first=True, padding_value=NO_WORD)
        told, targets = targets[:, :-1], targets[:, 1:]
        logits = self._logits(embedded)
        answers = told == tokens.ANSWER
        others = (targets != NO_WORD) & ~answers & ((told != NO_WORD) | (targets == tokens.TRANSCRIBE))
        return (
            functional.cross_entropy(logits[answers].float(), targets[answers]),
            functional.cross_entropy(logits[others].float(), targets[others]),
        )


def merged(model: Qwen2AudioForConditionalGeneration) -> Qwen2AudioForConditionalGeneration:
    """A copy of the model with its LoRA weights added into the weights they adapt: a plain model of transformers."""
    plain = copy.deepcopy(model)
    for name, module in list(plain.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(plain.get_submodule(parent), child, module.get_base_layer())
    return plain
