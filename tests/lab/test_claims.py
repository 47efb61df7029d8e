"""The paper's claims on made-up sweeps whose answers are set by hand: one agrees with the paper, in one the cosine goes the other way."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from made_series import METRICS, Made, falling, write_series

from lsgap_bench.lab.claims import AGREES, DISAGREES, OPEN, claims_table, verdict
from lsgap_bench.lab.findings import stages_table
from lsgap_bench.schema import Estimate
from lsgap_bench.series import load_series
from lsgap_bench.series_analysis import Analysis, analyse

ANGLE, LENGTH = "speech+angle_projection:bottom3@0", "speech+length_normalization:bottom3@0"
RANDOM, WRONG = "speech+angle_projection:random3@0", f"{ANGLE}=wrong_transcript"
STRATEGIES = {"a": "full", "b": "full", "c": "full", "d": "lora", "e": "lora", "f": "lora"}


def sweep(**changes: object) -> list[Made]:
    return [
        replace(made, tags={"strategy": STRATEGIES[made.run]})
        for made in falling(tuple(STRATEGIES), items=10, layers=3, noise=0.002, **changes)
    ]


def analysed(folder: Path, made: list[Made]) -> Analysis:
    return analyse(load_series(write_series(folder, made)), by="strategy", n_boot=200)


@pytest.fixture(scope="module")
def agreeing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Claim -> row. Gaps fall and cosines rise with the step; the layers rise; angle projection mends three items, its controls fewer."""
    folder = tmp_path_factory.mktemp("agreeing")
    last = [made for made in sweep(gains={ANGLE: 3, LENGTH: 0, RANDOM: 1, WRONG: 2}) if made.step == 4000]
    table = claims_table(analysed(folder / "all", sweep()), analysed(folder / "grid", last))
    return {row[0]: row for row in table.rows}


@pytest.mark.parametrize(
    ("low", "high", "sign", "said"),
    [
        (0.1, 0.3, 1, AGREES),
        (0.1, 0.3, -1, DISAGREES),
        (-0.3, -0.1, -1, AGREES),
        (-0.1, 0.3, 1, OPEN),
        (0.0, 0.3, 1, OPEN),
        (math.nan, math.nan, 1, "no interval"),
    ],
)
def test_a_claim_holds_only_where_the_whole_interval_is_on_its_side(low: float, high: float, sign: int, said: str) -> None:
    assert verdict(Estimate(0.2, low, high, 5, "points", "made"), sign) == said


def test_a_sweep_that_does_what_the_paper_says_agrees_with_every_claim_that_its_runs_can_tell(agreeing: dict[str, list[str]]) -> None:
    told = {claim: row[3] for claim, row in agreeing.items()}
    assert told["(a) the gap shrinks with training, full"] == AGREES
    assert told["(b) pooled cosine rises with training, lora"] == AGREES
    assert told["(b) pooled cosine rises with depth"] == AGREES
    assert told["(b) pooled Euclidean distance rises with depth"] == DISAGREES  # made as a falling distance
    for metric in METRICS:
        assert told[f"(c) the gap goes with {metric}, full"] == AGREES
    assert told["(e) alignment_path_score tells the items lost in speech"] == AGREES  # made lower for the lost ones
    assert told["(c) APS is stronger than pooled cosine, full"] == OPEN  # the same curves but for noise


def test_gains_are_beside_their_controls(agreeing: dict[str, list[str]]) -> None:
    # of 10 items a task three are mended: 30 points; a random selection mends one, the wrong transcript two
    expected = {
        "(f) angle_projection of bottom3 helps": "+30.0 [",
        "(f) angle_projection beyond random3": "+20.0 [",
        "(f) length_normalization beyond random3": "absent (it was not run)",
        "(f) angle_projection beyond wrong_transcript": "+10.0 [",
        "(f) angle_projection helps more than length": "+30.0 [",
    }
    for claim, begins in expected.items():
        assert agreeing[claim][2].startswith(begins), claim
    assert agreeing["(f) length_normalization of bottom3 helps"][3] == OPEN
    assert agreeing["(f) angle_projection of bottom3 helps"][1].startswith("+5.1")


def test_a_similarity_that_falls_as_the_gap_closes_disagrees_however_large_its_r2(tmp_path: Path) -> None:
    turned = [replace(made, level=1.0 - float(made.level)) for made in sweep()]  # type: ignore[arg-type]
    rows = {row[0]: row for row in claims_table(analysed(tmp_path, turned)).rows}
    row = rows["(c) the gap goes with pooled_cosine, lora"]
    assert row[3] == DISAGREES
    assert row[2].startswith("r +0.9")
    assert not [claim for claim in rows if claim.startswith("(f)")]  # no interventions were run


def test_stages_that_go_opposite_ways_are_shown_alone_and_together(tmp_path: Path) -> None:
    """In one stage similarity rises and the gap stays; in the other the gap falls and similarity stays: together nothing is left."""
    matching = [Made("m", s, lost=0.7, level=0.1 * s, tags={"strategy": "matching"}, items=10, noise=0.0, seed=s) for s in (1, 2, 3, 4, 5)]
    alignment = [
        Made("a", s, lost=0.8 - 0.1 * s, level=0.5, tags={"strategy": "full"}, items=10, noise=0.002, seed=s) for s in (1, 2, 3, 4, 5)
    ]
    rows = {(row[0], row[3]): row for row in stages_table(load_series(write_series(tmp_path, [*matching, *alignment]))).rows}
    assert rows["encoder (matching)", "pooled_cosine"][2] == "70.0 to 70.0"
    assert rows["encoder (matching)", "pooled_cosine"][4] == "1.10 to 1.50"
    assert rows["encoder (matching)", "pooled_cosine"][5].startswith("-")  # a gap that does not vary goes with nothing
    assert rows["all, full", "pooled_cosine"][2] == "30.0 to 70.0"
    assert rows["everything together", "pooled_cosine"][1] == "10 (2)"
