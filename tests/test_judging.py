"""One answer under one rule: what the rule sees, what it must give, and how its name is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.judging import counted, judge, known_of, scorers_sha256, shown_scorers
from lsgap_bench.registry import scorer, scorers
from lsgap_bench.schema import Clip, Item, Verdict
from lsgap_bench.scorers import claim_wordings, normalize, refusal_wordings

ITEM = Item("t/0", "t", "which", Clip("c", 1, 1, bytes), "B", "t/q", "t", chance=0.25, fields={"options": ["x", "y"], "subject": "physics"})


@pytest.fixture
def planted() -> Iterator[Mapping[str, Any]]:
    """A scorer called `planted` that keeps what it was shown and gives `verdict`; gone after the test."""
    kept: dict[str, Any] = {"verdict": Verdict("x", 0.5, None, True)}
    "exact" in scorers  # noqa: B015 - loads the shipped ones, so that they are not counted as planted

    @scorer("planted")
    def rule(response: str, item: Mapping[str, Any]) -> Any:
        kept.update(response=response, item=dict(item))
        return kept["verdict"]

    yield kept
    del scorers._found["planted"]


def test_a_rule_sees_the_answer_the_question_the_documents_columns_target_chance_and_id(planted: dict[str, Any]) -> None:
    assert judge("planted", "y", known_of(ITEM)) == planted["verdict"]
    assert planted["response"] == "y"
    assert planted["item"] == {"options": ["x", "y"], "subject": "physics", "id": "t/0", "text": "which", "target": "B", "chance": 0.25}


def test_a_documents_own_id_is_not_lost() -> None:
    known = known_of(replace(ITEM, fields={"id": "navigate_17"}))
    assert (known["id"], known["document_id"]) == ("t/0", "navigate_17")
    assert "document_id" not in known_of(ITEM)


@pytest.mark.parametrize("given", [None, 1.0, Verdict("x", 1.5, None, True), Verdict("x", float("nan"), None, True)])
def test_a_rule_that_gives_no_score_is_named_with_what_it_gave(planted: dict[str, Any], given: Any) -> None:
    planted["verdict"] = given
    with pytest.raises(UsageError, match=r"t/0: scorer 'planted' gave .*; it must give a Verdict with a score from 0 to 1"):
        judge("planted", "y", known_of(ITEM))


def test_a_rule_that_fails_is_named_with_its_error() -> None:
    @scorer("failing")
    def rule(response: str, item: Mapping[str, Any]) -> Verdict:
        return Verdict(item["rubric"], 1.0, True, True)

    try:
        with pytest.raises(UsageError, match=r"t/0: scorer 'failing' failed \(KeyError: 'rubric'\)"):
            judge("failing", "y", known_of(ITEM))
    finally:
        del scorers._found["failing"]


def test_an_unknown_rule_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match="did you mean 'exact'"):
        judge("exakt", "y", known_of(ITEM))


def test_what_cannot_be_read_counts_its_chance_or_nothing_as_the_choice_says(planted: dict[str, Any]) -> None:
    planted["verdict"] = Verdict(None, 0.25, None, extracted=False)
    assert judge("planted", "y", known_of(ITEM)).score == 0.25
    wrong = judge("planted", "y", known_of(ITEM), "wrong")
    assert wrong == Verdict(None, 0.0, None, extracted=False)
    assert counted(wrong, 0.25, "chance") == planted["verdict"]
    assert counted(wrong, None, "chance").score == 0.0


def test_what_was_read_counts_the_same_under_either_choice(planted: dict[str, Any]) -> None:
    assert judge("planted", "y", known_of(ITEM), "wrong") == planted["verdict"] == counted(planted["verdict"], 0.25, "wrong")


def test_a_record_shows_no_paths() -> None:
    rules = {"a": "exact", "b": "evaluate:rouge[rougeL]", "c": "evaluate:/data/mine/my_metric[f]", "d": "evaluate:/data/m.py"}
    assert shown_scorers(rules) == {"a": "exact", "b": "evaluate:rouge[rougeL]", "c": "evaluate:my_metric[f]", "d": "evaluate:m.py"}


def test_a_record_tells_two_rules_of_one_name_apart(tmp_path: Path) -> None:
    metrics = []
    for value in (0.25, 0.5):
        script = tmp_path / str(value) / "mine" / "mine.py"
        script.parent.mkdir(parents=True)
        script.write_text(SCRIPT.format(value=value), encoding="utf-8")
        metrics.append(f"evaluate:{script.parent}")
    rules = {"a": "exact", "b": "exact", "c": "choice", "d": metrics[0], "e": metrics[1]}
    hashes = scorers_sha256(rules)
    assert hashes["a"] == hashes["b"]
    assert len(set(hashes.values())) == 4
    assert len(set(shown_scorers(rules).values())) == 3


@pytest.mark.parametrize(
    ("rule", "table"),
    [("robust_mcq", claim_wordings), ("robust_bbh", claim_wordings), ("robust_harm", refusal_wordings), ("choice", normalize)],
)
def test_a_rule_changes_with_the_tables_that_it_reads(
    rule: str, table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scorers_sha256({"a": rule, "b": "exact"})
    other = tmp_path / "other.py"
    other.write_text(Path(str(table.__file__)).read_text(encoding="utf-8") + "\n# another row\n", encoding="utf-8")
    monkeypatch.setattr(table, "__file__", str(other))
    after = scorers_sha256({"a": rule, "b": "exact"})
    assert after["a"] != before["a"]
    assert (after["b"] == before["b"]) == (table is not normalize)  # `exact` reads that one, too


SCRIPT = """
import datasets
import evaluate


class Mine(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="", features=datasets.Features({{"predictions": text, "references": text}})
        )

    def _compute(self, predictions, references):
        return {{"mine": {value}}}
"""
