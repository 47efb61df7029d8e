"""Text tasks made spoken by YAML alone: own data with a voice, the spoken version of a task of lm-eval, and a whole run of one."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
from made_tasks import write_yaml

from lsgap_bench import evaluate
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedTask, load_tasks
from lsgap_bench.lab import world
from lsgap_bench.run_rows import sample_rows
from lsgap_bench.schema import Observation, Pair
from lsgap_bench.speech.clips import decode
from lsgap_bench.speech.synthesis import Manner, clip_of
from lsgap_bench.validation import validate

pytestmark = pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="the extra `speech` is not installed")

VOICE = {"voice": "espeak:en-us"}
ROWS = [{"question": "Is 5 more than 3?", "answer": "yes", "unit": "kg"}, {"question": "Is a cat a dog?", "answer": "no", "unit": "m"}]
OWN = {"test_split": "test", "doc_to_text": "{{question}}", "doc_to_target": "{{answer}}", "speech": VOICE}
ARC = {
    "question": "What is ice?",
    "choices": {"text": ["gas", "solid"], "label": ["A", "B"]},
    "answerKey": "B",
}


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")


def write(folder: Path, keys: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] = ROWS, split: str = "test") -> Path:
    """A task file `made.yaml` over rows of its own."""
    (folder / "made.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    data = {"dataset_path": "json", "dataset_kwargs": {"data_files": {split: "made.jsonl"}}}
    return write_yaml(folder / "made.yaml", {"task": "made", **data, **keys})


def loaded(folder: Path, keys: Mapping[str, Any], rows: Sequence[Mapping[str, Any]] = ROWS, split: str = "test") -> PairedTask:
    write(folder, keys, rows, split)
    return load_tasks(["made"], [str(folder)]).paired["made"]


# ---------------------------------------------------------------------------------------------------- speech


def test_own_data_is_said_by_the_voice_and_the_item_holds_the_words_as_they_were_given_to_it(tmp_path: Path) -> None:
    first, second = loaded(tmp_path, OWN).items(None)
    assert (first.text, first.spoken) == ("Is 5 more than 3?", "Is five more than three?")
    assert second.spoken == second.text
    assert first.clip == clip_of("Is five more than three?", Manner("espeak:en-us"))
    assert len(decode(first.clip, 16_000)) > 16_000
    assert first.voice == "espeak:en-us"


def test_a_template_says_what_the_voice_is_given_of_columns_question_and_options(tmp_path: Path) -> None:
    say = "{{text}} In {{unit}}.{% for option in options %} Or {{option}}?{% endfor %}"
    keys = {**OWN, "doc_to_choice": ["yes", "no"], "output_type": "multiple_choice", "speech": {**VOICE, "say": say, "speed": 1.2}}
    task = loaded(tmp_path, keys)
    assert [said for _, said in task.spoken_forms(1)] == ["Is five more than three? In kg. Or yes? Or no?"]
    assert task.paired_config.speech is not None
    assert task.paired_config.speech.manner == Manner("espeak:en-us", speed=1.2)


def test_without_verbalizing_the_voice_is_given_what_is_written(tmp_path: Path) -> None:
    task = loaded(tmp_path, {**OWN, "speech": {**VOICE, "verbalize": False}})
    assert [said for _, said in task.spoken_forms(1)] == ["Is 5 more than 3?"]


def test_a_template_that_fails_on_one_row_and_words_that_do_not_exist_name_the_row(tmp_path: Path) -> None:
    rows = [*ROWS, {"question": r"What is \foo{x}?", "answer": "no", "unit": ""}]
    task = loaded(tmp_path, {**OWN, "speech": {**VOICE, "say": "{{text}} {{1 // (unit | length)}}"}}, rows)
    told = [str(said) for _, said in task.spoken_forms(None)]
    assert "made.yaml: made item 2: speech: say: " in told[2]
    assert "cannot be rendered (integer division or modulo by zero); columns: question, answer, unit" in told[2]
    other = loaded(tmp_path, OWN, rows)
    assert r"made item 2: speech: there are no words for '\\foo'; write them with `say`" in str(list(other.spoken_forms(None))[2][1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"doc_to_audio": "clip"}, "doc_to_audio and speech are both given; keep the one"),
        ({"speech": None}, "doc_to_audio is missing; name the column that holds the clips, or give a voice with speech"),
        ({"speech": "en-us"}, "speech: 'en-us' is no mapping; write for example"),
        ({"speech": {"vioce": "espeak:en-us"}}, "speech: no key is called 'vioce'; did you mean 'voice'"),
        ({"speech": {"voice": "espaek:en-us"}}, "speech: no voice engine is called 'espaek'; did you mean 'espeak'"),
        ({"speech": {"speed": "fast"}}, "speech: speed 'fast' is no multiple of the voice's own"),
        ({"speech": {"say": 3}}, "speech: say: 3 is no template"),
        ({"speech": {"say": "{{qestion}}"}}, "speech: say: '{{qestion}}' looks up 'qestion', which is no column; did you mean 'question'"),
        ({"speech": {"say": "{{text"}}, "speech: say: '{{text' cannot be rendered ("),
        ({"speech": {"verbalize": "maybe"}}, "speech: verbalize: 'maybe' is neither true nor false"),
        ({"word_times": "words"}, "word_times: 'words' is of recordings; leave it out beside speech"),
    ],
)
def test_a_wrong_key_is_named_with_the_file(tmp_path: Path, change: Mapping[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        loaded(tmp_path, {**OWN, **change})
    assert str(raised.value).startswith(str(tmp_path / "made.yaml"))
    assert said in str(raised.value)


def test_an_unknown_voice_of_a_known_engine_names_the_item(tmp_path: Path) -> None:
    task = loaded(tmp_path, {**OWN, "speech": {"voice": "espeak:xx-nowhere"}})
    with pytest.raises(UsageError, match=r"made item 0: speech: espeak-ng has no accent 'xx-nowhere'"):
        list(task.items(1))


def test_a_spoken_task_validates_like_one_of_recordings(tmp_path: Path) -> None:
    write(tmp_path, OWN)
    report = validate(["made"], [str(tmp_path)])
    assert report.problems == []
    assert [row["items"] for row in report.rows] == [2]


# ---------------------------------------------------------------------------------------------------- spoken_of


def test_the_spoken_version_of_a_task_takes_over_split_options_and_target_and_drops_the_words_around_the_question(tmp_path: Path) -> None:
    (item,) = loaded(tmp_path, {"spoken_of": "arc_easy", "speech": VOICE, "scorer": "choice", "chance": "auto"}, [ARC]).items(None)
    assert (item.text, item.options, item.target, item.chance) == ("What is ice?", ("gas", "solid"), "solid", 0.5)


def test_any_key_of_ours_wins(tmp_path: Path) -> None:
    keys = {"spoken_of": "arc_easy", "speech": VOICE, "doc_to_text": "Say: {{question}}", "doc_to_choice": ["A", "B"], "test_split": "own"}
    (item,) = loaded(tmp_path, keys, [ARC], split="own").items(None)
    assert (item.text, item.options, item.target) == ("Say: What is ice?", ("A", "B"), "B")


def test_without_a_test_split_the_validation_split_is_taken_and_documents_are_processed_as_there(tmp_path: Path) -> None:
    row = {"activity_label": "Tea", "ctx_a": "A man sits.", "ctx_b": "he", "endings": ["drinks. [title] x", "sleeps."], "label": "0"}
    (item,) = loaded(tmp_path, {"spoken_of": "hellaswag", "speech": VOICE}, [row], split="validation").items(None)
    assert (item.text, item.options, item.target) == ("Tea: A man sits. He", ("drinks.. x", "sleeps."), "drinks.. x")


def test_examples_of_the_original_are_left_out_and_that_is_told(tmp_path: Path) -> None:
    keys = {"spoken_of": "gsm8k", "speech": VOICE, "doc_to_target": "{{answer}}"}
    write(tmp_path, keys, [{"question": "1+1?", "answer": "2"}])
    tasks = load_tasks(["made"], [str(tmp_path)])
    told = tasks.spoken["made"]
    assert told["spoken_of"] == {"task": "gsm8k", "version": 3.0, "few_shot_examples_left_out": 5}
    assert (told["voice"], told["say"], told["verbalize"]) == ("espeak:en-us", "{{text}}", True)
    assert told["engine_version"].startswith("espeak-ng 1.")


@pytest.mark.parametrize(
    ("name", "said"),
    [("arc_eazy", "spoken_of: lm-eval has no task 'arc_eazy'; did you mean 'arc_easy'"), ("squadv2", "'squadv2' is written in Python")],
)
def test_a_task_that_cannot_be_spoken_is_named(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        loaded(tmp_path, {"spoken_of": name, "speech": VOICE})


def test_data_of_the_hub_without_a_network_is_one_clear_line(tmp_path: Path) -> None:
    write_yaml(tmp_path / "made.yaml", {"task": "made", "spoken_of": "arc_easy", "speech": VOICE})
    with pytest.raises(UsageError, match=r"dataset_path: 'allenai/ai2_arc' cannot be loaded .*, so it is a data set of the hub: connect"):
        load_tasks(["made"], [str(tmp_path)])


# ---------------------------------------------------------------------------------------------------- a whole run


def test_a_spoken_text_task_runs_with_the_embedded_model_from_yaml_to_record(tmp_path: Path) -> None:
    """Questions of the embedded model's world with BoolQ's schema: the spoken version of lm-eval's boolq over own data."""
    asked = world.draw("sizes_yesno", 8, seed=5)
    rows = [{"question": q.text.removesuffix("?"), "passage": "", "label": int(q.answer == "yes")} for q in asked]
    keys = {"spoken_of": "boolq", "doc_to_text": "{{question}}?", "scorer": "choice", "chance": "auto"}
    write(tmp_path, {**keys, "speech": {"voice": "espeak:en-us", "speed": 0.95}}, rows, split="validation")
    run = evaluate(tasks=["made"], include_path=[str(tmp_path)], conditions=["text", "speech"], metrics=[])
    result = run.record.tasks["made"]
    assert (result.n, result.chance) == (8, 0.5)
    assert result.scores["text"].value == 100  # the model knows its world
    assert result.scores["speech"].value >= 75  # and hears espeak well
    told = run.record.provenance["speech"]["made"]
    assert (told["voice"], told["speed"], told["spoken_of"]["task"]) == ("espeak:en-us", 0.95, "boolq")
    assert [pair.item.spoken for pair in run.pairs["made"]] == [question.text for question in asked]
    assert all("spoken" not in row for row in run.rows.samples)  # it is the very text


def test_the_samples_of_a_run_hold_the_words_of_the_voice_where_they_are_others(tmp_path: Path) -> None:
    (item,) = loaded(tmp_path, OWN, ROWS[:1]).items(None)
    clip = item.clip
    seen = Observation(item.id, "speech", "yes", "", 1, "", pcm_sha256="0", transcript="is five more than three")
    (row,) = sample_rows([Pair(item, {"cascade": seen}, {})])
    assert (row["text"], row["spoken"]) == ("Is 5 more than 3?", "Is five more than three?")
    assert row["clip"]["sha256"] == clip.sha256
    assert (row["word_errors"], row["reference_words"]) == (0, 5)
