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
    "goat": 35, "wolf": 40, "sheep": 60, "pig": 100, "lion": 180, "tiger": 200, "bear": 300, "cow": 450, "horse": 500, "camel": 600,
    "giraffe": 900, "elephant": 5000, "whale": 50000,
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
    "low/high late/early dirty/clean short/long thin/thick far/near bad/good false/true last/first outside/inside dangerous/safe "
    "expensive/cheap bitter/sweet shallow/deep rough/smooth"
)


def owner(question: world.Question) -> str:
    facts = re.findall(r"(\w+) has the (\w+) (\w+)\.", question.text)
    asked = question.text.rpartition(". ")[2]
    if found := re.fullmatch(r"Who has the (\w+)\?", asked):
        (answer,) = [name for name, _, thing in facts if thing == found[1]]
    elif found := re.fullmatch(r"What color is the (\w+)\?", asked):
        (answer,) = [color for _, color, thing in facts if thing == found[1]]
    else:
        found = re.fullmatch(r"What does (\w+) have\?", asked)
        assert found, question.text
        (answer,) = [thing for name, _, thing in facts if name == found[1]]
    assert len(facts) in (2, 3)
    return answer.lower()


def place(question: world.Question) -> str:
    facts = re.findall(r"(\w+) is in the (\w+)\.", question.text)
    asked = question.text.rpartition(". ")[2]
    if found := re.fullmatch(r"Where is (\w+)\?", asked):
        (answer,) = [where for name, where in facts if name == found[1]]
    else:
        found = re.fullmatch(r"Who is in the (\w+)\?", asked)
        assert found, question.text
        (answer,) = [name for name, where in facts if where == found[1]]
    assert len(facts) in (2, 3)
    return answer.lower()


def operation(text: str) -> tuple[str, str, int, int]:
    """(form, sign, first number, second) as a reader finds them in the words."""
    if found := re.fullmatch(r"What is (\w+) (plus|minus) (\w+)\?", text):
        return "plain", found[2], VALUE[found[1]], VALUE[found[3]]
    found = re.fullmatch(r"(\w+) has (\w+) (\w+) and (gets (\w+) more|loses (\w+))\. How many \3 does \1 have\?", text)
    assert found, text
    return "story", "plus" if found[5] else "minus", VALUE[found[2]], VALUE[found[5] or found[6]]


def result(question: world.Question) -> str:
    _, sign, one, other = operation(question.text)
    value = one + other if sign == "plus" else one - other
    (word,) = [word for word, number in VALUE.items() if number == value]
    return word


KNOWN = {
    "sizes": larger_of_two(MASS),
    "sizes_yesno": whether_larger,
    "numbers": larger_of_two(VALUE),
    "days": neighbour(list(calendar.day_name)),
    "months": neighbour(list(calendar.month_name)[1:]),
    "categories": member,
    "opposites": opposite,
    "owners": owner,
    "places": place,
    "sums": result,
}


@pytest.mark.parametrize("task", world.TASKS)
def test_answers_are_true(task: str):
    random = Random(3)
    for _ in range(300):
        question = world.TASKS[task](random)
        assert question.answer == KNOWN[task](question), question.text


@pytest.mark.parametrize("task", ["owners", "places"])
def test_every_kind_of_look_up_is_asked_and_every_fact_is_asked_for(task: str):
    random, asked = Random(4), set()
    for _ in range(300):
        said = world.words_of(world.TASKS[task](random).text)
        asked.add((said.count("the"), *[word for word in said if word in ("who", "what", "where", "color")]))
    kinds = {"owners": {("who",), ("what", "color"), ("what",)}, "places": {("who",), ("where",)}}[task]
    assert {kind for _, *words in asked if (kind := tuple(words))} == kinds


def test_sums_are_plain_or_told_and_their_results_have_a_word():
    random = Random(5)
    seen = {operation(world.sums(random).text) for _ in range(2000)}
    assert {(form, sign) for form, sign, _, _ in seen} == {(form, sign) for form in ("plain", "story") for sign in ("plus", "minus")}
    assert max(one + other for _, sign, one, other in seen if sign == "plus") == 90
    assert min(one - other for _, sign, one, other in seen if sign == "minus") == 1


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


@pytest.mark.parametrize("task", world.TASKS)
def test_a_draw_has_no_two_questions_of_one_content_while_there_are_others(task: str):
    assert len({content(question) for question in world.draw(task, 30, seed=2)}) == 30


