"""The metric `cohen_kappa`."""

from __future__ import annotations

from collections.abc import Sequence

from lsgap_bench.agreement import Answers, group_kappa
from lsgap_bench.bootstrap import Clusters
from lsgap_bench.registry import metric
from lsgap_bench.schema import Estimate


@metric(
    "cohen_kappa",
    needs="systems",
    unit="kappa",
    higher_is_better=None,
    source="Cohen 1960; between a speech model and its cascade, arXiv 2602.17598",
    formula="(po - pe) / (1 - pe), po = share of equal answers, pe = share expected of independent ones",
    bounds="-1..1",
    null="built in: 0 is what two independent systems with these habits would share",
    pitfalls=(
        "Answers are compared by the option's place where there are options, else by what the scorer read; where every question has "
        "another answer, pe is near 0 and kappa is plain agreement. Agreement in wrong answers counts as well."
    ),
)
def cohen_kappa(parts: Sequence[tuple[Answers, Answers, Clusters, float]]) -> Estimate:
    """Agreement of two systems' answers beyond chance, mean over tasks.

    parts: per task the two systems' answers (items,), the clusters, and what the task weighs.
    """
    return group_kappa([part[:3] for part in parts], weights=[part[3] for part in parts])
