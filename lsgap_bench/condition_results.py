"""What text controls and variants change against the plain form of their modality, and the gap as the sum of what the controls explain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from lsgap_bench.bootstrap import Floats
from lsgap_bench.differences import is_binary, mean_difference, mean_p_value, mean_score, total_of
from lsgap_bench.recognition import counts_of, word_error_rate
from lsgap_bench.schema import CANARY, ConditionResult, Estimate, GapSplit, PValue, absent
from lsgap_bench.stats import flips, group_mean, holm
from lsgap_bench.task_tables import TaskTable, weights_of

SPOKEN, TRANSCRIPT = "text=spoken_form", "text=transcript"


def condition_results(tables: Sequence[TaskTable]) -> dict[str, ConditionResult]:
    """Text control or variant -> its result on one task, or over several by their weights; those that every task was run under."""
    filled = [table for table in tables if table.items]
    common = [name for name in (filled[0].scores if filled else ()) if all(name in table.scores for table in filled)]
    names = [name for name in common if "=" in name and "+" not in name and name not in CANARY]
    made = {name: _result(tables, name) for name in sorted(names, key=lambda name: name.startswith("speech"))}
    adjusted = holm([of.p_value.value for of in made.values()])
    return {name: replace(of, p_holm=float(p)) for (name, of), p in zip(made.items(), adjusted, strict=True)}


def gap_split(tables: Sequence[TaskTable]) -> GapSplit | None:
    """The gap of one task, or over several by their weights, as a sum; None where no text control was run."""
    filled = [table for table in tables if table.items]
    if not any(name in table.scores for table in filled for name in (SPOKEN, TRANSCRIPT)):
        return None
    whys = {name: _lacking(filled, name) for name in ("text", SPOKEN, TRANSCRIPT, "speech")}
    if side := next((name for name in ("text", "speech") if whys[name]), None):
        nothing = absent(str(whys[side]))
        return GapSplit(nothing, nothing, nothing, nothing, _wer(tables, whys[TRANSCRIPT]))
    chain = [name for name, why in whys.items() if why is None]
    steps = {later: _step_mean(tables, chain, earlier, later) for earlier, later in pairwise(chain)}
    return GapSplit(
        gap=_step_mean(tables, chain, "text", "speech"),
        verbalisation=steps.get(SPOKEN, absent(str(whys[SPOKEN]))),
        recognition=steps.get(TRANSCRIPT, absent(str(whys[TRANSCRIPT]))),
        rest=steps["speech"],
        wer=_wer(tables, whys[TRANSCRIPT]),
    )


def _step_mean(tables: Sequence[TaskTable], chain: Sequence[str], first: str, second: str) -> Estimate:
    """first - second in points, over the items that were run under the whole chain of conditions, so that the steps of a chain add up."""

    def step(table: TaskTable) -> Floats:
        whole = sum((table.score(name) for name in chain), np.zeros(len(table.items)))
        return np.where(np.isnan(whole), np.nan, table.score(first) - table.score(second))

    return _paired(group_mean([(step(table), table.clusters) for table in tables], weights=weights_of(tables)))


def _result(tables: Sequence[TaskTable], name: str) -> ConditionResult:
    reference = name.partition("=")[0]
    filled = [table for table in tables if table.items]
    why = _lacking(filled, name) or _lacking(filled, reference)
    turned = [_turned(table.score(reference), table.score(name)) for table in filled]
    score = mean_score(tables, name)
    return ConditionResult(
        reference=reference,
        score=score if math.isfinite(score.value) else absent(_lacking(filled, name) or str(score.why)),
        difference=absent(why) if why else _paired(mean_difference(tables, name, reference)),
        p_value=PValue(math.nan, why) if why else mean_p_value(tables, name, reference),
        recovered=total_of([recovered for recovered, _ in turned]),
        broken=total_of([broken for _, broken in turned]),
    )


def _turned(plain: Floats, treated: Floats) -> tuple[int | None, int | None]:
    """Items recovered and broken; None where scores are graded or not there."""
    seen = not np.isnan(plain - treated).all()
    return flips(plain, treated) if seen and is_binary(plain) and is_binary(treated) else (None, None)


def _lacking(filled: Sequence[TaskTable], name: str) -> str | None:
    """Why the tasks have no mean under a condition; None where each has an item with a score."""
    for table in filled:
        if name not in table.scores:
            return f"{name} was not run"
        if np.isnan(table.scores[name]).all():
            why = table.whys.get(name) or table.unjudged.get(name, "no item has a value")
            return why if len(filled) == 1 else f"{table.task}: {why}"
    return None


def _wer(tables: Sequence[TaskTable], why: str | None) -> Estimate:
    return absent(why, "WER") if why else word_error_rate([counts_of(table) for table in tables], weights_of(tables))


def _paired(made: Estimate) -> Estimate:
    return replace(made, method=f"paired {made.method}") if made.method else made
