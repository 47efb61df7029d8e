"""What gives a question or its answer away, as far as the task file and the data show it; a model's own template is not seen here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lsgap_bench.schema import Item
from lsgap_bench.validation.findings import Finding

_LONG_ENOUGH = 3  # letters and digits: `A` and `no` are in many texts by accident


def leak_findings(items: Sequence[Item], source: str) -> Iterator[Finding]:
    """Questions and targets in the system turn, which both forms get, and targets in questions that list no options."""
    turns = {item.system: _plain(item.system) for item in items if item.system}
    for item in items:
        if item.system and _plain(item.text) in turns[item.system]:
            yield Finding(
                f"{source}: {item.id}: the system turn holds the question {item.text[:60]!r}, so it is read where it should be heard; "
                "take it out of description",
                problem=True,
            )
    targets = {item.target for item in items}
    for plain in turns.values():
        named = [target for target in sorted(targets) if _holds(plain, target)]
        if named and set(named) != targets:
            yield Finding(f"{source}: description: it names the target {named[0]!r} and not all the others; is the answer given away?")
    told = [item for item in items if not item.options and item.chance is None and _holds(_plain(item.text), item.target)]
    if told:
        yield Finding(
            f"{source}: {len(told)} of {len(items)} questions hold their own target, such as {told[0].id} ({told[0].target[:40]!r}); "
            "if they list what to choose from, say so with chance:"
        )


def _plain(text: str | None) -> str:
    """Words in lower case, one blank apart and around them."""
    return " ".join(["", *re.findall(r"\w+", (text or "").lower()), ""])


def _holds(plain: str, target: str) -> bool:
    words = _plain(target)
    return len(words.replace(" ", "")) >= _LONG_ENOUGH and words in plain
