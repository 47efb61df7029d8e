"""Further scorers of a task: they judge the same answers, and stand beside its own score from the YAML to the table."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from conftest import PROVENANCE, made_pair
from made_tasks import spoken_rows, write_task

from lsgap_bench.errors import UsageError
from lsgap_bench.estimates import OF_EACH_TASK, group_result, task_result
from lsgap_bench.harness import load_tasks
from lsgap_bench.lm_face import Observed
from lsgap_bench.records import Rows, record_from_plain, to_plain
from lsgap_bench.rejudging import rejudged, stored_pairs
from lsgap_bench.run_rows import sample_rows
from lsgap_bench.schema import Observation, Pair, Record, Verdict
from lsgap_bench.scorers_table import scorers_table
from lsgap_bench.task_tables import TaskTable, task_table

OWN = {"text": [1, 1, 0, 0], "speech": [1, 0, 0, 0]}
OTHER = {"text": [1, 1, 1, 0.25], "speech": [1, 1, 1, 0]}  # text of the last item is not read and counts its chance
FORMS = ("text", "speech")


def pairs_of(task: str, own: Mapping[str, Sequence[float]], others: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Pair]:
    """Items whose answers have these scores under the task's own rule and under others; a score of 0.25 was not read."""

    def verdict(score: float) -> Verdict:
        return Verdict(None if score == 0.25 else "A", score, score == 1, extracted=score != 0.25)

    pairs = [made_pair(task, k, {form: own[form][k] for form in FORMS}) for k in range(len(own["text"]))]
    judged = [{rule: {form: verdict(of[form][k]) for form in FORMS} for rule, of in others.items()} for k in range(len(pairs))]
    return [dataclasses.replace(pair, others=of) for pair, of in zip(pairs, judged, strict=True)]


def table_of(task: str, others: Mapping[str, Mapping[str, Sequence[float]]], own: Mapping[str, Sequence[float]] = OWN) -> TaskTable:
    return task_table(task, "1.0", sample_rows(pairs_of(task, own, others)), [])


def record_of(*tables: TaskTable) -> Record:
    overall = group_result(tables)
    tasks = {table.task: task_result(table) for table in tables}
    provenance = {**PROVENANCE, "scorers": dict.fromkeys(tasks, "brittle")}
    return Record(system={}, tasks=tasks, groups={}, overall=overall, checks={}, provenance=provenance)


def test_another_scorer_has_its_own_scores_gap_and_fail_rate() -> None:
    result = task_result(table_of("t", {"robust": OTHER}))
    other = result.other_scorers["robust"]
    assert (result.scores["text"].value, result.scores["speech"].value, result.gap.value) == (50.0, 25.0, 25.0)
    assert (other.scores["text"].value, other.scores["speech"].value, other.gap.value) == (81.25, 75.0, 6.25)
    assert dict(other.fail_rate) == {"text": 0.25, "speech": 0.0}


def test_another_scorer_that_agrees_on_every_answer_gives_the_very_same_estimates() -> None:
    result = task_result(table_of("t", {"same": OWN}))
    same = result.other_scorers["same"]
    assert same.scores["text"] == result.scores["text"]
    assert (same.gap.value, same.gap.low, same.gap.high) == (result.gap.value, result.gap.low, result.gap.high)
    assert same.p_value == result.p_value


def test_a_group_takes_each_tasks_first_further_scorer_and_the_own_one_where_there_is_none() -> None:
    tables = [table_of("a", {"robust": OTHER, "lenient": OWN}), table_of("b", {})]
    [(name, other)] = group_result(tables).other_scorers.items()
    assert name == "robust"
    assert other.gap.value == (6.25 + 25.0) / 2


def test_a_group_of_different_further_scorers_says_so_in_the_name() -> None:
    assert list(group_result([table_of("a", {"robust": OTHER}), table_of("b", {"lenient": OWN})]).other_scorers) == [OF_EACH_TASK]


def test_a_group_without_further_scorers_has_none() -> None:
    assert group_result([table_of("a", {}), table_of("b", {})]).other_scorers == {}


