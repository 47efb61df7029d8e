"""Braces write many names as one: `a{b,c}@{0,1}` stands for `ab@0`, `ab@1`, `ac@0`, `ac@1`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from lsgap_bench.errors import UsageError

_GROUP = re.compile(r"\{([^{}]*)\}")
_COMMA = re.compile(r",(?![^{}]*\})")  # one that no closing brace follows before the next opening one


def split(text: str) -> list[str]:
    """The parts between the commas that stand outside braces, without the blanks around them; empty parts are left out."""
    return [part.strip() for part in _COMMA.split(text) if part.strip()]


def expand(names: Iterable[str]) -> list[str]:
    """The names with every brace written out, the last brace turning fastest; each name once, where it first appears.

    UsageError naming the name for a brace that is not closed or not opened, stands in another, or holds an empty alternative.
    """
    return list(dict.fromkeys(made for name in names for made in _expanded(name)))


def _expanded(name: str) -> list[str]:
    pieces = _GROUP.split(name)  # fixed text at even places, what stands between braces at odd ones
    if any("{" in fixed or "}" in fixed for fixed in pieces[::2]):
        raise UsageError(f"'{name}' has a brace without its other half, or one inside another; write for example a{{b,c}}@{{0,1}}")
    choices = [[piece] if k % 2 == 0 else [one.strip() for one in piece.split(",")] for k, piece in enumerate(pieces)]
    if any("" in alternatives for alternatives in choices[1::2]):
        raise UsageError(f"'{name}' has an empty place between its braces; write for example a{{b,c}}@{{0,1}}")
    return ["".join(chosen) for chosen in itertools.product(*choices)]
