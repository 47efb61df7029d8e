"""Scorers made of `evaluate` metrics: tiny scripts with known values, which of them is the score, and what is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import evaluate
import pytest
from made_metrics import LISTS, NUMBERS, STRINGS, write_metric

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.evaluate_metric import whole

pytestmark = pytest.mark.usefixtures("evaluate_cache")
Judge = Callable[..., Verdict]
SHARE = "len(set(said.split()) & set(right.split())) / len(set(said.split()) | set(right.split()))"  # of common words
ERRORS = "sum(a != b for a, b in zip(said.split(), right.split())) + abs(len(said.split()) - len(right.split()))"
MANY = "{'many': len(said) / 100, 'first': 0.25, 'words': ['a', 'b'], 'name': '0.5', 'lists': [0.1, 0.2]}"


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """judge(result, answer, ...): the verdict of a metric that gives `result`, on the target `big cat`."""

    def verdict(result: str, answer: str, features: str = STRINGS, pick: str = "", **item: Any) -> Verdict:
        folder = write_metric(tmp_path, "many", result, features)
        return scorers.get(f"evaluate:{folder}{pick}")(answer, {"id": "x", "target": "big cat", **item})

    return verdict


# ---------------------------------------------------------------------------------------------------- the score


@pytest.mark.parametrize(("answer", "score"), [("big cat", 1.0), ("big dog", 1 / 3), ("a red dog", 0.0)])
def test_the_only_number_is_the_score(judge: Judge, answer: str, score: float) -> None:
    verdict = judge(f"{{'share': {SHARE}, 'note': 'words in common'}}", answer)
    assert (verdict.prediction, verdict.score, verdict.extracted) == (answer, pytest.approx(score), True)


def test_whether_an_answer_is_right_is_not_said_because_a_metric_does_not_say_whether_it_is_graded(judge: Judge) -> None:
    assert judge("{'exact': float(said == right)}", "big cat") == Verdict("big cat", 1.0, None, extracted=True)


def test_of_several_numbers_the_one_called_like_the_metric_is_the_score(judge: Judge) -> None:
    assert judge(MANY, "big cats").score == 0.08


def test_a_key_in_brackets_names_the_score(judge: Judge) -> None:
    assert judge(MANY, "big cats", pick="[first]").score == 0.25


@pytest.mark.parametrize(
    "value",
    ["0.5", "[0.5]", "(0.5,)", "__import__('numpy').array([0.5])", "__import__('numpy').float32(0.5)", "__import__('torch').tensor(0.5)"],
)
def test_a_number_may_come_in_a_list_or_as_an_array_of_one(judge: Judge, value: str) -> None:
    assert judge(f"{{'many': {value}}}", "a dog").score == 0.5


def test_a_metric_that_wants_several_references_is_given_the_target_as_the_only_one(judge: Judge) -> None:
    assert judge("{'many': float(said in right and len(right) == 1)}", "big cat", LISTS).score == 1.0


def test_a_metric_that_takes_either_is_given_a_string(judge: Judge) -> None:
    assert judge("{'many': float(said == right)}", "big cat", f"[{LISTS}, {STRINGS}]").score == 1.0


@pytest.mark.parametrize("value", ["math.nan", "None"])
def test_no_value_means_that_nothing_was_extracted(judge: Judge, value: str) -> None:
    assert judge(f"{{'many': {value}}}", "a dog") == Verdict(None, 0.0, None, extracted=False)


def test_an_answer_without_a_word_is_not_extracted_and_scores_the_items_chance(judge: Judge) -> None:
    assert judge("{'many': 1 / len(said)}", " \n", chance=0.25) == Verdict(None, 0.25, None, extracted=False)


def test_rounding_beyond_the_ends_is_cut_off(judge: Judge) -> None:
    assert judge("{'many': 1.0000001}", "big cat").score == 1.0


# ---------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("result", "pick", "said"),
    [
        ("{'many': 37.5}", "", "gives 37.5 as many, and a score must be from 0 to 1; name another of its values (evaluate:NAME[KEY])"),
        ("{'many': -0.1}", "", "gives -0.1 as many"),
        ("{'many': math.inf}", "", "gives inf as many"),
        ("{'one': 0.1, 'two': 0.2}", "", "gives one, two; name the score, such as "),
        ("{'one': 0.1, 'two': 0.2}", "[tow]", "gives no number called 'tow'; did you mean 'two'?"),
        ("{'words': 'a'}", "", "gives no number called 'many'; known: none"),
        ("0.5", "", "gives no number"),
        ("{'many': float(said)}", "", "fails on the answer 'a dog' (ValueError: could not convert string to float: 'a dog')"),
    ],
)
def test_what_is_no_score_is_refused_in_one_line(judge: Judge, result: str, pick: str, said: str) -> None:
    with pytest.raises(UsageError, match="many") as error:
        judge(result, "a dog", pick=pick)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_error_rate_is_refused_before_anything_is_run(judge: Judge) -> None:
    with pytest.raises(UsageError, match="gives the target itself 0 as many and the target said twice 2, so lower is better"):
        judge(f"{{'many': {ERRORS}}}", "")  # the empty answer that every item is shown first


def test_a_target_that_no_answer_can_hit_is_no_error_rate(judge: Judge) -> None:
    assert judge("{'many': 0.0}", "").score == 0.0  # as BLEU of targets under four words


def test_a_metric_in_percent_is_refused_before_anything_is_run(judge: Judge) -> None:
    with pytest.raises(UsageError, match="gives 100 as many"):
        judge("{'many': 100.0 * (said == right)}", "")


def test_a_metric_of_numbers_is_refused(judge: Judge) -> None:
    with pytest.raises(UsageError, match=r"takes predictions \(int32\) and references \(int32\), and a scorer gives it strings"):
        judge("{'many': 1.0}", "1", NUMBERS)


def test_a_failure_leaves_nothing_behind_for_the_next_answer(judge: Judge, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fails"):
        judge("{'many': float(said)}", "a dog")
    assert scorers.get(f"evaluate:{tmp_path / 'many'}")("0.5", {"target": "x"}).score == 0.5


@pytest.mark.parametrize("name", ["evaluate:", "evaluate:[key]"])
def test_a_name_without_a_metric_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="evaluate:NAME"):
        scorers.get(name)


def test_a_metric_of_the_hub_is_not_looked_for_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(evaluate.config, "HF_EVALUATE_OFFLINE", False)  # put back afterwards
    monkeypatch.setattr("requests.request", lambda *_, **__: pytest.fail("the network was asked"))
    with pytest.raises(UsageError, match=r"evaluate:exact_match is not on this machine .* such as evaluate:\./my_metric"):
        scorers.get("evaluate:exact_match")


def test_a_script_that_cannot_be_imported_is_told_with_its_reason(tmp_path: Path) -> None:
    folder = write_metric(tmp_path, "broken", "{}")
    (folder / "broken.py").write_text("import no_such_library\n")
    with pytest.raises(UsageError, match=r"broken cannot be loaded \(ImportError: .*no_such_library"):
        scorers.get(f"evaluate:{folder}")


# ---------------------------------------------------------------------------------------------------- names


def test_a_metric_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"evaluate:{write_metric(tmp_path, 'many', MANY)}"
    first = scorers.get(name)
    monkeypatch.setattr(evaluate, "load", lambda *_, **__: pytest.fail("loaded again"))
    assert scorers.get(name) is first


def test_paths_are_made_whole_and_other_names_stay(tmp_path: Path) -> None:
    script = write_metric(tmp_path, "many", MANY) / "many.py"
    for path in ("./many", "many", "many/many.py", str(script.parent), "../" + tmp_path.name + "/many"):
        assert whole(f"evaluate:{path}[first]", tmp_path) == f"evaluate:{script.resolve()}[first]"
    for name in ("exact", "evaluate:rouge[rougeL]", "evaluate:somebody/many", "evaluate:"):
        assert whole(name, tmp_path) == name


@pytest.mark.parametrize("path", ["./gone", "gone.py", "/gone", "."])
def test_a_path_without_a_script_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match=r"is not there .* relative to the YAML file"):
        whole(f"evaluate:{path}", tmp_path)
