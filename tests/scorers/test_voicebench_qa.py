"""The scorer `voicebench_qa`: a majority of yes and no, half of the score PEDANT's where it is installed, and never the network."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError
from lsgap_bench.scorers import pedant as door
from lsgap_bench.scorers.voicebench_qa import ask, yes_or_no

ITEM = {"id": "secret-task/7", "text": "Capital of France?", "target": "Paris", "chance": None, "accent": "hidden-accent"}
QA_METRICS = """
asked = []


def download_link(*given):
    asked.append(given)


class PEDANT:
    def __init__(self):
        try:
            download_link("lr_classifier.pkl", "https://example.org")
        except:  # as in the package
            pass

    def evaluate(self, reference, candidate, question):
        assert isinstance(reference, list) and isinstance(question, str)
        return reference[0].lower() in candidate.lower()
"""
score = scorers.get("voicebench_qa")


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """What was found of PEDANT in one test is looked for anew in the next one."""
    door.pedant.cache_clear()
    yield
    door.pedant.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "qa_metrics"]:
        del sys.modules[name]


def installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, version: str = "0.2.17", missing: bool = False, text: str | None = None
) -> None:
    """A stand-in for the package qa_metrics. missing: without its classifier."""
    package = folder / "qa_metrics"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "pedant.py").write_text(QA_METRICS if text is None else text)
    (package / "classifier").mkdir()
    for name in () if missing else door.CLASSIFIER:
        (package / "classifier" / name).write_bytes(name.encode())
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(door, "version", lambda name: version)


def judged(answer: str, *votes: Any) -> Any:
    return score(answer, {**ITEM, "judge_votes": votes})


@pytest.mark.parametrize(
    ("reply", "vote"),
    [
        ("yes", True),
        ("No.", False),
        ("**Yes**", True),
        ("Yes, it names Paris.", True),
        ("NO\n", False),
        ("", None),
        ("Nope", None),
        ("Yes and no", None),
        ("The answer is yes", None),
        ("1", None),
    ],
)
def test_a_reply_counts_by_its_first_word_unless_it_says_both(reply: str, vote: bool | None) -> None:
    assert yes_or_no(reply) is vote


@pytest.mark.parametrize(
    ("votes", "expected"), [((True, True, False), 1.0), ((False, False, True), 0.0), ((True, None, None), 1.0), ((True, True, None), 1.0)]
)
def test_the_judge_alone_decides_by_majority_of_what_can_be_read(votes: tuple[Any, ...], expected: float) -> None:
    verdict = judged("Paris", *votes)
    assert (verdict.score, verdict.correct, verdict.extracted) == (expected, expected == 1.0, True)
    assert verdict.details == {"says_the_reference": list(votes)}
    assert door.in_words() == "the judge alone"


@pytest.mark.parametrize("votes", [(None, None, None), (True, False, None)])
def test_without_a_majority_there_is_no_score(votes: tuple[Any, ...]) -> None:
    verdict = judged("Paris", *votes)
    assert math.isnan(verdict.score)
    assert (verdict.correct, verdict.extracted) == (None, False)


@pytest.mark.parametrize(
    ("answer", "votes", "expected", "correct"),
    [
        ("It is Paris", (True, True, True), 1.0, True),
        ("It is Paris", (False, False, True), 0.5, None),
        ("the city of light", (True, True, True), 0.5, None),
        ("Lyon", (False, False, False), 0.0, False),
    ],
)
def test_with_pedant_the_score_is_the_mean_of_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, votes: tuple[bool, ...], expected: float, correct: bool | None
) -> None:
    installed(tmp_path, monkeypatch)
    verdict = judged(answer, *votes)
    assert (verdict.score, verdict.correct) == (expected, correct)
    assert verdict.details["pedant"] is ("Paris" in answer)
    assert sys.modules["qa_metrics.pedant"].asked == []


def test_what_the_score_is_made_of_changes_with_pedants_classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch)
    before = door.in_words()
    assert re.fullmatch(r"PEDANT of qa_metrics 0\.2\.17 \(classifier [0-9a-f]{16}\) and the judge, half each", before)
    (tmp_path / "qa_metrics" / "classifier" / "lr_classifier.pkl").write_bytes(b"of another day")
    assert door.in_words() != before


def test_pedant_without_its_classifier_is_told_in_one_line_and_does_not_go_to_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, missing=True)
    with pytest.raises(UsageError, match=r"lacks PEDANT's classifier, which is not downloaded from here; see docs/judge\.md"):
        door.in_words()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"version": "0.2.30"}, "qa_metrics is 0.2.30, and voicebench_qa is defined by 0.2.17"),
        ({"text": "import a_package_that_is_not_there"}, "qa_metrics cannot be used (ModuleNotFoundError: No module named 'a_package"),
    ],
)
def test_a_package_that_cannot_be_used_is_told_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], said: str
) -> None:
    installed(tmp_path, monkeypatch, **given)
    with pytest.raises(UsageError) as refused:
        door.pedant()
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_judge_is_shown_question_reference_and_answer_and_nothing_else_of_the_item() -> None:
    prompt = ask("Lyon", ITEM).prompt
    for tag, words in (("question", "Capital of France?"), ("reference", "Paris"), ("answer", "Lyon")):
        assert f"<{tag}>\n{words}\n</{tag}>" in prompt
    assert not [word for word in ("secret", "hidden", "speech", "spoken", "audio", "voice", "transcri") if word in prompt.lower()]


def test_an_empty_reference_is_refused_with_the_item() -> None:
    with pytest.raises(UsageError, match="secret-task/7: voicebench_qa needs a reference"):
        ask("Lyon", {**ITEM, "target": " "})
