"""A scorer's figure of all items together: its value by hand arithmetic, from the run's rows and from what lies on disk."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import PROVENANCE, made_pair
from made_comparison import rewrite

from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.leaderboard_page import page
from lsgap_bench.report import run_tables
from lsgap_bench.rescoring import rescore
from lsgap_bench.run_rows import sample_rows
from lsgap_bench.schema import OtherScores, Pair, Record, Verdict
from lsgap_bench.scorers_table import scorers_table
from lsgap_bench.task_tables import TaskTable, task_table

NAME = "voicebench_ifeval, corpus"


def followed(strict: Sequence[bool], loose: Sequence[bool]) -> dict[str, Any]:
    return {way: {"prompt": all(of), "instruction": list(of)} for way, of in (("strict", strict), ("loose", loose))}


YES, NO = True, False
# item 0 has one instruction, item 1 three
TEXT = (followed([YES], [YES]), followed([YES, NO, NO], [YES, YES, NO]))  # rates 1/2, 2/4, 1/2, 3/4
SPEECH = (followed([NO], [YES]), followed([NO, NO, NO], [YES, NO, NO]))  # rates 0, 0, 1/2, 2/4
SCORES = {"text": (1.0, 0.25), "speech": (0.5, 1 / 12)}


def pairs_of(told: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Pair]:
    def verdict(side: str, k: int) -> Verdict:
        return Verdict(None, (*SCORES[side], 0.0)[k], None, extracted=True, details=told[side][k] if side in told else {})

    items = len(next(iter(told.values()), TEXT))
    pairs = [made_pair("t", k, dict.fromkeys(SCORES, 0.0)) for k in range(items)]
    return [replace(pair, verdicts={side: verdict(side, k) for side in SCORES}) for k, pair in enumerate(pairs)]


def table_of(told: Mapping[str, Sequence[Mapping[str, Any]]], scorer: str | None = "voicebench_ifeval") -> TaskTable:
    return task_table("t", "1.0", sample_rows(pairs_of(told)), [], scorer=scorer)


def corpus(table: TaskTable) -> OtherScores:
    return task_result(table).other_scorers[NAME]


def test_the_figure_pools_instructions_over_items_and_is_not_the_mean_of_their_scores() -> None:
    result = task_result(table_of({"text": TEXT, "speech": SPEECH}))
    found = result.other_scorers[NAME]
    assert (found.scores["text"].value, found.scores["speech"].value, found.gap.value) == (56.25, 25.0, 31.25)
    assert (result.scores["text"].value, found.gap.n, dict(found.fail_rate)) == (62.5, 2, {"text": 0.0, "speech": 0.0})


def test_its_interval_leaves_each_cluster_out() -> None:
    nothing = followed([NO], [NO])
    text = corpus(table_of(dict.fromkeys(SCORES, (*TEXT, nothing)))).scores["text"]
    # rates 1/3, 2/5, 1/3, 3/5; without item 0: 0, 1/4, 0, 2/4, without item 1: 1/2 each, without item 2: as above
    without = (18.75, 50.0, 56.25)
    middle = sum(without) / 3
    error = math.sqrt(2 / 3 * sum((value - middle) ** 2 for value in without))
    assert text.value == pytest.approx(100 * (1 / 3 + 2 / 5 + 1 / 3 + 3 / 5) / 4)
    assert (text.low, text.high) == pytest.approx((text.value - 4.302653 * error, text.value + 4.302653 * error), rel=1e-6)  # t(2)
    assert text.method == "t interval, jackknife over 3 clusters, df 2"


def test_items_of_one_cluster_are_left_out_together() -> None:
    nothing = followed([NO], [NO])
    table = table_of(dict.fromkeys(SCORES, (*TEXT, nothing)))
    text = corpus(replace(table, clusters=["a", "a", "b"])).scores["text"]
    error = math.sqrt(1 / 2 * 2 * (56.25 / 2) ** 2)  # 0 without items 0 and 1, 56.25 without item 2
    assert (text.low, text.high) == pytest.approx((text.value - 12.706205 * error, text.value + 12.706205 * error), rel=1e-6)  # t(1)
    assert text.method == "t interval, jackknife over 2 clusters, df 1"


def test_an_item_without_a_spoken_answer_is_in_the_written_figure_alone() -> None:
    table = table_of({"text": TEXT, "speech": SPEECH})
    table.scores["speech"][1] = math.nan
    found = corpus(table)
    assert (found.scores["text"].value, found.scores["speech"].value, found.gap.value, found.gap.n) == (56.25, 50.0, 50.0, 1)
    assert found.gap.why == "one cluster only, so there is no interval"


@pytest.mark.parametrize("told", [{}, {"text": TEXT}])
def test_samples_without_the_details_have_no_figure_and_say_how_to_get_it(told: Any) -> None:
    gap = corpus(table_of(told)).gap
    assert math.isnan(gap.value)
    assert gap.why == "the samples do not keep the details of its verdicts; judge again: lsgap rescore RUN --scorer voicebench_ifeval"


@pytest.mark.parametrize("scorer", [None, "exact", "no_such_scorer"])
def test_a_scorer_that_declares_none_has_none(scorer: str | None) -> None:
    assert task_result(table_of({"text": TEXT, "speech": SPEECH}, scorer)).other_scorers == {}


def test_a_further_scorer_that_declares_one_has_it_too() -> None:
    told = pairs_of({"text": TEXT, "speech": SPEECH})
    pairs = [replace(own, others={"voicebench_ifeval": pair.verdicts}) for own, pair in zip(pairs_of({}), told, strict=True)]
    result = task_result(task_table("t", "1.0", sample_rows(pairs), [], scorer="exact"))
    assert list(result.other_scorers) == ["voicebench_ifeval", NAME]
    assert result.other_scorers[NAME].gap.value == 31.25


def record_of(table: TaskTable) -> Record:
    system = {"name": "model", "parameters": None, "dtype": None}
    made = {**PROVENANCE, "scorers": {"t": "voicebench_ifeval"}}
    return Record(system=system, tasks={"t": task_result(table)}, groups={}, overall=group_result([table]), checks={}, provenance=made)


def test_terminal_and_page_show_it_below_the_tasks_own_score() -> None:
    record = record_of(table_of({"text": TEXT, "speech": SPEECH}))
    own, pooled = scorers_table(record).splitlines()[4:6]
    assert own.split()[:4] == ["t", "voicebench_ifeval", "62.5", "29.2"]
    assert pooled.split()[:4] == ["voicebench_ifeval,", "corpus", "56.2", "25.0"]
    assert NAME in run_tables(record)
    html = page([record])
    row = html[html.index(f'<td class="word">{NAME}</td>') :].partition("</tr>")[0]
    assert [shown in row for shown in (">56.2 [", ">25.0 [", ">31.2 [", "<td>0.0</td><td>0.0</td>")] == [True] * 4


def test_a_record_without_other_scorers_has_no_such_table_on_the_page() -> None:
    assert "under other scorers" not in page([record_of(table_of({}, "exact"))])


def test_a_run_that_is_derived_anew_has_it_from_its_samples_alone(
    tmp_path: Path, make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsgap_bench.plots.save_plots", lambda *given: [])
    monkeypatch.setattr("lsgap_bench.run_plots.save_run_plots", lambda *given: [])
    run = make_run(tmp_path / "run", {"t": SCORES}, provenance={**PROVENANCE, "scorers": {"t": "voicebench_ifeval"}})
    told = {"text": TEXT, "speech": SPEECH}
    rewrite(run, lambda row: {**row, "details": told[row["condition"]][int(row["item"][-1])]} if row["condition"] in told else row)
    assert rescore(run).record.tasks["t"].other_scorers[NAME].gap.value == 31.25