def test_a_draw_repeats_a_content_only_where_the_contents_are_used_up():
    contents = {content(question) for question in world.draw("sizes_yesno", 50, seed=2)}
    held = {frozenset(words[1:]) for words in SIZE_QUESTIONS if by_hand(words)}
    assert len(held) < 50
    assert len(contents) == len(held)


def content(question: world.Question) -> object:
    """What a question asks, without the order of two things compared or added, or who is told of."""
    if question.task == "sums":
        form, sign, one, other = operation(question.text)
        return form, sign, frozenset((one, other)) if sign == "plus" else (one, other)
    if question.task in ("sizes", "sizes_yesno", "numbers"):
        return frozenset(world.words_of(question.text))
    return question.text


def by_hand(words: list[str]) -> bool:
    """The documented rule: sha1 of the words in alphabetic order, divisible by twelve."""
    return int(hashlib.sha1(" ".join([words[0], *sorted(words[1:])]).encode()).hexdigest(), 16) % 12 == 0


def article(noun: str) -> str:
    return "an" if noun in ("ant", "elephant") else "a"


SIZE_QUESTIONS = [
    ["size", "is", article(one), one, word, "than", article(other), other]
    for one in MASS
    for other in MASS
    for word in ("larger", "smaller")
    if one != other
]


def test_training_questions_take_the_tasks_in_turn_and_are_never_held_out():
    asked = world.train_questions(3000, seed=1)
    assert [question.task for question in asked[:20]] == list(world.TASKS) * 2
    assert asked == world.train_questions(3000, seed=1)
    assert asked != world.train_questions(3000, seed=2)
    held = [int(hashlib.sha1(question.key.encode()).hexdigest(), 16) % 12 == 0 for question in asked]
    assert not any(held)
    assert {question.task for question in world.train_questions(6, 1, ["days", "days", "sums"])} == {"days", "sums"}


def test_shares_say_how_often_a_task_comes_in_turn():
    turn = world.in_shares([("owners", 3), ("sums", 2)])
    assert {task: turn.count(task) for task in turn} == {**dict.fromkeys(world.TASKS, 1), "owners": 3, "sums": 2}
    with pytest.raises(UsageError, match="did you mean 'owners'"):
        world.in_shares([("owner", 3)])


@pytest.mark.parametrize("task", world.TASKS)
def test_no_content_is_in_training_and_in_a_test_whatever_the_seeds(task: str):
    trained = {content(question) for seed in (0, 1) for question in world.train_questions(3000, seed, [task])}
    assert trained.isdisjoint(content(question) for seed in (1, 2) for question in world.draw(task, 40, seed))


@pytest.mark.parametrize("task", world.TASKS)
def test_every_word_of_every_question_and_answer_is_in_the_vocabulary(task: str):
    random, known = Random(task), set(world.vocabulary())
    for _ in range(3000):
        question = world.TASKS[task](random)
        assert known.issuperset(re.findall("[a-z]+", question.text.lower()))
        assert known.issuperset((question.answer, *question.options))


def test_the_vocabulary_is_sorted_and_without_repetition():
    known = world.vocabulary()
    assert known == sorted(set(known))
    assert {"tom", "larger", "ninety", "whale", "instrument", "yes", "d"} <= set(known)


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


def test_both_orders_of_a_sum_and_every_story_of_it_fall_on_the_same_side():
    random = Random(0)
    sides: dict[object, set[bool]] = {}
    orders: dict[object, set[tuple[int, int]]] = {}
    for _ in range(6000):
        question = world.sums(random)
        sides.setdefault(content(question), set()).add(question.held_out)
        orders.setdefault(content(question), set()).add(operation(question.text)[2:])
    assert all(len(side) == 1 for side in sides.values())
    assert set().union(*sides.values()) == {True, False}
    assert sum(len(seen) == 2 for seen in orders.values()) > 40  # both orders did occur


def test_the_split_is_the_documented_hash_of_the_words():
    question = world.Question("sizes", "Which animal is larger, a fox or an ant?", "fox", "size a an animal ant fox is larger or which")
    assert question.held_out == (int(hashlib.sha1(b"size a an animal ant fox is larger or which").hexdigest(), 16) % 12 == 0)
    random = Random(1)
    made = {world.sizes(random).text: None for _ in range(5000)}
    assert question.text in made


def test_more_questions_than_there_are_is_refused():
    held = sum(by_hand(words) for words in SIZE_QUESTIONS)
    with pytest.raises(UsageError, match=f"task 'sizes_yesno' has {held} held-out questions, not 900"):
        world.draw("sizes_yesno", 900, seed=0)


def test_an_unknown_task_is_refused():
    with pytest.raises(UsageError, match="did you mean 'sizes'"):
        world.draw("size", 3, seed=0)
