"""Stored samples under another rule: the same pairs come back, verdicts and what is read off them are made anew, nothing else changes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import demo_run
import pytest

from lsgap_bench.kept_items import items_again
from lsgap_bench.records import ITEMS, RECORD, Rows, read_lines, read_record, read_rows, to_plain
from lsgap_bench.rejudging import rejudged, rejudged_rows, stored_pairs
from lsgap_bench.run_rows import sample_rows
from lsgap_bench.schema import Clip, Item, Observation, Pair, Verdict


@pytest.fixture(scope="module")
def rows() -> Rows:
    folder = demo_run.evaluation().folder
    assert folder is not None
    return read_rows(folder, read_record(folder / RECORD).tasks)


@pytest.fixture(scope="module")
def pairs(rows: Rows) -> list[Pair]:
    folder = demo_run.evaluation().folder
    return stored_pairs(rows, items_again(read_lines(Path(str(folder)) / ITEMS), rows.samples))


def test_the_pairs_of_a_run_come_back_from_its_folder(pairs: list[Pair]) -> None:
    first = [pair for of_task in demo_run.evaluation().pairs.values() for pair in of_task]
    assert [pair.item.id for pair in pairs] == [pair.item.id for pair in first]
    for again, pair in zip(pairs, first, strict=True):
        assert list(again.observations) == list(pair.observations)
        for name, seen in pair.observations.items():
            kept = again.observations[name]
            assert replace(kept, option_tokens=seen.option_tokens, curves={}) == replace(seen, curves={})
            assert json.dumps(to_plain(kept.curves)) == json.dumps(to_plain(seen.curves))
        assert {name: v.score for name, v in again.verdicts.items()} == {name: v.score for name, v in pair.verdicts.items()}


def test_judged_by_the_same_rules_the_samples_are_the_same_to_the_last_bit(rows: Rows, pairs: list[Pair]) -> None:
    rules = demo_run.evaluation().record.provenance["scorers"]
    again = {pair.item.id: rejudged(pair, rules[pair.item.task]) for pair in pairs}
    made = rejudged_rows(rows.samples, again)
    assert [json.dumps(to_plain(row)) for row in made] == [json.dumps(row) for row in rows.samples]


def observed(condition: str, answer: str, absent: str | None = None, logprobs: tuple[float, ...] = ()) -> Observation:
    return Observation("t/0", condition, answer, "prompt", 3, "0" * 16, option_logprobs=logprobs, absent=absent)


def sampled(verdict: Verdict, **answers: Any) -> list[dict[str, Any]]:
    """The samples of one item as they lie on disk. answers: condition -> observation."""
    item = Item("t/0", "t", "which", Clip("c", 1, 1, bytes), "yes", "t/q", "t", ("yes", "no"), chance=0.5)
    pair = Pair(item, answers, {name: verdict for name, seen in answers.items() if seen.absent is None})
    plain: list[dict[str, Any]] = json.loads(json.dumps(to_plain(sample_rows([pair], ["modality_gap", "option_margin"]))))
    return plain


WRONG = Verdict("no", 0.0, False, True)
TEXT, SPEECH = observed("text", "yes", logprobs=(-1.0, -2.0)), observed("speech", "no", logprobs=(-2.0, -0.5))


def by_condition(samples: list[dict[str, Any]], names: list[str] | None = None) -> dict[str, dict[str, Any]]:
    rows = Rows(samples, [], [])
    again = {pair.item.id: rejudged(pair, "exact") for pair in stored_pairs(rows, items_again([], samples))}
    return {row["condition"]: row for row in rejudged_rows(samples, again, names)}


def test_another_rule_changes_the_verdict_and_the_answer_metrics_that_read_it() -> None:
    samples = sampled(WRONG, text=TEXT, speech=SPEECH)
    assert samples[1]["measures"] == {"modality_gap": 0.0, "option_margin": -1.5}
    made = by_condition(samples)
    assert {name: (row["score"], row["correct"], row["prediction"]) for name, row in made.items()} == {
        "text": (1.0, True, "yes"),
        "speech": (0.0, False, "no"),
    }
    assert made["speech"]["measures"] == {"modality_gap": 1.0, "option_margin": -1.5}
    assert made["text"]["measures"] is None
    same = {"prompt", "answer", "option_logprobs", "target", "logits_sha256", "clip", "item"}
    assert all(made[row["condition"]][key] == row[key] for row in samples for key in same)


def test_an_answer_that_was_absent_stays_absent() -> None:
    patched = "speech+angle_projection:all@0=wrong_transcript"
    samples = sampled(WRONG, text=TEXT, speech=SPEECH, **{patched: observed(patched, "", absent="no partner")})
    row = by_condition(samples)[patched]
    assert row == samples[2]
    assert (row["score"], row["why"]) == (None, "no partner")


def test_items_of_other_tasks_are_as_they_were() -> None:
    samples = sampled(WRONG, text=TEXT, speech=SPEECH)
    assert rejudged_rows(samples, {}) == samples


def test_answer_metrics_can_be_named_and_samples_of_a_version_without_any_get_none() -> None:
    samples = sampled(WRONG, text=TEXT, speech=SPEECH)
    assert by_condition(samples, ["modality_gap"])["speech"]["measures"] == {"modality_gap": 1.0}
    older = [{key: value for key, value in row.items() if key != "measures"} for row in samples]
    assert "measures" not in by_condition(older)["speech"]
    assert by_condition(older, ["modality_gap"])["speech"]["measures"] == {"modality_gap": 1.0}


def test_base_and_cascade_are_judged_beside_the_conditions_of_their_names() -> None:
    samples = sampled(WRONG, text=TEXT, speech=SPEECH, base=observed("base", "yes"), cascade=observed("cascade", "no"))
    assert [(row["system"], row["condition"]) for row in samples[2:]] == [("base", "text"), ("cascade", "speech")]
    again = {pair.item.id: rejudged(pair, "exact") for pair in stored_pairs(Rows(samples, [], []), items_again([], samples))}
    made = rejudged_rows(samples, again)
    assert [(row["system"], row["score"]) for row in made] == [("lslm", 1.0), ("lslm", 0.0), ("base", 1.0), ("cascade", 0.0)]
    assert not math.isnan(again["t/0"].score("cascade"))
