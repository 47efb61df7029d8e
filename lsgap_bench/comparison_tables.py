"""A Comparison as tables: scores, paired differences, other conditions, agreement, metrics, correlations, models, prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lsgap_bench.cells import ABSENT, of_difference, of_score, p_value, parameters
from lsgap_bench.comparison import Comparison, Model
from lsgap_bench.comparison_metrics import warning
from lsgap_bench.comparison_places import QUANTITIES, Paired, Place
from lsgap_bench.comparison_runs import SIDES, listed
from lsgap_bench.report import is_even
from lsgap_bench.schema import Estimate
from lsgap_bench.series import QUANTITIES as FORMS
from lsgap_bench.series_tables import Table

INDENT = "- "
"""Before the first cell of a row that stands under a heading of its own; the heading's other cells are empty."""


class Section(NamedTuple):
    """Rows of a table that share a heading."""

    heading: str
    rows: list[list[str]]


def tables_of(comparison: Comparison) -> dict[str, Table]:
    """Part -> table, in the order of the report; a part without rows is left out."""
    made = {
        "scores": scores_table(comparison),
        "differences": differences_table(comparison),
        "conditions": conditions_table(comparison),
        "agreement": agreement_table(comparison),
        "metrics": metrics_table(comparison),
        "correlations": correlations_table(comparison),
        "models": models_table(comparison),
        "prompts": prompts_table(comparison),
    }
    return {part: table for part, table in made.items() if table.rows}


_MEANS = {True: "unweighted means", False: "means, weighted as in the records,"}


def scores_table(comparison: Comparison) -> Table:
    """Text, speech and gap of every model at every place."""
    even = all(is_even(place.weights) for place in comparison.places)
    table = Table(
        "Scores in points with 95 % intervals; gap = text - speech",
        ["model", "n", *QUANTITIES],
        note=f"Overall and groups are {_MEANS[even]} of their tasks." if len(comparison.places) > 1 else "",
    )

    def row(model: str, scores: Mapping[str, Estimate]) -> list[str]:
        cells = [table.cell(of_score(scores[side])) for side in SIDES]
        return [model, str(max(e.n for e in scores.values())), *cells, table.cell(of_difference(scores["gap"]))]

    return _filled(table, (Section(_heading(place), [row(*of) for of in place.scores.items()]) for place in comparison.places))


def differences_table(comparison: Comparison) -> Table:
    """Every model minus the reference, at every place."""
    tested = sum(len(of) for place in comparison.places for of in place.differences.values())
    others = [model.name for model in comparison.models[1:]]
    table = Table(
        f"Differences in points: {others[0] if len(others) == 1 else 'each model'} - {comparison.reference}",
        ["place" if len(others) == 1 else "model", "n", *(header for q in QUANTITIES for header in (q, "p", "p,\nHolm"))],
        note=_paired(tested),
        page_only=frozenset({"p"}),
    )

    def row(model: str, of: Mapping[str, Paired]) -> list[str]:
        cells = [cell for q in QUANTITIES for cell in _tested(table, of[q], q)]
        return [model, str(max(paired.difference.n for paired in of.values())), *cells]

    return _filled(table, (Section(_heading(place), [row(*of) for of in place.differences.items()]) for place in comparison.places))


def conditions_table(comparison: Comparison) -> Table:
    """The other conditions that all models ran, over all tasks."""
    place = comparison.others
    table = Table(
        "Other conditions, over all tasks: scores, and differences from the reference, in points",
        ["model", "score", "difference", "p", "p,\nHolm"],
        first=52,
    )
    if place is None:
        return table
    conditions = list(place.scores[comparison.reference])
    table.note = _paired(len(conditions) * len(place.differences))

    def row(model: str, condition: str) -> list[str]:
        score = table.cell(of_score(place.scores[model][condition]))
        if model == comparison.reference:
            return [model, score, "", "", ""]
        paired = place.differences[model][condition]
        return [model, score, *_tested(table, paired, condition)]

    return _filled(table, (Section(condition, [row(model, condition) for model in place.scores]) for condition in conditions))


