"""The questions (a) to (f) about a series, each answered in one sentence with its number and interval."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lsgap_bench.least_squares import FEWEST_GROUPS
from lsgap_bench.schema import Estimate
from lsgap_bench.series_analysis import ALL, LOG_STEP, RIVALS, Analysis, Association
from lsgap_bench.series_items import label
from lsgap_bench.series_tables import limits, number, verdict

_ABOVE = "same_task"
LEVEL = 0.05
ROUGH = 10
UNTOLD = "these runs do not tell the two apart"


def findings(analysis: Analysis) -> list[str]:
    """One sentence or more per question; a question without numbers is left out (the report's `missing` says why)."""
    return [
        *_caution(analysis),
        *_training(analysis),
        *_depth(analysis),
        *_stronger(analysis),
        *_within(analysis),
        *_flips(analysis),
        *_interventions(analysis),
    ]


def told(shown: Estimate, signed: bool = False) -> str:
    """`0.49 [0.39, 0.88]`; the value alone where there is no interval; why there is no value."""
    value = number(shown.value, shown.unit, signed)
    if math.isnan(shown.value):
        return f"absent ({shown.why})"
    if math.isnan(shown.low):
        return f"{value} (no interval)"
    return f"{value} {limits(shown, signed)}"


def _count(share: Estimate) -> str:
    """`3 of 4`."""
    return f"{round(share.value * share.n)} of {share.n}"


def _caution(analysis: Analysis) -> Iterator[str]:
    runs = len(set(analysis.series.runs))
    if runs < FEWEST_GROUPS:
        yield f"{runs} training run{'s are' if runs > 1 else ' is'} too few for intervals over runs; the values are descriptions."
    elif runs < ROUGH:
        yield f"Intervals over runs stand on {runs} training runs; with fewer than {ROUGH} they are wide, and lean on Student's t."


def _training(analysis: Analysis) -> Iterator[str]:
    for t in analysis.training:
        if t.quantity == "gap" and math.isfinite(t.rho.value):
            which = "" if t.subset == ALL else f", {t.subset}"
            share = f"it rises in {_count(t.rising)} run{'s' * (t.rho.n > 1)}"
            yield f"(a) Gap along training{which}: {told(t.doubling, True)} points per doubling of the step; {share}."
    for a in analysis.associations:
        if a.predictor == LOG_STEP and math.isfinite(a.fit.r2.value):
            which = "" if a.subset == ALL else f", {a.subset}"
            yield (
                f"(a) Gap on log(step){which}: R2 {told(a.fit.r2)} pooled, {told(a.fit.full_r2)} with run dummies, "
                f"{told(a.fit.within_r2)} within runs."
            )


def _depth(analysis: Analysis) -> Iterator[str]:
    found = {(d.metric, d.quantity): d for d in analysis.depth if d.subset == ALL}
    for metric in ("pooled_cosine", "pooled_euclidean"):
        plain, above = found.get((metric, "value")), found.get((metric, _ABOVE))
        if plain is None or above is None or math.isnan(plain.rho.value):
            continue
        yield (
            f"(b) {metric} with depth: mean Spearman {told(plain.rho)}, it rises at {_count(plain.rising)} "
            f"checkpoints; {told(plain.inner)} without the last layer, which is after the final norm; "
            f"above its same-task null: {told(above.rho)}."
        )


def _stronger(analysis: Analysis) -> Iterator[str]:
    for c in analysis.comparisons:
        rivals = [(label(a, q), label(b, q)) for a, b in RIVALS for q in ("value", _ABOVE)]
        if c.subset != ALL or c.within or (c.a, c.b) not in rivals or math.isnan(c.difference.value):
            continue
        a, b = (_association(analysis, name) for name in (c.a, c.b))
        said = {"A stronger": f"{c.a} is stronger", "B stronger": f"{c.b} is stronger"}.get(verdict(c.difference), UNTOLD)
        yield (
            f"(c) R2 with the gap: {c.a} {told(a.fit.r2)} (r {number(a.fit.r.value, 'r', True)}), {c.b} {told(b.fit.r2)} "
            f"(r {number(b.fit.r.value, 'r', True)}); difference {told(c.difference, True)}: {said} "
            f"(n = {a.fit.n} checkpoints of {a.fit.runs} runs)."
        )


def _within(analysis: Analysis) -> Iterator[str]:
    named = [metric for pair in RIVALS for metric in pair]
    for a in analysis.associations:
        wanted = a.metric in named and (a.quantity == "value" or (a.quantity == _ABOVE and a.subset == ALL))
        if wanted and math.isfinite(a.fit.r2.value):
            which = "all runs" if a.subset == ALL else a.subset
            yield (
                f"(d) Gap on {a.predictor}, {which}: R2 {told(a.fit.r2)} pooled, {told(a.fit.within_r2)} within runs; "
                f"r {told(a.fit.r, True)} pooled, {told(a.fit.within_r, True)} within runs; "
                f"r with the step held fixed {told(a.fit.partial_r)}, the same within runs {told(a.fit.partial_within_r)}; "
                f"leave-one-run-out R2 {number(a.fit.loo_r2.value, 'R2')}."
            )


def _flips(analysis: Analysis) -> Iterator[str]:
    for f in analysis.flips:
        if f.metric in ("alignment_path_score", "pooled_cosine") and math.isfinite(f.pooled.value):
            yield (
                f"(e) {label(f.metric, f.quantity)} and the items lost in speech: AUROC {told(f.pooled)} over all items, "
                f"{told(f.net)} net of checkpoint and task."
            )


def _interventions(analysis: Analysis) -> Iterator[str]:
    plain = [g for g in analysis.gains if "=" not in g.condition and math.isfinite(g.gain.value)]
    if not plain:
        return
    helped = [g for g in plain if g.p_holm <= LEVEL and g.gain.value > 0]
    harmed = [g for g in plain if g.p_holm <= LEVEL and g.gain.value < 0]
    tested = "" if any(math.isfinite(g.p_holm) for g in plain) else " (no p-values: samples were not read)"
    yield (
        f"(f) Of {len(plain)} interventions {len(helped)} help and {len(harmed)} harm at p <= {LEVEL} after Holm's adjustment over all "
        f"{len(analysis.gains)} conditions{tested}."
    )
    best = max(plain, key=lambda g: g.gain.value)
    beyond = "".join(f"; beyond {control}: {told(gain, True)}" for control, gain in best.against.items()) or "; no control of it was run"
    yield f"(f) The largest gain is {best.condition}: {told(best.gain, True)} points{beyond}."
    for control in dict.fromkeys(name for g in plain for name in g.against):
        tried = [g.against[control] for g in plain if control in g.against]
        yield f"(f) Beyond {control}, {sum(gain.low > 0 for gain in tried)} of {len(tried)} interventions gain (interval above 0)."


def _association(analysis: Analysis, predictor: str) -> Association:
    return next(a for a in analysis.associations if a.subset == ALL and a.predictor == predictor)
