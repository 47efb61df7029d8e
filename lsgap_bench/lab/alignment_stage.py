"""Stage 4, alignment: encoder, projector and text model become one speech language model, by Full fine-tuning or by LoRA.

The losses: the answer and the words of a spoken question, as next tokens; for every audio token the embedding of the word spoken in it,
which is what lets so small a model start at all; the answers of written questions, so that the text side is kept; and in the first part
where to look for an answer that stands in the question, as in stage 1, for a spoken word is as many positions as it lasts.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen2AudioForConditionalGeneration

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.lab import tokens
from lsgap_bench.lab.architecture import encode
from lsgap_bench.lab.corpus import NO_WORD, Corpus, Utterance, word_runs
from lsgap_bench.lab.hearing_stage import Batches, augmented
from lsgap_bench.lab.looking import GUIDED_SHARE, LOOK_UPS, Look, looking_loss, looks_of
from lsgap_bench.lab.loop import Paced, Schedule
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

    groups, batch: clips a step, as in the hearing stage. text_batch: written questions a step. hearing_pace: how much slower than the text
    model encoder and projector learn: while it cannot read what they give, it would pull them apart. guidance: weight of the looks.
    """

    strategy: str = "full"
    schedule: Schedule = Schedule(steps=800, rate=1e-3, warmup=50, weight_decay=0.01)
    checkpoints: tuple[int, ...] = (25, 50, 100, 200, 400, 800)
    groups: int = 3
    batch: int = 11
    text_batch: int = 16
    text_questions: int = 40_000
    hearing_pace: float = 0.1
    guidance: float = 0.3
    rank: int = 8
    alpha: int = 16

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise UsageError(f"the lab has no strategy '{self.strategy}'; {did_you_mean(self.strategy, STRATEGIES)}")
        if max(self.checkpoints) != self.schedule.steps:
            raise UsageError(f"the last checkpoint {max(self.checkpoints)} is not the last step {self.schedule.steps}; make them equal")


class Reading(NamedTuple):
    """What the text model makes of some rows. logits: (rows, T, words). attentions: (rows, heads, T, T) per layer where asked for."""

    logits: Tensor
    attentions: Sequence[Tensor]


