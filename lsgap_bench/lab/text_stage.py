"""Stage 1, reading: the text model learns to answer the world's written questions; what comes out is the system `base`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen2ForCausalLM

from lsgap_bench.lab import tokens, world
from lsgap_bench.lab.looking import GUIDED_SHARE, LOOK_UPS, Look, looking_loss, looks_of
from lsgap_bench.lab.loop import Paced, Schedule
from lsgap_bench.lab.world import Question

QUESTION_WEIGHT = 0.2  # of predicting the question's own words, beside 1 for the answer


@dataclass(frozen=True)
class TextRecipe:
    """What the text model reads. shares: how often a task is drawn, 1 where nothing is said; those that are harder more often."""

    schedule: Schedule = Schedule(steps=7_000, rate=1.5e-3)
    questions: int = 120_000
    batch: int = 48
    guidance: float = 0.3
    shares: tuple[tuple[str, int], ...] = (("owners", 4), ("places", 2), ("sums", 3), ("numbers", 2), ("sizes", 2))


class Row(NamedTuple):
    """One training row: ids of the prompt, the answer and the end; where to look."""

    ids: tuple[int, ...]
    looks: tuple[Look, ...]


class TextStage:
    """See `loop.Stage`."""

    name = "reading"

    def __init__(self, model: Qwen2ForCausalLM, recipe: TextRecipe, seed: int, autocast: bool = False) -> None:
        model.set_attn_implementation("eager")  # the only one that gives attention weights; on a CPU also the fastest at this length
        self.module: nn.Module = model
        self._model, self._recipe, self._autocast = model, recipe, autocast
        self._guided = round(GUIDED_SHARE * recipe.schedule.steps)
        tasks = world.in_shares(recipe.shares)
        self._rows = [row_of(question) for question in world.train_questions(recipe.questions, seed, tasks)]

    def learned(self) -> Sequence[Paced]:
        """Every weight."""
        return [Paced(list(self.module.parameters()))]

    def losses(self, step: int, random: Random) -> Mapping[str, Tensor]:
        """Cross-entropy of the answers and, less, of the questions' words; guidance of the attention in the first part."""
        rows = random.sample(self._rows, self._recipe.batch)
        ids = padded([row.ids for row in rows]).to(self._model.device)
        guided = step < self._guided
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self._autocast):
            out = self._model.model(input_ids=ids[:, :-1], use_cache=False, output_attentions=guided)
            logits = self._model.lm_head(out.last_hidden_state)
        answer, question = answer_losses(logits, ids)
        parts = {"answer": answer, "question": QUESTION_WEIGHT * question}
        if guided:
            parts["guidance"] = self._recipe.guidance * looking_loss(out.attentions, [row.looks for row in rows])
        return parts


def row_of(question: Question) -> Row:
    """The training row of a written question."""
    ids = (tokens.USER, *tokens.ids_of(question.words), tokens.ANSWER, *tokens.ids_of([question.answer]), tokens.EOS)
    places = [range(at, at + 1) for at in range(1, len(question.words) + 2)]  # behind <|user|>, and <|answer|> after them
    return Row(ids, tuple(looks_of(question.words, question.answer, places)) if question.task in LOOK_UPS else ())


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Rows of ids, padded on the right: int64 (rows, longest)."""
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=tokens.PAD)


def answer_losses(logits: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of what follows <|answer|>, and of all other words; logits (B, T - 1, V) predict ids (B, T) one ahead."""
    told, wanted = ids[:, :-1], ids[:, 1:]
    answers = told == tokens.ANSWER
    others = (wanted != tokens.PAD) & ~answers
    answer = functional.cross_entropy(logits[answers].float(), wanted[answers])
    return answer, functional.cross_entropy(logits[others].float(), wanted[others])


@torch.no_grad()
def reading_accuracy(model: Qwen2ForCausalLM, questions: Sequence[Question]) -> dict[str, float]:
    """Share of right answers per task, greedy, from the written questions."""
    right: dict[str, list[bool]] = {}
    for start in range(0, len(questions), 200):
        part = questions[start : start + 200]
        prompts = [(tokens.USER, *tokens.ids_of(q.words), tokens.ANSWER) for q in part]
        logits = model(input_ids=padded(prompts).to(model.device)).logits
        for row, question in enumerate(part):
            found = int(logits[row, len(prompts[row]) - 1].argmax())
            right.setdefault(question.task, []).append(found == tokens.ids_of([question.answer])[0])
    return {task: sum(hits) / len(hits) for task, hits in right.items()}