def agreement_table(comparison: Comparison) -> Table:
    """Whether each model gives the answers that the reference gives."""
    table = Table(
        f"Agreement with the answers of {comparison.reference} beyond chance, over all tasks",
        ["model", *(f"{metric}, {side}" for metric in comparison.agreement for side in SIDES)],
        note="Two models can score the same and be right on other items; 1: always the same answer, 0: as often as by chance.",
    )
    for model in comparison.models[1:]:
        table.rows.append([model.name, *(table.cell(of[model.name][side]) for of in comparison.agreement.values() for side in SIDES)])
    return table


def metrics_table(comparison: Comparison) -> Table:
    """Every representation metric of every model, over all tasks."""
    table = Table(
        "Representation over all tasks, mean over layers 1..L: value, and its distance above each null, with 95 % intervals",
        ["model", *(form or "value" for form in FORMS.values())],
        note="States of different models lie in different spaces: compare what is above a null rather than the value itself.",
    )
    found = {(of.metric, of.quantity): of for of in comparison.against}
    sections = (
        Section(
            f"{metric} ({found[metric, 'value'].unit})",
            [
                [model.name, *(table.cell(found[metric, form].values[model.name], form != "value") for form in FORMS)]
                for model in comparison.models
            ],
        )
        for metric in dict.fromkeys(of.metric for of in comparison.against)
    )
    return _filled(table, sections)


def correlations_table(comparison: Comparison) -> Table:
    """The gap against each metric over models; empty where they are too few."""
    table = Table(
        "The gap against each metric, over models",
        ["metric", "Pearson r", "Spearman rho", "n models"],
        note=warning(comparison.against),
        first=50,
    )
    if not table.note and all(of.pearson.why for of in comparison.against):
        return table
    for of in comparison.against:
        table.rows.append([of.label, table.cell(of.pearson, True), table.cell(of.spearman, True, interval=False), str(of.pearson.n)])
    return table


def models_table(comparison: Comparison) -> Table:
    """Which models these are, and where their numbers come from."""
    table = Table("Models", ["model", "run folder", "kind", "parameters", "dtype", "revision", "started", "lsgap-bench"], words=True)
    table.rows = [_facts(model) for model in comparison.models]
    return table


def prompts_table(comparison: Comparison) -> Table:
    """What stands around the words in each model's prompts."""
    table = Table(
        "Prompts: what stands around the item's words, with {words} or the clip's placeholder in their place", ["model", *SIDES], words=True
    )
    table.rows = [[model.name, *(_frames(model, side) for side in SIDES)] for model in comparison.models]
    return table


def _filled(table: Table, sections: Iterable[Section]) -> Table:
    """The sections as rows; where each has one row only, its heading takes the place of the row's name."""
    made = list(sections)
    for heading, rows in made:
        if all(len(section.rows) == 1 for section in made):
            table.rows.append([heading, *rows[0][1:]])
        else:
            table.rows += [[heading, *[""] * (len(table.headers) - 1)], *([INDENT + row[0], *row[1:]] for row in rows)]
    return table


def _heading(place: Place) -> str:
    return place.name if len(place.tasks) == 1 else f"{place.name} ({len(place.tasks)} tasks)"


def _tested(table: Table, paired: Paired, quantity: str) -> list[str]:
    """Difference, p, p after Holm. A gap's difference may pass 100 points; another one's interval is cut there."""
    shown = paired.difference if quantity == "gap" else of_difference(paired.difference)
    return [table.cell(shown, signed=True), p_value(paired.p_value.value), p_value(paired.p_holm)]


def _paired(tested: int) -> str:
    """How the differences of a table were made."""
    return f"Paired item by item; intervals over clusters of items. p, Holm: adjusted over all differences of the table ({tested})."


def _facts(model: Model) -> list[str]:
    system, made = model.record.system, model.record.provenance
    told: list[Any] = [system.get("kind"), parameters(system.get("parameters")), system.get("dtype"), system.get("revision")]
    return [
        model.name,
        model.source.resolve().name,
        *(str(fact or ABSENT) for fact in (*told, made.get("started"), made.get("lsgap_bench"))),
    ]


def _frames(model: Model, side: str) -> str:
    shown = [f"`{frame}`".replace("\n", r"\n") for frame in model.frames[side]]
    return listed(shown) or ABSENT
