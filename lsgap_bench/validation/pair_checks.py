"""Items as pairs and among each other: words that the clip cannot say, clips too long for their words, and what is there twice."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from lsgap_bench.option_lists import spreads
from lsgap_bench.schema import Item
from lsgap_bench.validation.findings import Finding

_FASTEST = 8.0  # words per second: nobody speaks faster, so such a clip cannot say its text
_SLOWEST = 30.0  # words per minute: the slowest dictation has more
_LONG_ENOUGH = 5.0  # seconds: below them pauses weigh too much
_LETTERS_PER_WORD = 6  # for writing without blanks; rather few words than many
_USUAL = "people speak 100 to 200"


def pair_findings(items: Sequence[Item], source: str, cluster: str | None) -> Iterator[Finding]:
    """What is odd about the items of one task. cluster: the column that groups them, so that a name may come again in it."""
    for item in items:
        yield from _pace(item, source)
    yield from _twice(items, source, cluster)
    for spread in spreads(items):
        yield Finding(f"{source}: {spread.line}", problem=spread.one_chance)


def _pace(item: Item, source: str) -> Iterator[Finding]:
    words, seconds = len(item.text.split()), item.clip.seconds
    if words > _FASTEST * seconds + 2:
        yield Finding(f"{source}: {item.id}: {words} words cannot be said in {seconds:.2g} s; is this the right clip?", problem=True)
    spoken = _spoken_words(item.spoken or item.text)
    if seconds > _LONG_ENOUGH and spoken * 60 < _SLOWEST * seconds:
        pace = 60 * words / seconds
        yield Finding(
            f"{source}: {item.id}: {words} words in {seconds:.1f} s are {pace:.0f} a minute, and {_USUAL}; is this the right clip?"
        )


def _spoken_words(text: str) -> float:
    """At least as many words as a voice may say: a digit counts as one, and so do a few letters in writing without blanks."""
    return max(len(text.split()), len(re.sub(r"\s", "", text)) / _LETTERS_PER_WORD) + sum(map(str.isdigit, text))


def _twice(items: Sequence[Item], source: str, cluster: str | None) -> Iterator[Finding]:
    ids: dict[Any, Item] = {}
    clips: dict[str, Item] = {}
    questions: dict[Hashable, Item] = {}
    for item in items:
        where, name = f"{source}: {item.id}", item.fields.get("id")
        first = ids.setdefault(name, item) if isinstance(name, (str, int)) else item
        if first is not item and cluster != "id":
            yield Finding(
                f"{where}: column 'id' holds {name!r}, as it does for {first.id}; give every row its own, or write cluster: id", True
            )
        other = clips.setdefault(item.clip.sha256, item)
        if other.text != item.text:
            yield Finding(f"{where}: its clip is also the clip of '{other.text[:60]}'; one of the two is wrong", True)
        elif other is not item:
            yield Finding(f"{where}: it has the words and the clip of {other.id}, which counts twice; leave one of the two out")
        asked = questions.setdefault((item.text, item.options), item)
        if asked.target != item.target:
            yield Finding(
                f"{where}: its target is {item.target!r}, and {asked.target!r} for the same question in {asked.id}; is one wrong?"
            )