class Spoken(NamedTuple):
    """Clips as the text model reads them. embedded: (clips, T - 1, width). ids: int64 (clips, T), NO_WORD up to the end of the clip and
    behind the end of the row. looks: of each clip.
    """

    embedded: Tensor
    ids: Tensor
    looks: Sequence[Sequence[Look]]

    def losses(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy of the answer, and of everything else that follows the clip; logits: (clips, T - 1, words)."""
        told, wanted = self.ids[:, :-1], self.ids[:, 1:]
        answers = told == tokens.ANSWER
        others = (wanted != NO_WORD) & ~answers & ((told != NO_WORD) | (wanted == tokens.TRANSCRIBE))
        return (
            functional.cross_entropy(logits[answers].float(), wanted[answers]),
            functional.cross_entropy(logits[others].float(), wanted[others]),
        )


class AlignmentStage:
    """See `loop.Stage`. Under LoRA the text model itself stays as it is; encoder and projector are trained in both strategies."""

    name = "alignment"

    def __init__(
        self, model: Qwen2AudioForConditionalGeneration, corpus: Corpus, recipe: AlignmentRecipe, seed: int, autocast: bool = False
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
        self._guided = round(GUIDED_SHARE * recipe.schedule.steps) if recipe.guidance else 0
        self.module: nn.Module = model
        self._model, self._recipe, self._autocast = model, recipe, autocast
        self._batches = Batches(corpus, recipe.groups, recipe.batch)
        self._written = [row_of(question).ids for question in train_questions(recipe.text_questions, seed)]

    def learned(self) -> Sequence[Paced]:
        """The text model's weights, or LoRA's; and what hears, at a pace of its own."""
        model = self._model.model
        hearing = [*model.audio_tower.parameters(), *model.multi_modal_projector.parameters()]
        known = set(hearing)
        reading = [p for p in self._model.parameters() if p not in known]
        return [Paced(reading), Paced(hearing, self._recipe.hearing_pace)]

    def losses(self, step: int, random: Random) -> Mapping[str, Tensor]:
        """The parts named above, each with its weight."""
        device = self._model.device
        guided = step < self._guided
        sums: dict[str, list[Tensor]] = {"answer": [], "transcript": [], "frame": [], **({"look": []} if guided else {})}
        with torch.autocast(device.type, torch.bfloat16, enabled=self._autocast):
            for group in self._batches.draw(random):
                states, lengths = encode(self._model.model.audio_tower, [augmented(u.mel, random) for u in group])
                projected = self._model.model.multi_modal_projector(states)
                sums["frame"].append(FRAME_WEIGHT * self._targets.loss(projected, group))
                spoken = self._spoken(projected, lengths, group, random.random() < ANSWER_FIRST)
                out = self._read(spoken.embedded, output_attentions=guided)
                answer, transcript = spoken.losses(out.logits)
                sums["answer"].append(answer)
                sums["transcript"].append(TRANSCRIPT_WEIGHT * transcript)
                if guided:
                    sums["look"].append(self._recipe.guidance * looking_loss(out.attentions, spoken.looks))
            ids = padded(random.sample(self._written, self._recipe.text_batch)).to(device)
            text_answer, text_question = answer_losses(self._read(embedding(self._model)(ids[:, :-1])).logits, ids)
        parts = {name: torch.stack(values).mean() for name, values in sums.items()}
        return {**parts, "text": text_answer + TEXT_QUESTION_WEIGHT * text_question}

    def _read(self, embedded: Tensor, output_attentions: bool = False) -> Reading:
        """Right padding needs no mask: no position looks ahead."""
        out = self._model.model.language_model(inputs_embeds=embedded, use_cache=False, output_attentions=output_attentions)
        return Reading(self._model.lm_head(out.last_hidden_state), out.attentions)

    def _spoken(self, projected: Tensor, lengths: Tensor, group: Sequence[Utterance], answer_first: bool) -> Spoken:
        """What the text model reads of some clips; projected: (clips, N, width), lengths: of each."""
        embed, words = embedding(self._model), list(tokens.word_ids())
        rows: list[Tensor] = []
        wanted: list[Tensor] = []
        looks: list[list[Look]] = []
        for utterance, states, length in zip(group, projected, lengths.tolist(), strict=True):
            said, answer = list(utterance.question), [tokens.ANSWER, utterance.answer]
            tail = [*answer, tokens.TRANSCRIBE, *said, tokens.EOS] if answer_first else [tokens.TRANSCRIBE, *said, *answer, tokens.EOS]
            ids = torch.tensor([tokens.USER, tokens.AUDIO_BEGIN, tokens.AUDIO_END, *tail], device=projected.device)
            embedded = embed(ids)
            rows.append(torch.cat([embedded[:2], states[:length].to(embedded.dtype), embedded[2:]]))
            wanted.append(torch.cat([ids.new_full((length + 3,), NO_WORD), ids[3:]]))
            runs = word_runs(utterance) if answer_first and utterance.task in LOOK_UPS else None
            places = [range(run.start + 2, min(run.stop, length) + 2) for run in runs or ()]  # behind <|user|><|audio_bos|>
            mark = range(length + 3, length + 4)
            looks.append(looks_of([words[i] for i in said], words[utterance.answer], [*places, mark]) if places else [])
        embedded = nn.utils.rnn.pad_sequence(rows, batch_first=True)[:, :-1]
        return Spoken(embedded, nn.utils.rnn.pad_sequence(wanted, batch_first=True, padding_value=NO_WORD), looks)


def merged(model: Qwen2AudioForConditionalGeneration) -> Qwen2AudioForConditionalGeneration:
    """A copy of the model with its LoRA weights added into the weights they adapt: a plain model of transformers."""
    plain = copy.deepcopy(model)
    for name, module in list(plain.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            parent, _, child = name.rpartition(".")
            setattr(plain.get_submodule(parent), child, module.get_base_layer())
    return plain
