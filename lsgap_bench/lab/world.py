"""The closed world: questions about animals, words, dates, numbers, owners and places, and which of them are held out for testing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.lab.words import ANIMALS, CATEGORIES, COLORS, DAYS, LETTERS, MONTHS, NAMES, NUMBERS, OBJECTS, OPPOSITES, PLACES, THINGS

HELD_OUT_ONE_IN = 12  # one question in twelve is for testing only
_MAX_TRIES = 100_000  # random questions drawn before a task counts as exhausted
WORD = re.compile("[a-z]+")


@dataclass(frozen=True)
class Question:
    """One question. key: what the split is decided by. options: what may be answered, empty for a free answer."""

    task: str
    text: str
    answer: str
    key: str
    options: tuple[str, ...] = ()

    @property
    def held_out(self) -> bool:
        """Whether the question is for testing only: sha1 of its key, divisible by twelve. No voice or seed can move it."""
        return int(hashlib.sha1(self.key.encode()).hexdigest(), 16) % HELD_OUT_ONE_IN == 0

    @property
    def words(self) -> list[str]:
        """The words of the question as a lab model reads them: lower case, no punctuation."""
        return words_of(self.text)


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, without punctuation."""
    return WORD.findall(text.lower())


def draw(task: str, count: int, seed: int) -> list[Question]:
    """`count` different held-out questions of a task, the same for the same seed; none shares a key while there are keys left.

    Raises UsageError for an unknown task, or when the task has no `count` held-out questions.
    """
    random, make = Random(f"{task}/{seed}"), maker(task)
    found: dict[str, Question] = {}
    keys: set[str] = set()
    for tries in range(_MAX_TRIES):
        if len(found) == count:
            return list(found.values())
        question = make(random)
        if question.held_out and (question.key not in keys or tries > _MAX_TRIES / 2):
            keys.add(question.key)
            found.setdefault(question.text, question)
    raise UsageError(f"task '{task}' has {len(found)} held-out questions, not {count}; ask for fewer")


def train_questions(count: int, seed: int, tasks: Sequence[str] = ()) -> list[Question]:
    """`count` questions for training, the tasks in turn, never one that is held out; the same for the same seed."""
    random = Random(f"train/{seed}")
    names = list(tasks or TASKS)
    found: list[Question] = []
    while len(found) < count:
        question = TASKS[names[len(found) % len(names)]](random)
        if not question.held_out:
            found.append(question)
    return found


def in_shares(shares: Sequence[tuple[str, int]]) -> list[str]:
    """Every task as often as `shares` says, 1 where it says nothing, as `train_questions` takes them. UsageError for an unknown one."""
    often = {maker(task).__name__: share for task, share in shares}
    return [task for task in TASKS for _ in range(often.get(task, 1))]


def maker(task: str) -> Callable[[Random], Question]:
    """The function that makes questions of a task; UsageError for an unknown one."""
    if task not in TASKS:
        raise UsageError(f"the world has no task '{task}'; {did_you_mean(task, TASKS)}")
    return TASKS[task]


# ------------------------------------------------------------------------------------------------ knowledge


def sizes(random: Random) -> Question:
    """Which of two animals is larger, or smaller."""
    one, other = random.sample(ANIMALS, 2)
    word, right = _compared(random, one, other, ANIMALS)
    text = f"Which animal is {word}, {_with_article(one)} or {_with_article(other)}?"
    return Question("sizes", text, right, _bag_of_words("size", text))


def sizes_yesno(random: Random) -> Question:
    """Whether one animal is larger, or smaller, than another."""
    one, other = random.sample(ANIMALS, 2)
    word, right = _compared(random, one, other, ANIMALS)
    text = f"Is {_with_article(one)} {word} than {_with_article(other)}?"
    return Question("sizes_yesno", text, "yes" if right == one else "no", _bag_of_words("size", text), ("yes", "no"))


def numbers(random: Random) -> Question:
    """Which of two numbers is larger, or smaller."""
    one, other = random.sample(list(NUMBERS.values()), 2)
    word, right = _compared(random, one, other, list(NUMBERS.values()))
    text = f"Which number is {word}, {one} or {other}?"
    return Question("numbers", text, right, _bag_of_words("numcmp", text))


def categories(random: Random) -> Question:
    """Which of two to four words belongs to a category."""
    category = random.choice(list(CATEGORIES))
    right = random.choice(CATEGORIES[category])
    wrong = [word for name, members in CATEGORIES.items() if name != category for word in members]
    return _by_letter(random, "categories", f"Which one is {_with_article(category)}?", right, wrong, most=4)


def opposites(random: Random) -> Question:
    """The opposite of an adjective, among two to four."""
    word = random.choice(list(OPPOSITES))
    right = OPPOSITES[word]
    wrong = [other for other in OPPOSITES if other not in (word, right)]
    return _by_letter(random, "opposites", f"What is the opposite of {word}?", right, wrong, most=4)


def days(random: Random) -> Question:
    """The day before or after a day, among two or three."""
    return _neighbour(random, "days", "day", DAYS)


def months(random: Random) -> Question:
    """The month before or after a month, among two or three."""
    return _neighbour(random, "months", "month", MONTHS)


# ------------------------------------------------------------------------------- reading: the answer stands in the question


