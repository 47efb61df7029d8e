"""A scorer's figure of all items of a task together, where it declares one: no mean over items, so its interval leaves clusters out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsgap_bench import scorers
from lsgap_bench.bootstrap import Floats
from lsgap_bench.jackknife import jackknife_interval
from lsgap_bench.registry import CorpusFigure
from lsgap_bench.schema import Estimate, OtherScores, PValue, absent
from lsgap_bench.task_tables import TaskTable

UNTESTED = "a figure of all items together has an interval, but no test"
_SIDES = ("text", "speech")


def corpus_scores(table: TaskTable) -> dict[str, OtherScores]:
    """`NAME, corpus` -> the figure of each of the task's scorers that declares one."""
    found: dict[str, OtherScores] = {}
    for of in (table, *(table.judged_by(rule) for rule in table.others)):
        if of.scorer and (figure := scorers.corpus(of.scorer)):
            found[f"{of.scorer}, corpus"] = _Corpus(of, of.scorer, figure).scores()
    return found


@dataclass(frozen=True)
class _Corpus:
    """A task's verdicts by one scorer, and the figure that it makes of their details."""

    table: TaskTable
    rule: str
    figure: CorpusFigure

    def scores(self) -> OtherScores:
        sides = [side for side in _SIDES if side in self.table.scores]
        return OtherScores(
            scores={side: self._estimate(side) for side in sides},
            gap=self._estimate(*_SIDES) if len(sides) == len(_SIDES) else absent("only one form was run"),
            p_value=PValue(math.nan, UNTESTED),
            fail_rate={side: self._fail_rate(side) for side in sides},
        )

    def _estimate(self, *sides: str) -> Estimate:
        """The figure of a side, or of the first less the second, of the items that have a verdict on each."""
        scored = ~np.isnan([self.table.score(side) for side in sides]).any(axis=0)
        items, told = np.flatnonzero(scored), [self.table.details.get(side, ()) for side in sides]
        if not len(items):
            return absent("no item has a value")
        if any(not of or of[k] is None for of in told for k in items):
            return absent(
                f"the samples do not keep the details of its verdicts; judge again: lsgap rescore RUN --scorer {self.rule}", n=len(items)
            )
        names = np.array(self.table.clusters)[items]
        value = self._of(items, sides)
        without = [self._of(items[names != name], sides) for name in np.unique(names)]
        low, high, method, why = jackknife_interval(value, np.array(without))
        return Estimate(value, low, high, len(items), "points", method, why)

    def _of(self, items: NDArray[np.int64], sides: Sequence[str]) -> float:
        first, *second = (100 * self.figure([self.table.details[side][k] for k in items]) for side in sides)
        return first - sum(second)

    def _fail_rate(self, side: str) -> float:
        read: Floats = self.table.extracted[side]
        return math.nan if np.isnan(read).all() else 1 - float(np.nanmean(read))
