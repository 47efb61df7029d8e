"""VoiceBench's rule for instructions: the golden cases, the corpus score, the data it needs, and that it never asks a network."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nltk
import pytest

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError
from lsgap_bench.scorers import ifeval_checkers
from lsgap_bench.scorers.ifeval_checkers import NEED_SENTENCE_DATA
from lsgap_bench.scorers.voicebench_ifeval import corpus_rates, final

GOLDEN = Path(__file__).parent / "golden"
ROWS = [json.loads(line) for line in (GOLDEN / "ifeval.jsonl").read_text(encoding="utf-8").splitlines()]
WITHOUT_DATA = [row for row in ROWS if not set(row["instruction_id_list"]) & set(NEED_SENTENCE_DATA)]
SENTENCES = {"instruction_id_list": ["length_constraints:number_sentences"], "kwargs": [{"num_sentences": 2, "relation": "at least"}]}
judge = scorers.get("voicebench_ifeval")


@pytest.fixture
def sentence_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A few abbreviations in the format of nltk's English sentence data."""
    folder = tmp_path / "tokenizers" / "punkt_tab" / "english"
    folder.mkdir(parents=True)
    (folder / "abbrev_types.txt").write_text("dr\nmr\nu.s\ne.g\n")
    for name in ("collocations.tab", "sent_starters.txt", "ortho_context.tab"):
        (folder / name).write_text("")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    ifeval_checkers.has_sentence_data.cache_clear()
    yield
    ifeval_checkers.has_sentence_data.cache_clear()


@pytest.fixture
def no_sentence_data(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(nltk.data, "path", [])
    ifeval_checkers.has_sentence_data.cache_clear()
    yield
    ifeval_checkers.has_sentence_data.cache_clear()


def test_every_golden_case_is_judged_as_the_official_evaluator_judges_it() -> None:
    assert len(WITHOUT_DATA) == 104
    assert [row["id"] for row in WITHOUT_DATA if judge(row["response"], row).details != row["expected"]] == []


def test_the_cases_that_need_sentence_data_agree_once_it_is_there(sentence_data: None) -> None:
    cases = [row for row in ROWS if row not in WITHOUT_DATA]
    assert len(cases) == 10
    assert [row["id"] for row in cases if judge(row["response"], row).details != row["expected"]] == []


def test_the_corpus_score_is_the_official_one() -> None:
    official = json.loads((GOLDEN / "aggregates.json").read_text(encoding="utf-8"))["ifeval"]
    details = [row["expected"] for row in ROWS]
    assert final(details) == pytest.approx(official["final"])
    assert corpus_rates(details) == pytest.approx({name: official[name] for name in corpus_rates(details)})


def test_the_corpus_score_pools_instructions_where_the_mean_score_weights_rows() -> None:
    all_three = {"prompt": True, "instruction": [True, True, True]}
    neither = {"prompt": False, "instruction": [False]}
    rows = [{"strict": all_three, "loose": all_three}, {"strict": neither, "loose": neither}]
    assert corpus_rates(rows) == {"strict-prompt": 0.5, "strict-instruction": 0.75, "loose-prompt": 0.5, "loose-instruction": 0.75}
    assert final(rows) == 0.625
    assert sum(final([row]) for row in rows) / 2 == 0.5


def test_a_row_is_graded_by_its_four_rates() -> None:
    item = {"id": "x", "instruction_id_list": ["punctuation:no_comma", "startend:quotation"], "kwargs": [{}, None]}
    verdict = judge("Sure, here:\nno marks at all", item)
    assert verdict.details["strict"] == {"prompt": False, "instruction": [False, False]}
    assert verdict.details["loose"] == {"prompt": False, "instruction": [True, False]}
    assert (verdict.prediction, verdict.score, verdict.correct, verdict.extracted) == ([False, False], 0.125, None, True)


@pytest.mark.parametrize("response", ["", " \n", "<2>  ", "<|user|>"])
def test_an_empty_answer_follows_nothing(response: str) -> None:
    verdict = judge(response, {"id": "x", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})
    assert (verdict.score, verdict.extracted) == (0.0, False)
    assert verdict.details["loose"] == {"prompt": False, "instruction": [False]}


@pytest.mark.parametrize("name", NEED_SENTENCE_DATA)
def test_missing_data_is_told_before_anything_is_run(no_sentence_data: None, name: str) -> None:
    with pytest.raises(UsageError) as error:
        judge("", {"id": "ifeval/4", "instruction_id_list": [name], "kwargs": [{}]})
    assert str(error.value).startswith(f"ifeval/4: the instruction {name} needs nltk's data 'punkt_tab'")
    assert "run python -m nltk.downloader punkt_tab" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "instruction_id_list None and kwargs None must be columns"),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": []}, "with an entry per instruction each"),
        ({"instruction_id_list": ["punctuation:no_coma"], "kwargs": [{}]}, "did you mean 'punctuation:no_comma'"),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"letter": "k"}]}, "cannot take {'letter': 'k'}"),
        ({"instruction_id_list": ["language:response_language"], "kwargs": [{"language": "zh"}]}, "cannot take {'language': 'zh'}"),
    ],
)
def test_rows_that_cannot_be_checked_are_refused_in_one_line(item: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        judge("", {"id": "ifeval/4", **item})
    assert str(error.value).startswith("ifeval/4: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_what_a_row_leaves_open_is_the_same_for_every_answer_and_disturbs_no_other_randomness() -> None:
    item = {"id": "x", "prompt": "Use # often.", "instruction_id_list": ["keywords:letter_frequency"]}
    item["kwargs"] = [{"letter": "#", "let_frequency": 1, "let_relation": "at least"}]
    random.seed(1)
    first = [judge(letter, item).score for letter in "abcdefghijklmnopqrstuvwxyz"]
    drawn = random.random()
    assert [judge(letter, item).score for letter in "abcdefghijklmnopqrstuvwxyz"] == first
    assert sum(first) == 1.0
    random.seed(1)
    assert random.random() == drawn


def test_a_text_in_two_languages_is_always_told_to_be_in_the_same_one() -> None:
    item = {"id": "x", "instruction_id_list": ["language:response_language"], "kwargs": [{"language": "en"}]}
    assert len({judge("the house is rot und das Haus ist red", item).score for _ in range(12)}) == 1


def test_the_checkers_are_imported_without_asking_a_network(monkeypatch: pytest.MonkeyPatch, no_sentence_data: None) -> None:
    for name in [name for name in sys.modules if name.startswith("lm_eval.tasks.ifeval")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("the network was asked"))
    ifeval_checkers._registry.cache_clear()
    assert judge("no marks", {"id": "x", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}).score == 1.0
    assert "lm_eval.tasks.ifeval.instructions_util" in sys.modules


def test_the_scorer_is_there_without_its_packages_being_imported() -> None:
    code = "import sys, lsgap_bench.scorers as s; s.get('voicebench_ifeval'); assert not {'nltk', 'lm_eval'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_package_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langdetect", None)
    ifeval_checkers._registry.cache_clear()
    with pytest.raises(UsageError, match=r"needs the package langdetect; pip install 'lsgap-bench\[ifeval\]'"):
        judge("", {"id": "x", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})
