"""How many speech positions a clip should take: a line through what silences of some lengths take."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LONG = 30.0  # seconds


class Line(NamedTuple):
    """slope: positions per second; offset: positions."""

    slope: float
    offset: float

    def positions(self, seconds: float) -> int:
        """For a clip of so many seconds."""
        return round(self.slope * seconds + self.offset)


def line_through(positions: Callable[[float], int], max_seconds: float | None) -> Line:
    """positions: of a silence of so many seconds. max_seconds: of a clip that is heard whole.

    A line and not the model itself, which cuts a silence as it cuts a clip; several lengths, because some models count in steps.
    """
    lengths = np.linspace(0.05, 1.0, 27) * min(max_seconds or LONG, LONG)
    slope, offset = np.polyfit(lengths, [positions(seconds) for seconds in lengths], 1)
    return Line(float(slope), float(offset))