def owners(random: Random) -> Question:
    """Who has a thing, what somebody has, or which colour a thing has, by two or three facts told first."""
    count = random.choice((2, 3))
    names, colors, objects = random.sample(NAMES, count), random.sample(COLORS, count), random.sample(OBJECTS, count)
    facts = " ".join(f"{n.capitalize()} has the {c} {o}." for n, c, o in zip(names, colors, objects, strict=True))
    name, color, thing = random.choice(list(zip(names, colors, objects, strict=True)))
    asked, answer = random.choice(
        [(f"Who has the {thing}?", name), (f"What color is the {thing}?", color), (f"What does {name.capitalize()} have?", thing)]
    )
    return Question("owners", f"{facts} {asked}", answer, f"{facts} {asked}")


def places(random: Random) -> Question:
    """Where somebody is, or who is somewhere, by two or three facts told first."""
    count = random.choice((2, 3))
    names, where = random.sample(NAMES, count), random.sample(PLACES, count)
    facts = " ".join(f"{n.capitalize()} is in the {p}." for n, p in zip(names, where, strict=True))
    name, place = random.choice(list(zip(names, where, strict=True)))
    asked, answer = random.choice([(f"Where is {name.capitalize()}?", place), (f"Who is in the {place}?", name)])
    return Question("places", f"{facts} {asked}", answer, f"{facts} {asked}")


# ------------------------------------------------------------------------------------------------ arithmetic


def sums(random: Random) -> Question:
    """A sum or a difference, plain or told as a story.

    The key holds the form and the numbers alone, those of a sum in order: a held-out sum was never seen turned round or told of somebody
    else, but the other form of the same numbers may have been seen.
    """
    sign, one, other = _operands(random)
    form = random.choice(("plain", "story"))
    if form == "plain":
        text = f"What is {NUMBERS[one]} {sign} {NUMBERS[other]}?"
    else:
        name, things = random.choice(NAMES).capitalize(), random.choice(THINGS)
        turn = f"gets {NUMBERS[other]} more" if sign == "plus" else f"loses {NUMBERS[other]}"
        text = f"{name} has {NUMBERS[one]} {things} and {turn}. How many {things} does {name} have?"
    result = one + other if sign == "plus" else one - other
    ordered = sorted((one, other)) if sign == "plus" else (one, other)
    return Question("sums", text, NUMBERS[result], f"sums {form} {sign} {ordered[0]} {ordered[1]}")


TASKS: dict[str, Callable[[Random], Question]] = {
    make.__name__: make for make in (sizes, sizes_yesno, categories, opposites, days, months, numbers, owners, places, sums)
}


def vocabulary() -> list[str]:
    """Every word that a lab model knows, in alphabetic order: those of `words`, and those of the templates."""
    random = Random("vocabulary")
    known = {word for name in TASKS for _ in range(2000) for word in TASKS[name](random).words}
    known.update(NAMES, COLORS, OBJECTS, THINGS, PLACES, DAYS, MONTHS, NUMBERS.values(), OPPOSITES, LETTERS, ("yes", "no"))
    return sorted(known.union(CATEGORIES, *CATEGORIES.values()))


def _operands(random: Random) -> tuple[str, int, int]:
    """(plus or minus, first number, second): small ones mostly, tens now and then; the result is a number that has a word."""
    sign = random.choice(("plus", "minus"))
    unit = 10 if random.random() < 0.15 else 1
    if sign == "plus":
        one = random.randint(1, 8 if unit == 10 else 10)
        other = random.randint(1, 9 - one if unit == 10 else 10)
    else:
        one = random.randint(2, 9 if unit == 10 else 20)
        other = random.randint(1, min(one - 1, 10))
    return sign, one * unit, other * unit


def _compared(random: Random, one: str, other: str, ascending: Sequence[str]) -> tuple[str, str]:
    """(the word asked for, which of the two it is true of)."""
    smaller, larger = sorted((one, other), key=ascending.index)
    return random.choice([("larger", larger), ("smaller", smaller)])


def _neighbour(random: Random, task: str, noun: str, cycle: Sequence[str]) -> Question:
    here = random.choice(cycle)
    word, step = random.choice([("after", 1), ("before", -1)])
    right = cycle[(cycle.index(here) + step) % len(cycle)]
    wrong = [other for other in cycle if other not in (here, right)]
    return _by_letter(random, task, f"Which {noun} comes {word} {here.capitalize()}?", right, wrong, most=3)


def _by_letter(random: Random, task: str, stem: str, right: str, wrong: Sequence[str], most: int) -> Question:
    """The question with its options read out; the answer is the letter of the right one."""
    shown = [right, *random.sample(wrong, random.randint(2, most) - 1)]
    random.shuffle(shown)
    letters = LETTERS[: len(shown)]
    listed = " ".join(f"{letter.upper()}: {word}." for letter, word in zip(letters, shown, strict=True))
    text = f"{stem} {listed}"
    return Question(task, text, letters[shown.index(right)], text, letters)


def _bag_of_words(prefix: str, text: str) -> str:
    """The key of a comparison: its words in alphabetic order, so that both orders of the two things fall on the same side of the split."""
    return " ".join([prefix, *sorted(words_of(text))])


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
