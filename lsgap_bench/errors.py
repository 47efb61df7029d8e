"""What the user can mend: one clear line, exit status 2, no traceback."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UsageError(Exception):
    """Bad usage or bad input. The message is one line that names the thing, shows the value and offers the remedy."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error line: the closest known names, or all of them when none is close."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"'{c}'" for c in close) + "?"
    return "known: " + (", ".join(names) if names else "none")


def first_line(error: BaseException) -> str:
    """Of an error's message; its kind where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip()


def with_kind(error: BaseException) -> str:
    """An error's kind and the first line of its message."""
    return f"{type(error).__name__}: {first_line(error) if str(error).strip() else 'no message'}"
