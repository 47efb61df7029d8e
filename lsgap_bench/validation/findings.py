"""What a check finds: a problem, for which the task is refused, or a warning, which a person should look at; one line each."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """line: names file, item, value and remedy.

    problem: a run would refuse it, or would measure something else than it says. Otherwise it is a warning: it can be right, or is handled.
    """

    line: str
    problem: bool = False
