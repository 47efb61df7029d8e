"""Word error rates by hand arithmetic, and the gap split by item: identities, reasons for what is absent, old records."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import demo_run
import numpy as np
import pytest

from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.recognition import recognition_of, word_error_rate
from lsgap_bench.records import record_from_plain, to_plain
from lsgap_bench.report import recognition_tables, run_tables, voices_table
from lsgap_bench.run_rows import sample_rows
from lsgap_bench.schema import NOT_MADE, NOT_RUN, Estimate, Observation, Pair, Recognition, Verdict
from lsgap_bench.stats import mean_estimate
from lsgap_bench.task_tables import TaskTable, task_table

NAN = math.nan
TEXT, SPEECH = [1, 1, 1, 0], [1, 0, 0, 0]
BASE, CASCADE = [1, 1, 1, 1], [1, 1, 0, 1]
ERRORS, WORDS = [0, 0, 3, 1], [4, 2, 6, 8]


def column(values: Sequence[float]) -> Any:
    return np.array(values, dtype=np.float64)


def made(
    scores: dict[str, Sequence[float]] | None = None,
    systems: dict[str, Sequence[float]] | None = None,
    errors: Sequence[float] | None = ERRORS,
    words: Sequence[float] = WORDS,
    voices: Sequence[str | None] = ("a", "b", "a", "b"),
    task: str = "t",
) -> TaskTable:
    """A task of items that stand alone."""
    scores = {"text": TEXT, "speech": SPEECH} if scores is None else scores
    systems = {"base": BASE, "cascade": CASCADE} if systems is None else systems
    n = len(next(iter({**scores, **systems}.values()), ()))
    return TaskTable(
        task=task,
        version="1.0",
        items=[f"{task}/{k}" for k in range(n)],
        clusters=[f"{task} {k}" for k in range(n)],
        chance=np.full(n, 0.5),
        scores={name: column(of) for name, of in scores.items()},
        extracted={},
        replaced={},
        systems={name: column(of) for name, of in systems.items()},
        voices=voices,
        transcripts={} if errors is None else {"word_errors": column(errors), "reference_words": column(words)},
    )


def rate(errors: Sequence[float], words: Sequence[float], clusters: Sequence[str] | None = None) -> Estimate:
    return word_error_rate([(column(errors), column(words), clusters or [str(k) for k in range(len(errors))])])


# -------------------------------------------------------------------------------------------------- word error rate


def test_one_wrong_word_of_four_is_a_quarter() -> None:
    found = rate([1], [4])
    assert (found.value, found.n, found.unit) == (0.25, 1, "WER")
    assert found.why == "one cluster only, so there is no interval"


def test_the_rate_of_a_task_is_all_errors_over_all_words_and_not_the_mean_of_the_items_rates() -> None:
    assert rate([1, 0], [2, 8]).value == pytest.approx(1 / 10)  # the mean of 1/2 and 0/8 is 1/4
    assert rate(ERRORS, WORDS).value == pytest.approx(4 / 20)


def test_of_several_tasks_it_is_the_unweighted_mean() -> None:
    tables = [made(), made(errors=[1, 1, 1, 1], words=[2, 2, 2, 2], task="u")]
    found = recognition_of(tables).wer
    assert found.value == pytest.approx((4 / 20 + 4 / 8) / 2)
    assert found.n == 8


def test_among_items_of_one_length_it_is_a_mean_with_a_means_interval() -> None:
    rng = np.random.default_rng(0)
    for items in (12, 80):  # a t interval, and a bootstrap
        errors = rng.integers(0, 4, items)
        names = [f"q{k // 2}" for k in range(items)] if items == 12 else None
        found, expected = rate(errors, [5] * items, names), mean_estimate(errors / 5, names, "WER", 1.0)
        assert [found.value, found.low, found.high] == pytest.approx([expected.value, expected.low, expected.high])
        assert found.method == f"all errors over all words, {expected.method}"


def test_the_interval_of_few_clusters_is_that_of_the_linearised_ratio() -> None:
    found = rate(ERRORS, WORDS)
    residuals = column(ERRORS) - 0.2 * column(WORDS)  # -.8, -.4, 1.8, -.6: their sum is 0
    half = 3.182446 * math.sqrt(4 / 3 * float(residuals @ residuals)) / 20  # Student's quantile of 3 degrees of freedom
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-6)


def test_errors_and_words_of_a_resample_are_of_the_same_clusters() -> None:
    rng = np.random.default_rng(1)
    words = rng.integers(1, 30, 60)
    found = rate(words / 2, words)  # half of the words are wrong in every cluster, however many they are
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert "percentile bootstrap over 60 clusters" in found.method


def test_every_voice_has_its_own_rate_and_a_group_those_that_all_its_tasks_share() -> None:
    single = recognition_of([made()]).wer_by_voice
    assert {voice: of.value for voice, of in single.items()} == {"a": pytest.approx(3 / 10), "b": pytest.approx(1 / 10)}
    assert [of.n for of in single.values()] == [2, 2]
    both = recognition_of([made(), made(errors=[1, 1, 1, 1], voices=["b", "c", None, "b"], task="u")]).wer_by_voice
    assert {voice: of.value for voice, of in both.items()} == {"b": pytest.approx((1 / 10 + 2 / 12) / 2)}


def test_an_item_without_a_transcript_is_in_no_rate() -> None:
    found = recognition_of([made(errors=[0, NAN, 3, 1], words=[4, NAN, 6, 8])]).wer
    assert (found.value, found.n) == (pytest.approx(4 / 18), 3)
    none = recognition_of([made(errors=[NAN] * 4, words=[NAN] * 4)]).wer
    assert none.why == "no item has words to compare"


# -------------------------------------------------------------------------------------------------- the gap split


def test_loss_and_rest_are_paired_by_item_and_add_up_to_the_gap() -> None:
    result = task_result(made())
    of = result.recognition
    assert (result.gap.value, of.loss.value, of.rest.value) == (50, 25, 25)
    assert of.loss.low < 25 < of.loss.high  # one item of four
    # by item: gap 0 1 1 0, loss 0 0 1 0, so rest 0 1 0 0
    expected = mean_estimate([0, 1, 0, 0])
    assert (of.rest.low, of.rest.high, of.rest.n, of.rest.unit) == (expected.low, expected.high, 4, "points")


def test_a_groups_split_is_the_unweighted_mean_of_its_tasks_and_adds_up_too() -> None:
    small = made({"text": [1, 1], "speech": [0, 0]}, {"base": [1, 1], "cascade": [0, 1]}, [1, 0], [2, 2], ["a", "b"], "small")
    group = group_result([made(), small])
    of = group.recognition
    assert of.loss.value == pytest.approx((25 + 50) / 2)
    assert of.rest.value == pytest.approx((25 + 50) / 2)
    assert of.loss.value + of.rest.value == pytest.approx(group.gap.value)
    assert of.gap_heard.value == pytest.approx((50 + 100) / 2)
    assert of.gap_heard.n == 3


def test_where_the_cascade_answers_as_the_base_does_recognition_costs_nothing_and_the_rest_is_the_gap() -> None:
    result = task_result(made(systems={"base": BASE, "cascade": BASE}))
    of = result.recognition
    assert (of.loss.value, of.loss.low, of.loss.high) == (0, 0, 0)
    assert (of.rest.value, of.rest.low, of.rest.high) == (result.gap.value, result.gap.low, result.gap.high)


def test_heard_are_the_items_without_a_word_error() -> None:
    of = recognition_of([made()])
    assert (of.gap_heard.value, of.gap_heard.n) == (50, 2)  # items 0 and 1: gaps 0 and 1
    assert (of.loss_heard.value, of.loss_heard.n) == (0, 2)
    none = recognition_of([made(errors=[1, 1, 1, 1])])
    assert none.gap_heard.why == none.loss_heard.why == "no item has a transcript without an error"
    one_of_two = recognition_of([made(), made(errors=[1, 1, 1, 1], task="u")])
    assert one_of_two.gap_heard.why == "a task has no item with a transcript without an error"


def test_an_item_that_a_system_left_out_is_in_no_difference() -> None:
    of = recognition_of([made(systems={"base": [1, 1, 1, NAN], "cascade": [1, 1, 0, NAN]})])
    assert (of.loss.value, of.loss.n) == (pytest.approx(100 / 3), 3)
    assert of.rest.n == 3


def test_what_was_not_run_says_so() -> None:
    cascade = recognition_of([made(systems={"cascade": CASCADE})])
    assert cascade.loss.why == cascade.rest.why == cascade.loss_heard.why == "base was not run"
    assert cascade.wer.value == pytest.approx(0.2)
    assert cascade.gap_heard.n == 2
    written = recognition_of([made({"text": TEXT})])
    assert written.rest.why == written.gap_heard.why == "speech was not run"
    assert written.loss.value == 25
    without = recognition_of([made(systems={"base": BASE})])
    assert {of.why for of in (without.wer, without.loss, without.rest, without.gap_heard, without.loss_heard)} == {NOT_RUN.why}
    assert without.wer_by_voice == recognition_of([]).wer_by_voice == {}


def test_a_task_without_items_leaves_the_groups_absent_with_the_reason() -> None:
    of = group_result([made(), made({}, {}, [], [], [], "empty")]).recognition
    assert of.wer.why == "a task has no item with words to compare"
    assert of.loss.why == of.rest.why == "a task has no item with a value"


def test_samples_of_an_older_run_have_scores_but_no_counts() -> None:
    of = recognition_of([made(errors=None)])
    assert of.wer.why == of.gap_heard.why == NOT_MADE.why
    assert of.wer_by_voice == {}
    assert (of.loss.value, of.rest.value) == (25, 25)


# -------------------------------------------------------------------------------------------------- samples, records, tables


def heard(number: int, transcript: str, voice: str) -> Pair:
    """An item of the first task that base and cascade got right."""
    item = dataclasses.replace(demo_run.items(4, demo_run.TASKS[:1])[number], text="the cat sat down", fields={"voice": voice})
    seen = {
        name: Observation(item.id, name, "a", "p", 3, "0", transcript=transcript if name == "cascade" else None)
        for name in ("base", "cascade")
    }
    return Pair(item, seen, {name: Verdict("a", 1.0, True, True) for name in seen})


def test_a_sample_says_who_speaks_what_was_heard_and_how_much_of_it_is_wrong() -> None:
    pairs = [heard(0, "The cat sat down.", "x"), heard(1, "the bat sat", "y")]
    rows = sample_rows(pairs)
    by_system = {(row["item"], row["system"]): row for row in rows}
    second = by_system[pairs[1].item.id, "cascade"]
    assert [second[key] for key in ("voice", "transcript", "word_errors", "reference_words")] == ["y", "the bat sat", 2, 4]
    base = by_system[pairs[1].item.id, "base"]
    assert [base[key] for key in ("voice", "transcript", "word_errors", "reference_words")] == ["y", None, None, None]
    of = recognition_of([task_table(pairs[0].item.task, "1", rows, [])])
    assert of.wer.value == pytest.approx(2 / 8)
    assert {voice: rate.value for voice, rate in of.wer_by_voice.items()} == {"x": 0, "y": 0.5}
    older = [{k: v for k, v in row.items() if k not in ("voice", "word_errors", "reference_words")} for row in rows]
    assert recognition_of([task_table(pairs[0].item.task, "1", older, [])]).wer.why == NOT_MADE.why


@pytest.fixture
def record(make_record: Any) -> Any:
    """Of one task, `t`, as `made` makes it."""
    result, group = task_result(made()), group_result([made()])
    return make_record({"t": {"text": TEXT, "speech": SPEECH}}, tasks={"t": result}, groups={}, overall=group)


def test_a_record_keeps_it_and_one_from_before_it_is_still_read(record: Any) -> None:
    plain = to_plain(record)
    assert set(plain["tasks"]["t"]["recognition"]) == {"wer", "wer_by_voice", "loss", "rest", "gap_heard", "loss_heard"}
    assert to_plain(record_from_plain(plain)) == plain
    for part in (plain["tasks"]["t"], plain["overall"]):
        del part["recognition"]
    older = record_from_plain(plain)
    assert older.overall.recognition == older.tasks["t"].recognition == Recognition()
    assert "WER" not in run_tables(older)


def test_the_terminal_shows_what_was_wrong_and_what_it_explains_and_the_worst_voices_first(record: Any) -> None:
    split, voices = recognition_tables(record)
    row = next(line for line in split.splitlines() if line.startswith("t ")).split()
    assert [row[k] for k in (1, 4, 7, 10, 11)] == ["0.200", "25.0", "25.0", "2", "50.0"]
    assert [line.split()[:3] for line in voices.splitlines()[3:5]] == [["a", "2", "0.300"], ["b", "2", "0.100"]]


def test_of_many_voices_the_worst_are_shown_and_the_others_counted(record: Any) -> None:
    many = {f"v{k}": Estimate(k / 100, n=1, unit="WER") for k in range(14)}
    shown = voices_table(dataclasses.replace(record.overall, recognition=Recognition(wer_by_voice=many))).splitlines()
    assert shown[0].endswith("; 4 more are in the record")
    assert [line.split()[0] for line in shown[3:]] == [f"v{k}" for k in range(13, 3, -1)]


def test_without_a_cascade_there_is_no_table_of_it(make_record: Any) -> None:
    assert "Recognition" not in run_tables(make_record({"t": {"text": TEXT, "speech": SPEECH}}))