def test_other_scores_come_back_from_the_disk_as_they_were() -> None:
    record = record_of(table_of("a", {"robust": OTHER}), table_of("b", {}))
    assert record_from_plain(json.loads(json.dumps(to_plain(record)))) == record


def test_stored_answers_keep_what_the_other_scorers_said_and_recount_what_was_not_read() -> None:
    made = pairs_of("t", OWN, {"robust": OTHER})
    stored = stored_pairs(Rows(sample_rows(made), [], []), {pair.item.id: pair.item for pair in made})
    assert [pair.others for pair in stored] == [pair.others for pair in made]
    assert rejudged(stored[3], None, "wrong").others["robust"]["text"].score == 0.0


def test_a_further_scorer_that_becomes_the_own_one_changes_places_with_it() -> None:
    [pair] = pairs_of("t", {"text": [1], "speech": [0]}, {"exact": {"text": [1], "speech": [1]}, "f1": {"text": [0], "speech": [0]}})
    assert list(rejudged(pair, "exact", before="brittle").others) == ["brittle", "f1"]
    assert rejudged(pair, "exact", before="brittle").others["brittle"] == pair.verdicts
    assert list(rejudged(pair, "exact").others) == ["f1"]
    assert list(rejudged(pair, "contains", before="brittle").others) == ["exact", "f1"]


def test_what_a_group_cannot_read_is_weighed_as_its_scores_are() -> None:
    unread = {"text": [0.25, 0.25, 0.25, 0.25], "speech": [1, 1, 1, 1]}
    tables = [table_of("a", {"robust": unread}, unread), table_of("b", {"robust": OWN})]
    of_scores = {"a": 0.9, "b": 0.1}
    group = group_result(tables, of_scores)
    assert group.other_scorers["robust"].fail_rate["text"] == pytest.approx(0.9)
    made = record_of(*tables)
    first = dataclasses.replace(made.tasks["a"], fail_rate={"text": 1.0, "speech": 0.0})  # the own rule, which read nothing
    record = dataclasses.replace(made, overall=group, tasks={**made.tasks, "a": first})
    lost = [line.split()[-2:] for line in scorers_table(record).splitlines()[-2:]]
    assert lost == [["90.0", "0.0"]] * 2  # its own rule, then the further one


def test_the_table_shows_a_tasks_own_scorer_and_the_others_with_what_they_cannot_read() -> None:
    lines = scorers_table(record_of(table_of("a", {"robust": OTHER}), table_of("b", {}))).splitlines()
    own, other = lines[4:6]
    assert own.split()[:4] == ["a", "brittle", "50.0", "25.0"]
    assert other.split()[:3] == ["robust", "81.2", "75.0"]
    assert other.split()[-2:] == ["25.0", "0.0"]


def test_a_tasks_answers_are_judged_by_every_scorer_that_its_file_names(tmp_path: Path) -> None:
    rows = [row | {"options": ["spider", "tiger"], "answer": "spider"} for row in spoken_rows(1)]
    write_task(tmp_path, rows, other_scorers=["choice"], scorer="exact", doc_to_choice="options")
    task = load_tasks(["made"], [str(tmp_path)]).paired["made"]
    item = task.item(task.test_docs()[0], 0)
    pair = task.pair_of(Observed(item, {"text": Observation(item.id, "text", "I think it is the spider", "", 1, "")}))
    assert pair is not None
    assert pair.verdicts["text"].correct is False  # not the whole answer
    assert pair.others["choice"]["text"].correct is True


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("choice", "other_scorers: 'choice' is no list; write for example other_scorers: [choice]"),
        (["exact"], "other_scorers: 'exact' judges the answers already; name it once"),
        (["choice", "choice"], "other_scorers: 'choice' judges the answers already; name it once"),
        (["choise"], "other_scorers: no scorer is called 'choise'; did you mean 'choice'"),
    ],
)
def test_a_wrong_list_of_other_scorers_is_named_with_the_remedy(tmp_path: Path, value: object, said: str) -> None:
    path = write_task(tmp_path, other_scorers=value)
    with pytest.raises(UsageError) as refused:
        load_tasks(["made"], [str(tmp_path)])
    assert f"{path}: {said}" in str(refused.value)
