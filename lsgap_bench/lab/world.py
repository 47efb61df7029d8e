"""The closed world: questions about animals, words, dates and numbers, their answers, and which of them are held out for testing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from lsgap_bench.errors import UsageError, did_you_mean


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ANIMALS = _words(  # smallest first
    "ant bee spider mouse frog bird rabbit cat fox dog goat wolf sheep pig lion tiger bear cow horse giraffe elephant whale"
)
CATEGORIES: dict[str, tuple[str, ...]] = {
    "animal": _words("dog cat horse cow lion tiger rabbit sheep mouse wolf goat bear"),
    "fruit": _words("apple banana grape lemon cherry peach pear melon"),
    "vegetable": _words("carrot potato onion cabbage spinach pepper"),
    "vehicle": _words("car bus train plane truck boat bicycle tractor"),
    "tool": _words("hammer saw drill shovel wrench ladder"),
    "drink": _words("milk tea coffee juice water soda"),
}
_OPPOSITE_PAIRS = (
    "hot cold, big small, fast slow, old young, light dark, happy sad, open closed, wet dry, "
    "full empty, rich poor, hard soft, loud quiet, strong weak, high low, early late, clean dirty"
)
OPPOSITES: dict[str, str] = {}
for _pair in _OPPOSITE_PAIRS.split(", "):
    _one, _other = _pair.split()
    OPPOSITES |= {_one: _other, _other: _one}
DAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = _words("january february march april may june july august september october november december")
_UNITS = _words(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
_TENS = _words("thirty forty fifty sixty seventy eighty ninety")
NUMBERS: dict[int, str] = dict(enumerate(_UNITS, start=1)) | dict(zip(range(30, 100, 10), _TENS, strict=True))

LETTERS = ("a", "b", "c", "d")
HELD_OUT_ONE_IN = 12  # one question in twelve is for testing only
_MAX_TRIES = 100_000  # random questions drawn before a task counts as exhausted


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


def draw(task: str, count: int, seed: int) -> list[Question]:
    """`count` different held-out questions of a task, the same for the same seed.

    Raises UsageError for an unknown task, or when the task has no `count` held-out questions.
    """
    if task not in TASKS:
        raise UsageError(f"the world has no task '{task}'; {did_you_mean(task, TASKS)}")
    random = Random(f"{task}/{seed}")
    found: dict[str, Question] = {}
    for _ in range(_MAX_TRIES):
        if len(found) == count:
            return list(found.values())
        question = TASKS[task](random)
        if question.held_out:
            found.setdefault(question.text, question)
    raise UsageError(f"task '{task}' has {len(found)} held-out questions, not {count}; ask for fewer")


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
    wrong = [word for name, words in CATEGORIES.items() if name != category for word in words]
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


TASKS: dict[str, Callable[[Random], Question]] = {
    make.__name__: make for make in (sizes, sizes_yesno, categories, opposites, days, months, numbers)
}


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
    return " ".join([prefix, *sorted(text.lower().replace("?", "").replace(",", "").split())])


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
