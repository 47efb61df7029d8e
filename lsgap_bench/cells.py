"""Cells of tables: numbers, estimates and p-values as text, and footnotes for what is absent."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tabulate import tabulate

from lsgap_bench.schema import Estimate, PValue, absent

ABSENT = "-"
_WIDTHS = {"task": 28, "metric": 32, "unit": 8}  # characters before a cell wraps, so that a table stays near 110 columns
_WIDE = 110
_DIGITS = {"points": 1, "distance": 2, "nats": 2, "norm": 1}


def number(value: float, unit: str = "points", signed: bool = False) -> str:
    """Points to one decimal, distances to two, other units to three; a dash for NaN. signed: a plus before 0 and above."""
    if not math.isfinite(value):
        return ABSENT
    digits = _DIGITS.get(unit, 3)
    rounded = round(value, digits) + 0.0  # -0.0 + 0.0 = 0.0, so that no "-0.0" is shown
    return f"{rounded:{'+' if signed else ''}.{digits}f}"


def estimate(shown: Estimate, signed: bool = False, interval: bool = True) -> str:
    """`96.2 [93.1, 98.0]`; the value alone where there is no interval; a dash where there is no value."""
    value = number(shown.value, shown.unit, signed)
    if not interval or math.isnan(shown.low) or math.isnan(shown.high):
        return value
    return f"{value} [{number(shown.low, shown.unit)}, {number(shown.high, shown.unit)}]"


def p_value(p: float) -> str:
    """Three decimals, `<0.001` below."""
    return ABSENT if math.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def of_score(exact: Estimate) -> Estimate:
    """A score as it is shown: a t interval of few clusters may pass what a score can be, and is cut at 0 and 100 points."""
    return replace(exact, low=max(exact.low, 0.0), high=min(exact.high, 100.0))


def of_difference(exact: Estimate) -> Estimate:
    """A gap or a gain as it is shown: its interval is cut at -100 and 100 points."""
    return replace(exact, low=max(exact.low, -100.0), high=min(exact.high, 100.0))


def parameters(count: Any) -> str:
    """`1.3 M`, `8.4 B`; a dash where the count is unknown."""
    if isinstance(count, bool) or not isinstance(count, (int, float)) or not count > 0:
        return ABSENT
    scale, letter = next((s, name) for s, name in ((1e9, " B"), (1e6, " M"), (1e3, " k"), (1, "")) if count >= s or s == 1)
    return f"{count / scale:.3g}{letter}" if count < 1000 * scale else f"{count / scale:.0f}{letter}"


def of_ratio(exact: Estimate) -> Estimate:
    """A ratio of scores as it is shown: a t interval of few clusters may pass below 0, and is cut there."""
    return replace(exact, low=max(exact.low, 0.0))


def _wrapped(note: str) -> list[str]:
    """A footnote as wide as a table; an option of a command stays whole."""
    return textwrap.wrap(note, _WIDE, subsequent_indent=" " * 4, break_on_hyphens=False, break_long_words=False)


@dataclass
class Footnotes:
    """Cells of one table; what is absent becomes a dash and a number, and the reasons follow the table."""

    reasons: list[str] = field(default_factory=list)

    def cell(self, shown: Estimate | None, missing: str = "not run", signed: bool = False, interval: bool = True) -> str:
        """An estimate as text. missing: the reason where there is none."""
        shown = absent(missing) if shown is None else shown
        text = estimate(shown, signed, interval)
        unexplained = shown.why is None or (not math.isnan(shown.value) and not interval)
        return text if unexplained else self._marked(text, str(shown.why))

    def count(self, items: int | None, of: Estimate) -> str:
        """How many items were turned, where scores are right or wrong. of: the difference that they make."""
        return self.cell(absent("scores are graded" if of.n else str(of.why))) if items is None else str(items)

    def p(self, shown: PValue) -> str:
        """A p-value as text."""
        return self._marked(ABSENT, shown.test) if math.isnan(shown.value) else p_value(shown.value)

    def under(self, title: str, rows: Sequence[Any], headers: Sequence[str]) -> str:
        """The table between its title and its footnotes."""
        align = ["left", *["right"] * (len(headers) - 1)]
        widths = [_WIDTHS.get(header, 46) for header in headers]
        table = tabulate(rows, headers, "simple", colalign=align, disable_numparse=True, maxcolwidths=widths)
        notes = [line for k, reason in enumerate(self.reasons, 1) for line in _wrapped(f"({k}) {reason}")]
        return "\n".join([title, table, *notes])

    def _marked(self, text: str, reason: str) -> str:
        if reason not in self.reasons:
            self.reasons.append(reason)
        return f"{text} ({self.reasons.index(reason) + 1})"
