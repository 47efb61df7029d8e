"""The closed world against what everybody knows: calendars, masses, number words; and its rule of what is held out."""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Callable
from random import Random

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.lab import world

# rough masses of adults in kilograms, from general knowledge
MASS = {
    "ant": 4e-6, "bee": 1e-4, "spider": 1e-3, "mouse": 0.02, "frog": 0.03, "bird": 0.5, "rabbit": 2, "cat": 4.5, "fox": 6, "dog": 25,
    "goat": 35, "wolf": 40, "sheep": 60, "pig": 100, "lion": 180, "tiger": 200, "bear": 300, "cow": 450, "horse": 500, "giraffe": 900,
    "elephant": 5000, "whale": 50000,
}  # fmt: skip
DIGITS = "one two three four five six seven eight nine"
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
VALUE = {word: i for i, word in enumerate(DIGITS.split(), 1)} | {word: i for i, word in enumerate(TEENS.split(), 10)}
VALUE |= {word: 10 * i for i, word in enumerate(TENS.split(), 2)}


def options(text: str) -> dict[str, str]:
    return {letter.lower(): word for letter, word in re.findall(r"([A-D]): (\w+)\.", text)}


def larger_of_two(values: dict[str, float]) -> Callable[[world.Question], str]:
    def answer(question: world.Question) -> str:
        found = re.fullmatch(r"Which \w+ is (larger|smaller), (?:an? )?(\w+) or (?:an? )?(\w+)\?", question.text)
        assert found, question.text
        return (max if found[1] == "larger" else min)(found[2], found[3], key=lambda word: values[word])

    return answer


def whether_larger(question: world.Question) -> str:
    found = re.fullmatch(r"Is an? (\w+) (larger|smaller) than an? (\w+)\?", question.text)
    assert found, question.text
    larger = MASS[found[1]] > MASS[found[3]]
    return "yes" if larger == (found[2] == "larger") else "no"


def neighbour(names: list[str]) -> Callable[[world.Question], str]:
    def answer(question: world.Question) -> str:
        found = re.match(r"Which \w+ comes (before|after) (\w+)\? ", question.text)
        assert found, question.text
        after = names[(names.index(found[2]) + (1 if found[1] == "after" else -1)) % len(names)].lower()
        (letter,) = [letter for letter, word in options(question.text).items() if word == after]
        return letter

    return answer


def member(question: world.Question) -> str:
    wanted = re.match(r"Which one is an? (\w+)\?", question.text)
    assert wanted, question.text
    (letter,) = [letter for letter, word in options(question.text).items() if word in world.CATEGORIES[wanted[1]]]
    return letter


def opposite(question: world.Question) -> str:
    word = re.match(r"What is the opposite of (\w+)\?", question.text)
    assert word, question.text
    pairs = [set(pair.split("/")) for pair in OPPOSITES.split()]
    (letter,) = [letter for letter, other in options(question.text).items() if {word[1], other} in pairs]
    return letter


OPPOSITES = (
    "cold/hot small/big slow/fast young/old dark/light sad/happy closed/open dry/wet empty/full poor/rich soft/hard quiet/loud weak/strong "
    "low/high late/early dirty/clean"
)
KNOWN = {
    "sizes": larger_of_two(MASS),
    "sizes_yesno": whether_larger,
    "numbers": larger_of_two(VALUE),
    "days": neighbour(list(calendar.day_name)),
    "months": neighbour(list(calendar.month_name)[1:]),
    "categories": member,
    "opposites": opposite,
}


@pytest.mark.parametrize("task", world.TASKS)
def test_answers_are_true(task: str):
    random = Random(3)
    for _ in range(300):
        question = world.TASKS[task](random)
        assert question.answer == KNOWN[task](question), question.text


def test_no_word_belongs_to_two_categories():
    words = [word for words in world.CATEGORIES.values() for word in words]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("task", world.TASKS)
def test_a_draw_is_distinct_held_out_and_the_same_for_the_same_seed(task: str):
    drawn = world.draw(task, 20, seed=5)
    assert drawn == world.draw(task, 20, seed=5)
    assert drawn != world.draw(task, 20, seed=6)
    assert len({question.text for question in drawn}) == 20
    assert all(question.held_out and question.task == task for question in drawn)


def test_about_one_question_in_twelve_is_held_out():
    random = Random(0)
    questions = {world.opposites(random) for _ in range(6000)}
    held = sum(question.held_out for question in questions) / len(questions)
    assert held == pytest.approx(1 / 12, abs=0.015)  # four standard errors


def test_both_orders_of_a_comparison_fall_on_the_same_side():
    random = Random(0)
    sides: dict[frozenset[str], set[bool]] = {}
    for _ in range(2000):
        question = world.sizes(random)
        sides.setdefault(frozenset(re.findall(r"\w+", question.text)), set()).add(question.held_out)
    assert all(len(side) == 1 for side in sides.values())


def test_the_split_is_the_documented_hash_of_the_words():
    question = world.Question("sizes", "Which animal is larger, a fox or an ant?", "fox", "size a an animal ant fox is larger or which")
    assert question.held_out == (int(hashlib.sha1(b"size a an animal ant fox is larger or which").hexdigest(), 16) % 12 == 0)
    random = Random(1)
    made = {world.sizes(random).text: None for _ in range(5000)}
    assert question.text in made


def test_more_questions_than_there_are_is_refused():
    with pytest.raises(UsageError, match="task 'sizes_yesno' has 58 held-out questions, not 900"):
        world.draw("sizes_yesno", 900, seed=0)


def test_an_unknown_task_is_refused():
    with pytest.raises(UsageError, match="did you mean 'sizes'"):
        world.draw("size", 3, seed=0)
