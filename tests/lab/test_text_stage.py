"""Stage 1 against hand-written rows, looks and losses; and a nano model that begins to learn."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
import torch

from lsgap_bench.lab import architecture, tokens, world
from lsgap_bench.lab.loop import Clock, Schedule, step_random, train
from lsgap_bench.lab.text_stage import TextRecipe, TextStage, answer_losses, padded, reading_accuracy, row_of
from lsgap_bench.lab.world import Question

# the words of a row by position; 0 is <|user|>
#        1   2   3   4   5     6    7   8   9    10   11  12  13  14   15
FACTS = "Tom has the red ball. Anna has the blue cup."  # and 16 <|eos|> behind the answer


def looks_of(task: str, text: str, answer: str) -> set[tuple[int, int, int, int]]:
    looks = row_of(Question(task, text, answer, "")).looks
    assert all(len(look.here) == len(look.there) == 1 for look in looks)  # a written word is one position
    return {(look.layer, look.head, look.here.start, look.there.start) for look in looks}


def test_a_row_is_the_prompt_the_answer_and_the_end():
    row = row_of(Question("sizes_yesno", "Is a cow larger than an ant?", "yes", "", ("yes", "no")))
    words = tokens.build_tokenizer().convert_ids_to_tokens(row.ids)
    assert words == ["<|user|>", *["is", "a", "cow", "larger", "than", "an", "ant"], "<|answer|>", "yes", "<|eos|>"]
    assert row.looks == ()  # nothing to look up


def test_looks_of_an_owner_go_from_thing_to_owner_and_color_then_to_the_thing_asked_for():
    facts = {(0, 0, 5, 1), (0, 1, 5, 4), (0, 0, 10, 6), (0, 1, 10, 9)}
    assert looks_of("owners", f"{FACTS} Who has the cup?", "anna") == facts | {(1, 1, 14, 10), (2, 0, 15, 14)}
    assert looks_of("owners", f"{FACTS} What color is the ball?", "red") == facts | {(1, 1, 15, 5), (2, 0, 16, 15)}
    # asked by name, another head finds the thing that carries the name
    assert looks_of("owners", f"{FACTS} What does Tom have?", "ball") == facts | {(1, 0, 13, 5), (2, 0, 15, 13)}


def test_looks_of_a_place_have_no_color():
    facts = "Kate is in the park. Paul is in the museum."  # 1 kate, 5 park, 6 paul, 10 museum
    assert looks_of("places", f"{facts} Where is Paul?", "museum") == {(0, 0, 5, 1), (0, 0, 10, 6), (1, 0, 13, 10), (2, 0, 14, 13)}
    assert looks_of("places", f"{facts} Who is in the park?", "kate") == {(0, 0, 5, 1), (0, 0, 10, 6), (1, 1, 15, 5), (2, 0, 16, 15)}


@pytest.mark.parametrize("task", ["owners", "places"])
def test_looks_go_back_in_the_row_and_end_at_the_answer_mark(task: str):
    random = Random(6)
    for _ in range(200):
        question = world.TASKS[task](random)
        row = row_of(question)
        assert all(look.there.start < look.here.start for look in row.looks)
        assert row.ids[row.looks[-1].here.start] == tokens.ANSWER
        asked, found = row.looks[-2].here.start, row.looks[-2].there.start
        words = ["", *question.words]
        assert words[found] == question.answer or words[found] == words[asked]


def test_the_losses_of_answers_and_of_other_words_are_mean_cross_entropies_by_hand():
    size = 50
    # the answer (22) is given probability 1/2 in one row; in the other row it (21) is one of 50 equals
    ids = torch.tensor([[3, 11, 12, 4, 22, 2], [3, 13, 4, 21, 2, 0]])
    logits = torch.zeros(2, 5, size)
    logits[0, 3, 22] = math.log(size - 1)
    logits[0, 0, 11] = 100.0  # this word is certain
    logits[1, 4, :] = torch.randn(size)  # predicts padding: nobody asks
    answer, question = answer_losses(logits, ids)
    assert answer.item() == pytest.approx((math.log(2) + math.log(size)) / 2)
    # predicted: 11 12 <|answer|> <|eos|> and 13 <|answer|> <|eos|>; one of the seven is certain
    assert question.item() == pytest.approx(6 / 7 * math.log(size))


def test_rows_are_padded_on_the_right():
    assert padded([(3, 4), (5, 6, 7)]).tolist() == [[3, 4, tokens.PAD], [5, 6, 7]]


def flat_model() -> torch.nn.Module:
    """A model whose attention is the same on all positions so far, for its queries are zero."""
    model = architecture.build_text_model(architecture.SIZES["nano"], 0)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.q_proj.weight.zero_()
            layer.self_attn.q_proj.bias.zero_()
    return model


def test_the_guidance_of_even_attention_is_known_by_hand_and_ends_after_its_share_of_the_steps(monkeypatch: pytest.MonkeyPatch):
    question = Question("owners", f"{FACTS} Who has the cup?", "anna", "")
    monkeypatch.setattr(world, "train_questions", lambda count, seed, tasks: [question] * count)
    recipe = TextRecipe(schedule=Schedule(steps=10, rate=1e-3), questions=3, batch=2, guidance=0.5)
    stage = TextStage(flat_model(), recipe, seed=0, autocast=False)
    parts = stage.losses(0, step_random(0, "reading", 0))
    # a position p attends to itself and the p before it, 1 / (p + 1) each
    first = (2 * math.log(6) + 2 * math.log(11)) / 4
    assert parts["guidance"].item() == pytest.approx(0.5 * (first + math.log(15) + math.log(16)), abs=2e-3)  # 1e-4 keeps off log 0
    assert "guidance" in stage.losses(5, step_random(0, "reading", 5))
    assert "guidance" not in stage.losses(6, step_random(0, "reading", 6))


def test_harder_tasks_are_read_more_often(monkeypatch: pytest.MonkeyPatch):
    asked: list[list[str]] = []
    monkeypatch.setattr(world, "train_questions", lambda count, seed, tasks: asked.append(tasks) or [])
    TextStage(flat_model(), TextRecipe(shares=(("owners", 4),)), seed=0)
    assert {task: asked[0].count(task) for task in world.TASKS} == {task: 4 if task == "owners" else 1 for task in world.TASKS}


def test_a_nano_model_begins_to_learn_in_thirty_steps_and_does_so_the_same_way_twice(tmp_path: Path):
    recipe = TextRecipe(schedule=Schedule(steps=30, rate=3e-3, warmup=5), questions=400, batch=12)
    runs = []
    for run in range(2):
        stage = TextStage(architecture.build_text_model(architecture.SIZES["nano"], 0), recipe, seed=0)
        before = {name: part.item() for name, part in stage.losses(0, step_random(1, "probe", 0)).items()}
        train(stage, recipe.schedule, 0, tmp_path / f"{run}.pt", Clock())
        after = {name: part.item() for name, part in stage.losses(0, step_random(1, "probe", 0)).items()}
        runs.append([p.detach().clone() for p in stage.module.parameters()])
    assert before["answer"] == pytest.approx(math.log(len(tokens.word_ids())), rel=0.15)  # chance over all words
    assert all(after[part] < 0.9 * before[part] for part in ("answer", "question", "guidance"))
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))


def test_reading_accuracy_counts_the_word_predicted_at_the_answer_mark_by_task():
    yes, no = tokens.ids_of(["yes", "no"])

    class SaysYes:
        device = torch.device("cpu")

        def __call__(self, input_ids: torch.Tensor) -> SimpleNamespace:
            logits = torch.zeros(*input_ids.shape, len(tokens.word_ids()))
            logits[..., no] = 1.0  # everywhere but at the answer mark
            logits[..., yes] = 2.0 * (input_ids == tokens.ANSWER)
            return SimpleNamespace(logits=logits)

    short, long = "Is a cow larger than an ant?", "Which animal is larger, an elephant or a cow?"  # one more word than the other
    questions = [Question("sizes_yesno", short, "yes", ""), Question("sizes_yesno", long, "no", ""), Question("sizes", short, "yes", "")]
    model = SaysYes()
    assert reading_accuracy(model, questions) == {"sizes_yesno": 0.5, "sizes": 1.0}  # type: ignore[arg-type]
    assert reading_accuracy(model, questions * 100)["sizes_yesno"] == 0.5  # in several parts  # type: ignore[arg-type]
