"""What conditions change and the gap as a sum, against hand arithmetic; the tables and the picture that show it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_estimates import made

from lsgap_bench.condition_results import condition_results, gap_split
from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.records import record_from_plain, to_plain
from lsgap_bench.report import run_tables
from lsgap_bench.run_plots import save_run_plots
from lsgap_bench.schema import Record
from lsgap_bench.stats import holm, mcnemar
from lsgap_bench.task_tables import TaskTable

NAN = math.nan
SCORES = {
    "text": [1, 1, 1, 1, 1, 0, 1, 1],
    "speech": [1, 0, 0, 1, 0, 0, 0, 0],
    "text=spoken_form": [1, 1, 1, 1, 0, 0, 1, 1],
    "text=transcript": [1, 0, 1, 1, 0, 1, 1, 0],
    "speech=noise0": [0, 0, 1, 0, 0, 0, 0, 0],
    "speech=fast": [1, 0, 0, 1, 1, 0, 1, 0],
    "speech+identity:all@0=random_direction": [1, 0, 0, 1, 0, 0, 0, 0],
    "speech=silence": [0, 0, 0, 0, 0, 0, 0, 0],
}
FULL = made(SCORES)


def without(*names: str, task: str = "t") -> TaskTable:
    return made({name: of for name, of in SCORES.items() if name not in names}, task=task)


def test_a_condition_is_compared_with_the_plain_form_of_its_modality_item_by_item() -> None:
    found = condition_results([FULL])
    assert list(found) == ["text=spoken_form", "text=transcript", "speech=noise0", "speech=fast"]  # no check, no intervention
    read, noisy = found["text=transcript"], found["speech=noise0"]
    assert (read.reference, read.score.value, read.difference.value) == ("text", 62.5, pytest.approx(-25.0))
    assert (read.recovered, read.broken) == (1, 3)  # item 5; items 1, 4 and 7
    assert (noisy.reference, noisy.score.value, noisy.difference.value) == ("speech", 12.5, pytest.approx(-12.5))
    assert (noisy.recovered, noisy.broken) == (1, 2)
    assert noisy.difference.low < noisy.difference.value < noisy.difference.high
    assert read.p_value.value == mcnemar(np.array(SCORES["text=transcript"]), np.array(SCORES["text"])) == pytest.approx(0.625)


def test_p_values_are_adjusted_over_all_conditions() -> None:
    found = condition_results([FULL])
    assert [of.p_holm for of in found.values()] == pytest.approx(holm([of.p_value.value for of in found.values()]).tolist())
    assert found["text=transcript"].p_holm == 1.0


def test_graded_scores_are_neither_recovered_nor_broken() -> None:
    of = condition_results([made({"speech": [0.5, 0.2, 1], "speech=fast": [0.4, 0.2, 1]})])["speech=fast"]
    assert (of.recovered, of.broken) == (None, None)
    assert of.difference.value == pytest.approx(-10 / 3)


def test_variants_of_one_item_are_no_independent_evidence() -> None:
    alone = condition_results([FULL])["speech=fast"].difference
    clustered = condition_results([made(SCORES, clusters=["a", "a", "a", "a", "b", "b", "b", "b"])])["speech=fast"].difference
    assert alone.value == clustered.value
    assert "8 clusters" in alone.method
    assert "2 clusters" in clustered.method


def test_the_parts_add_up_to_the_gap() -> None:
    split = gap_split([FULL])
    assert split is not None
    assert split.gap.value == pytest.approx(62.5)
    assert split.verbalisation.value == pytest.approx(12.5)
    assert split.recognition.value == pytest.approx(12.5)
    assert split.rest.value == pytest.approx(37.5)
    assert split.gap.value == pytest.approx(task_result(FULL).gap.value)
    assert math.isfinite(split.recognition.low)


@pytest.mark.parametrize(
    ("missing", "parts"),
    [
        (("text=spoken_form",), (None, 25.0, 37.5)),
        (("text=transcript",), (12.5, None, 50.0)),
        (("text",), (None, None, None)),
        (("speech",), (None, None, None)),
    ],
)
def test_what_was_not_run_is_absent_and_lies_in_the_next_part(missing: tuple[str, ...], parts: tuple[float | None, ...]) -> None:
    split = gap_split([without(*missing)])
    assert split is not None
    for of, value in zip((split.verbalisation, split.recognition, split.rest), parts, strict=True):
        assert of.why == f"{missing[0]} was not run" if value is None else of.value == pytest.approx(value)


def test_without_a_text_control_the_gap_is_not_split() -> None:
    assert gap_split([without("text=spoken_form", "text=transcript")]) is None
    assert task_result(without("text=spoken_form", "text=transcript")).split is None


def test_items_that_lack_a_text_are_in_no_part_so_that_the_parts_still_add_up() -> None:
    half = made({**SCORES, "text=transcript": [1, 0, NAN, 1, 0, 1, NAN, 0]})
    split = gap_split([half])
    assert split is not None
    parts = [split.verbalisation, split.recognition, split.rest]
    assert {of.n for of in (*parts, split.gap)} == {6}
    assert sum(of.value for of in parts) == pytest.approx(split.gap.value) == pytest.approx(100 * 3 / 6)


def test_over_several_tasks_the_parts_are_unweighted_means_and_add_up() -> None:
    other = made({"text": [1, 1], "text=transcript": [1, 0], "speech": [0, 0], "text=spoken_form": [NAN, NAN]}, task="u")
    recorded = TaskTable(**{**vars(other), "whys": {"text=spoken_form": "the clip is a recording"}})
    split, both = gap_split([FULL, recorded]), condition_results([FULL, recorded])
    assert split is not None
    assert split.verbalisation.why == both["text=spoken_form"].difference.why == "u: the clip is a recording"
    assert split.gap.value == pytest.approx((62.5 + 100) / 2)
    assert split.recognition.value == pytest.approx((25 + 50) / 2)  # from text, for one task has no spoken form
    assert split.recognition.value + split.rest.value == pytest.approx(split.gap.value)
    assert list(both) == ["text=spoken_form", "text=transcript"]  # what every task was run under
    assert both["text=transcript"].difference.value == pytest.approx(-(25 + 50) / 2)
    assert both["text=transcript"].broken == 4


def test_conditions_and_split_come_back_from_json_and_an_older_record_has_none(make_record: Callable[..., Record]) -> None:
    record = make_record({"t": SCORES, "u": SCORES})
    plain = to_plain(record)
    again = record_from_plain(plain)
    assert to_plain(again) == plain
    assert again.overall.conditions == record.overall.conditions
    assert again.tasks["t"].split == record.tasks["t"].split
    for part in (*plain["tasks"].values(), *plain["groups"].values(), plain["overall"]):
        del part["conditions"], part["split"]
    older = record_from_plain(plain)
    assert (older.overall.conditions, older.overall.split) == ({}, None)


def test_the_terminal_shows_conditions_and_split_of_every_task_and_the_picture_is_drawn(
    make_record: Callable[..., Record], tmp_path: Path
) -> None:
    record = make_record({"t": SCORES, "u": SCORES})
    shown = run_tables(record)
    rows = [line.split() for line in shown.splitlines()]
    (fast,) = (row for row in rows if row[:1] == ["speech=fast"])
    assert (fast[1], fast[4], fast[5]) == ("50.0", "speech", "+25.0")
    assert [row[1] for row in rows if row[:1] == ["u"]][-1] == "62.5"
    assert "verbalisation" in shown
    assert max(map(len, shown.splitlines())) < 130
    assert "verbalisation" not in run_tables(make_record({"t": {"text": [1, 0], "speech": [1, 0]}}))
    drawn = replace(record, overall=replace(record.overall, representation={}))
    assert [path.name for path in save_run_plots(drawn, [], tmp_path)] == ["conditions.png", "conditions.svg"]
    assert all(name in (tmp_path / "conditions.svg").read_text() for name in record.overall.conditions)


def test_a_task_without_items_makes_the_means_absent() -> None:
    empty = made({}, task="u")
    group = group_result([FULL, empty])
    assert group.conditions["speech=fast"].difference.why
    assert group.split is not None
    assert group.split.gap.why
