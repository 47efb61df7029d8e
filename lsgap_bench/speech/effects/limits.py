"""What a value of an effect may be, said in one line where it is something else."""

from __future__ import annotations

import math
from typing import Any


def require_number(name: str, value: Any, low: float, high: float) -> None:
    """ValueError unless `value` is a number from `low` to `high`."""
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high
    if not fits:
        raise ValueError(f"{name}: {value!r} is out of range; give a number from {low:g} to {high:g}")


def require_one_of(name: str, value: Any, *known: str) -> None:
    """ValueError unless `value` is one of the known words."""
    if value not in known:
        raise ValueError(f"{name}: {value!r} is not known; write {' or '.join(known)}")
