"""The shipped spoken versions of text benchmarks, on rows of the schema that each data set has on the hub: what is read, said and right.

The expected words, options and targets were written down by hand from the rows.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import datasets
import pytest
from made_tasks import write_yaml

from lsgap_bench.harness import PairedTask, load_tasks
from lsgap_bench.registry import scorers
from lsgap_bench.resources import resource
from lsgap_bench.speech.clips import decode
from lsgap_bench.yaml_files import merged

FOLDER = resource("tasks") / "spoken"
needs_voice = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="the extra `speech` is not installed")


class Case(NamedTuple):
    """row: as on the hub. written, spoken, options, target: what the item must hold. split: in which lm-eval looks."""

    row: Mapping[str, Any]
    written: str
    spoken: str
    options: tuple[str, ...]
    target: str
    split: str = "validation"


ARC = Case(
    {
        "id": "Mercury_417466",
        "question": "Which factor will most likely cause a person to develop a fever?",
        "choices": {"text": ["a muscle relaxing", "a bacterial population", "muscle cells"], "label": ["1", "2", "3"]},
        "answerKey": "2",
    },
    "Which factor will most likely cause a person to develop a fever?\nA: a muscle relaxing\nB: a bacterial population\nC: muscle cells",
    "Which factor will most likely cause a person to develop a fever? A: a muscle relaxing. B: a bacterial population. C: muscle cells",
    ("A", "B", "C"),
    "B",
    "test",
)
CASES = {
    "arc_easy": ARC,
    "arc_challenge": ARC,
    "openbookqa": Case(
        {
            "id": "8-376",
            "question_stem": "Frilled sharks live far beneath",
            "choices": {"text": ["the 1st floor", "the surface."], "label": ["A", "B"]},
            "answerKey": " B",
        },
        "Frilled sharks live far beneath\nA: the 1st floor\nB: the surface.",
        "Frilled sharks live far beneath. A: the first floor. B: the surface.",
        ("A", "B"),
        "B",
        "test",
    ),
    "commonsense_qa": Case(
        {
            "id": "x",
            "question": "A revolving door is convenient, but also a security measure at a what?",
            "question_concept": "revolving door",
            "choices": {"label": list("ABCDE"), "text": ["bank", "library", "store", "mall", "city"]},
            "answerKey": "A",
        },
        "A revolving door is convenient, but also a security measure at a what?\nA: bank\nB: library\nC: store\nD: mall\nE: city",
        "A revolving door is convenient, but also a security measure at a what? A: bank. B: library. C: store. D: mall. E: city",
        tuple("ABCDE"),
        "A",
    ),
    "boolq": Case(
        {"question": "is the sky 50% blue", "passage": "The sky is blue.", "idx": 0, "label": 1},
        "The sky is blue.\nis the sky 50% blue?",
        "The sky is blue. is the sky fifty percent blue?",
        ("no", "yes"),
        "yes",
    ),
    "piqa": Case(
        {"goal": "how to chill tea", "sol1": "wait 2 hours", "sol2": "boil it", "label": 0},
        "how to chill tea\nA: wait 2 hours\nB: boil it",
        "how to chill tea. A: wait two hours. B: boil it",
        ("A", "B"),
        "A",
    ),
    "social_iqa": Case(
        {"context": "Sam met Ann.", "question": "What next?", "answerA": "smile", "answerB": "cry", "answerC": "run", "label": "3"},
        "Sam met Ann. What next?\nA: smile\nB: cry\nC: run",
        "Sam met Ann. What next? A: smile. B: cry. C: run",
        ("A", "B", "C"),
        "C",
    ),
    "sciq": Case(  # 13 characters: turned by one, so that the right one comes last
        {
            "question": "What is gold?",
            "distractor3": "gas",
            "distractor1": "wood",
            "distractor2": "salt",
            "correct_answer": "metal",
            "support": "Gold is a metal.",
        },
        "What is gold?\nA: wood\nB: salt\nC: gas\nD: metal",
        "What is gold? A: wood. B: salt. C: gas. D: metal",
        ("A", "B", "C", "D"),
        "D",
        "test",
    ),
    "truthfulqa_mc1": Case(  # 14 characters, 3 options: turned by two, so that the right one comes second
        {
            "question": "What is wrong?",
            "mc1_targets": {"choices": ["Nothing", "All", "Half"], "labels": [1, 0, 0]},
            "mc2_targets": {"choices": ["Nothing"], "labels": [1]},
        },
        "What is wrong?\nA: Half\nB: Nothing\nC: All",
        "What is wrong? A: Half. B: Nothing. C: All",
        ("A", "B", "C"),
        "B",
    ),
    "hellaswag": Case(
        {
            "ind": 4,
            "activity_label": "Cooking",
            "ctx_a": "A man peels 3 eggs.",
            "ctx_b": "he",
            "ctx": "A man peels 3 eggs. he",
            "endings": ["eats them. [substeps] x", "sleeps."],
            "source_id": "a",
            "split": "val",
            "split_type": "indomain",
            "label": "1",
        },
        "Cooking: A man peels 3 eggs. He",
        "Cooking: A man peels three eggs. He",
        ("eats them. x", "sleeps."),
        "sleeps.",
    ),
    "storycloze": Case(
        {
            "story_id": "x",
            "input_sentence_1": "Pat grew up poor.",
            "input_sentence_2": "He had 2 dogs.",
            "input_sentence_3": "They ran away.",
            "input_sentence_4": "He searched all day.",
            "sentence_quiz1": "He found them.",
            "sentence_quiz2": "He bought 3 boats.",
            "answer_right_ending": 1,
        },
        "Pat grew up poor. He had 2 dogs. They ran away. He searched all day.",
        "Pat grew up poor. He had two dogs. They ran away. He searched all day.",
        ("He found them.", "He bought 3 boats."),
        "He found them.",
        "eval",
    ),
    "winogrande": Case(
        {"sentence": "Ann paid Sue because _ won.", "option1": "Ann", "option2": "Sue", "answer": "2"},
        "Ann paid Sue because _ won.\nWhat fits the blank?\nA: Ann\nB: Sue",
        "Ann paid Sue because blank won. What fits the blank? A: Ann. B: Sue",
        ("A", "B"),
        "B",
    ),
    "copa": Case(
        {"premise": "The man fell.", "choice1": "It was icy.", "choice2": "He laughed.", "question": "effect", "idx": 0, "label": 1},
        "The man fell.\nWhat happened as a result?\nA: It was icy.\nB: He laughed.",
        "The man fell. What happened as a result? A: It was icy. B: He laughed.",
        ("A", "B"),
        "B",
    ),
    "mmlu": Case(
        {"question": "If $x^2 = 9$ and x > 0, x is ", "subject": "algebra", "choices": ["3", "1/2", "-3", "9.50"], "answer": 0},
        "If $x^2 = 9$ and x > 0, x is\nA: 3\nB: 1/2\nC: -3\nD: 9.50",
        "If x squared equals nine and x is greater than zero, x is. A: three. B: one half. C: minus three. D: nine point five zero",
        ("A", "B", "C", "D"),
        "A",
        "test",
    ),
    "gsm8k": Case(
        {"question": "A pen costs $2.50. How much are 3?", "answer": "3*2.5=<<3*2.5=7.5>>7.5\n#### 7.5"},
        "A pen costs $2.50. How much are 3?",
        "A pen costs two dollars and fifty cents. How much are three?",
        (),
        "7.5",
        "test",
    ),
    "triviaqa": Case(
        {
            "question": "Who was president in 1861?",
            "question_id": "tc_1",
            "question_source": "http://www.triviacountry.com/",
            "answer": {"aliases": ["Lincoln", "Abe"], "normalized_aliases": ["lincoln"], "type": "WikipediaEntity", "value": "Lincoln"},
        },
        "Who was president in 1861?",
        "Who was president in eighteen sixty-one?",
        (),
        "Lincoln",
    ),
    "nq_open": Case(
        {"question": "when was the last 3rd rail built", "answer": ["1990", "in 1990"]},
        "when was the last 3rd rail built?",
        "when was the last third rail built?",
        (),
        "1990",
    ),
    "squad": Case(
        {
            "id": "5733a5f54776f4190066117f",
            "title": "Victoria",
            "context": "Victoria has 34,000 km of roads.",
            "question": "How long are its roads?",
            "answers": {"text": ["34,000 km", "34,000"], "answer_start": [13, 13]},
        },
        "Victoria has 34,000 km of roads.\nHow long are its roads?",
        "Victoria has thirty-four thousand kilometers of roads. How long are its roads?",
        (),
        "34,000 km",
    ),
}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, PairedTask]:
    """The shipped files over local data, loaded as any task."""
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")
    folder = tmp_path_factory.mktemp("benchmarks")
    for name, case in CASES.items():
        (folder / f"{name}.jsonl").write_text(json.dumps(case.row) + "\n", encoding="utf-8")
        files = {"data_files": {case.split: f"{name}.jsonl"}}
        shipped = FOLDER / f"{name}.yaml"
        known = merged(shipped)["scorer"] in scorers
        config = {"include": str(shipped), "task": f"local_{name}", "dataset_path": "json", "dataset_name": None, "dataset_kwargs": files}
        write_yaml(folder / f"{name}.yaml", config | ({} if known else {"scorer": "exact"}), paired=False)
    return load_tasks([f"local_{name}" for name in CASES], [str(folder)]).paired


@pytest.mark.parametrize(("name", "case"), CASES.items())
@needs_voice
def test_the_question_its_words_its_options_and_its_target_are_those_of_the_row(
    tasks: Mapping[str, PairedTask], name: str, case: Case
) -> None:
    (item,) = tasks[f"local_{name}"].items(None)
    assert (item.text, item.spoken) == (case.written, case.spoken)
    assert (item.options, item.target) == (case.options, case.target)
    assert item.chance == (1 / len(case.options) if case.options else 0)
    assert 1 < item.clip.seconds < 20
    assert len(decode(item.clip, 16_000)) == pytest.approx(16_000 * item.clip.seconds, abs=2)


@pytest.mark.parametrize(
    ("name", "right"), [("triviaqa", ["Lincoln", "Lincoln", "Abe"]), ("nq_open", ["1990", "in 1990"]), ("squad", ["34,000 km", "34,000"])]
)
def test_every_right_answer_of_an_open_question_reaches_the_scorer(tasks: Mapping[str, PairedTask], name: str, right: list[str]) -> None:
    (doc,) = tasks[f"local_{name}"].test_docs()
    assert doc["targets"] == right


def test_every_shipped_spoken_benchmark_is_tried_here_and_is_in_the_group() -> None:
    files = {path.stem for path in FOLDER.glob("*.yaml")} - {"spoken"}
    assert files == CASES.keys()
    assert {f"spoken_{name}" for name in files} == set(merged(FOLDER / "spoken.yaml")["task"])


@pytest.mark.parametrize("name", CASES)
def test_a_shipped_spoken_benchmark_says_its_licence_citation_and_source(name: str) -> None:
    metadata = merged(FOLDER / f"{name}.yaml")["metadata"]
    assert all(metadata[key] for key in ("version", "licence", "citation", "source"))
