"""Whatever a user gets wrong ends with status 2, one line that names it and what to do, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_tasks import KEYS, spoken_rows, wav, write_task, write_yaml

from lsgap_bench.cli import main
from lsgap_bench.harness import load_tasks
from lsgap_bench.run import evaluate

Refused = Callable[..., str]


def changed(**columns: Any) -> list[dict[str, Any]]:
    """Three shipped items of which the second has other values."""
    rows = spoken_rows(3)
    if "audio" in columns:
        columns["audio"] = {"bytes": columns["audio"], "path": None}
    rows[1] |= columns
    return rows


# ---------------------------------------------------------------------------------------------------- names


def test_an_unknown_task_is_named_with_the_nearest_one(refused: Refused) -> None:
    line = refused("--tasks", "lsgap_mini_size")
    assert "no task is called 'lsgap_mini_size'" in line
    assert "did you mean 'lsgap_mini_sizes'" in line


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--model", "hf-speach", "no model is called 'hf-speach'; did you mean 'hf-speech'?"),
        ("--metrics", "alignment_path", "no metric is called 'alignment_path'; did you mean 'alignment_path_score'"),
        ("--conditions", "speech+angle_projektion:all@0", "no intervention is called 'angle_projektion'; did you mean 'angle_projection'"),
        ("--conditions", "speech+angle_projection:bottom@0", "bottom"),
        ("--conditions", "speech+identity:all@0=random_dir", "no control is called 'random_dir'; did you mean 'random_direction'"),
        ("--conditions", "speech+identity:{all,top3@0", "has a brace without its other half"),
        ("--conditions", "speech+identity:{all,}@0", "empty place between its braces"),
        ("--conditions", "speach", "condition 'speach' is not understood; write text, speech"),
        ("--conditions", "speech+angle_projection", "speech+PLUGIN:SELECTION@LAYER"),
    ],
)
def test_an_unknown_plugin_or_condition_is_named_with_the_remedy(refused: Refused, option: str, value: str, said: str) -> None:
    assert said in refused(option, value)


# ---------------------------------------------------------------------------------------------------- numbers and options


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--limit", "0"], "limit 0 leaves no items; give at least 1"),
        (["--limit", "-3"], "limit -3 leaves no items"),
        (["--limit", "x"], "--limit 'x' is no whole number"),
        (["--limit", "1.5"], "--limit '1.5' is no whole number"),
        (["--seed", "one"], "--seed 'one' is no whole number"),
        (["--num_fewshot", "2"], "--num_fewshot is refused, because spoken questions would get written examples"),
        (["--model_args", "pretrained"], "--model_args 'pretrained' is no key=value"),
        (["--gen_kwargs", "max_new_tokens"], "--gen_kwargs 'max_new_tokens' is no key=value"),
        (["--tasks", ","], "--tasks names nothing"),
        (["--include_path", "nowhere"], "include_path nowhere is no folder"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate; see `lsgap --help`"),
    ],
)
def test_a_wrong_option_is_shown_with_its_value(refused: Refused, arguments: list[str], said: str) -> None:
    assert said in refused(*arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model_args", "pretrianed=x"], "pretrianed"),
        (["--model_args", "dtype=float17"], "dtype=float17 is not known; write auto, float32"),
        (["--batch_size", "many"], "batch_size 'many' is no number of items; write a whole number from 1 on, or auto"),
        (["--batch_size", "0"], "batch_size '0' is no number"),
        (["--gen_kwargs", "max_tokns=3"], "--gen_kwargs: no setting is called 'max_tokns'; did you mean 'max_tokens'"),
        (["--gen_kwargs", "max_new_tokens=few"], "--gen_kwargs: max_new_tokens: 'few' is no whole number"),
        (["--conditions", "speech+identity:all@99"], "has layers 0 to 4, not 99"),
        (["--device", "tpu9"], "device=tpu9 cannot be used"),
        (["--long_clips", "drop"], "long_clips 'drop' is not known; write refuse, skip, truncate"),
        (["--system_instruction", "Answer briefly."], "template drops the system turn"),
    ],
)
def test_what_only_the_model_can_refuse_is_refused_before_it_runs(refused: Refused, arguments: list[str], said: str) -> None:
    assert said in refused("--tasks", "lsgap_mini_sizes", "--limit", "2", *arguments)


def test_a_folder_that_is_no_speech_model_is_refused(refused: Refused, tmp_path: Path) -> None:
    assert "cannot be loaded as a speech language model" in refused("--tasks", "lsgap_mini_sizes", "--model_args", f"pretrained={tmp_path}")


def test_a_run_folder_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a letter")
    assert main(["run", "--tasks", "lsgap_mini_sizes", "--limit", "2", "--output_path", str(taken)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"output_path {taken} cannot be written" in last
    assert taken.read_text() == "a letter"


# ---------------------------------------------------------------------------------------------------- --config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("taskz: [a]", "no option is called 'taskz'; did you mean 'tasks'?"),
        ("limit: [1", "line 1: malformed YAML"),
        ("- limit", "holds list"),
        ("limit: 2.5", "--limit 2.5 is no whole number"),
        ("model_args: 5", "--model_args 5 is no list of key=value"),
        ("resume: perhaps", "--resume 'perhaps' is neither true nor false"),
        ("tasks: {a: b}", "is no list of names"),
    ],
)
def test_a_wrong_config_file_is_refused(refused: Refused, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "run.yaml").write_text(text)
    assert said in refused("--config", tmp_path / "run.yaml")


def test_a_config_file_that_is_not_there_is_named(refused: Refused) -> None:
    assert "nowhere.yaml: cannot be read (No such file or directory)" in refused("--config", "nowhere.yaml")


# ---------------------------------------------------------------------------------------------------- task files


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"scorrer": "exact"}, "no key is called 'scorrer'; did you mean 'scorer'"),
        ({"scorer": "exakt"}, "scorer: no scorer is called 'exakt'; did you mean 'exact'?"),
        ({"doc_to_audio": "sound"}, "doc_to_audio: 'sound' is no column of the data; known: answer, audio, content, id"),
        ({"doc_to_audio": None}, "doc_to_audio is missing"),
        ({"doc_to_text": "questions"}, "doc_to_text: 'questions' is no column of the data; did you mean 'question'"),
        ({"doc_to_text": "{{questions}}"}, "doc_to_text: '{{questions}}' cannot be rendered ('questions' is undefined); columns: "),
        ({"doc_to_text": None}, "doc_to_text is missing"),
        ({"doc_to_target": "answr"}, "doc_to_target: 'answr' is no column of the data; did you mean 'answer'"),
        ({"doc_to_target": "{{answer"}, "doc_to_target: '{{answer' cannot be rendered"),
        ({"cluster": "speaker"}, "cluster: 'speaker' is no column of the data"),
        ({"cluster": 3}, "cluster: 3 is no column name"),
        ({"test_split": "tset"}, "test_split: 'tset' is no split of the data; did you mean 'test'?"),
        ({"test_split": None}, "test_split is missing"),
        ({"dataset_path": None}, "dataset_path is missing"),
        ({"dataset_kwargs": {"data_files": {"test": "gone.parquet"}}}, "data_files: 'gone.parquet' is not there"),
        ({"dataset_kwargs": {"data_files": {"test": "made.parquet"}, "split": "test"}}, "name the split as test_split"),
        ({"num_fewshot": 3}, "num_fewshot: 3 is refused, because spoken questions would get written examples"),
        ({"fewshot_config": {"sampler": "first_n"}}, "fewshot_config"),
        ({"repeats": 4}, "repeats: 4 is refused"),
        ({"gen_prefix": "Answer:"}, "gen_prefix: 'Answer:' is refused"),
        ({"description": "{{answer}} is right."}, "description: a template is refused"),
        ({"output_type": "loglikelihood"}, "output_type: 'loglikelihood' cannot be paired; write generate_until or multiple_choice"),
        ({"output_type": "multiple_choice"}, "doc_to_choice is missing"),
        ({"doc_to_choice": ["mouse"], "output_type": "multiple_choice"}, "a choice needs at least 2"),
        ({"doc_to_choice": ["mouse", "mouse"], "output_type": "multiple_choice"}, "options must be different"),
        ({"doc_to_choice": ["mars", "venus"], "output_type": "multiple_choice"}, "which is none of the options ['mars', 'venus']"),
        ({"doc_to_choice": "{{question}}", "output_type": "multiple_choice"}, "cannot be"),
        ({"chance": 25}, "chance: 25 is no fraction"),
        ({"chance": "{{question}}"}, "it must give a number from 0 to 1"),
        ({"generation_kwargs": {"max_toks": 3}}, "generation_kwargs: no setting is called 'max_toks'; did you mean 'max_tokens'"),
        (
            {"metric_list": [{"metric": "exact_macth"}]},
            "metric_list: no metric of such a task is called 'exact_macth'; did you mean 'exact_match'",
        ),
        ({"metric_list": ["exact_match"]}, "write `- metric: NAME`"),
        ({"metric_list": [{"metric": "exact_match", "aggregation": "meen"}]}, "no aggregation is called 'meen'; did you mean 'mean'"),
        ({"filter_list": [{"name": "f", "filter": [{"function": "regexp"}]}]}, "the task cannot be built"),
    ],
)
def test_a_wrong_task_file_is_named_with_key_value_and_remedy(refused: Refused, tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    path = write_task(tmp_path, **keys)
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert said in line
    assert str(path) in line


def test_malformed_yaml_is_refused_with_file_and_line(refused: Refused, tmp_path: Path) -> None:
    path = write_task(tmp_path)
    path.write_text(path.read_text() + "scorer: [exact\nchance: 1\n")
    line = refused("--tasks", "lsgap_mini_sizes", "--include_path", tmp_path)
    assert line.startswith(f"{path}, line {len(path.read_text().splitlines())}: malformed YAML")


@pytest.mark.parametrize("by_path", [True, False], ids=["given as a file", "found in a folder"])
def test_an_include_that_is_missing_is_refused(refused: Refused, tmp_path: Path, by_path: bool) -> None:
    path = write_yaml(tmp_path / "a.yaml", {"task": "a", "include": "base.yaml"}, paired=False)
    arguments = ["--tasks", path] if by_path else ["--tasks", "a", "--include_path", tmp_path]
    assert f"{path}: include: 'base.yaml' is not there" in refused(*arguments)


def test_a_file_included_twice_is_refused_because_lm_eval_drops_the_task(refused: Refused, tmp_path: Path) -> None:
    write_task(tmp_path, name="base")
    write_yaml(tmp_path / "a.yaml", {"task": "a", "include": ["base.yaml", "b.yaml"]}, paired=False)
    write_yaml(tmp_path / "b.yaml", {"task": "b", "include": "base.yaml"}, paired=False)
    assert "include: 'base.yaml' is included twice" in refused("--tasks", "a", "--include_path", tmp_path)


def test_one_name_for_two_tasks_is_refused(refused: Refused, tmp_path: Path) -> None:
    first = write_task(tmp_path)
    second = tmp_path / "other.yaml"
    second.write_text(first.read_text())
    assert f"{second}: 'made' is also defined in {first}; rename one of the two" in refused("--tasks", "made", "--include_path", tmp_path)


def test_a_task_asked_for_alone_and_in_its_group_is_refused(refused: Refused) -> None:
    line = refused("--tasks", "lsgap_mini,lsgap_mini_sizes")
    assert "Duplicate task 'lsgap_mini_sizes'" in line
    assert "give only one of the two" in line


def test_keys_of_ours_without_the_class_line_are_refused(refused: Refused, tmp_path: Path) -> None:
    path = write_task(tmp_path)
    path.write_text("\n".join(path.read_text().splitlines()[1:]))
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert f"{path}: doc_to_audio is a key of paired tasks; add the line `class: !function lsgap_bench.harness.PairedTask`" in line


def test_an_unknown_key_of_a_plain_text_task_is_refused(refused: Refused, tmp_path: Path) -> None:
    path = write_yaml(tmp_path / "t.yaml", {"task": "t", "dataset_path": "json", "doc_to_txt": "x"}, paired=False)
    assert f"{path}: no key is called 'doc_to_txt'; did you mean 'doc_to_text'" in refused("--tasks", "t", "--include_path", tmp_path)


# ---------------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize(
    ("audio", "said"),
    [
        (b"these are words, not sound", "this is no audio that can be read"),
        (b"", "(0 bytes)"),
        (wav(0.0), "the clip holds no sound (0 frames)"),
        (wav(0.5, subtype="FLOAT", level=float("nan")), "samples are NaN or infinite; export the clip again"),
        (wav(2.0, level=0.0), "the clip is silent (peak 0.0000 of full scale); record it again"),
        (wav(2.0, level=9.0), "of its samples are at full scale); record it again more quietly"),
    ],
    ids=["garbage", "no bytes", "no frames", "NaN", "silent", "clipped"],
)
def test_a_bad_clip_is_refused_with_its_item(refused: Refused, tmp_path: Path, audio: bytes, said: str) -> None:
    path = write_task(tmp_path, changed(audio=audio))
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert line.startswith(f"{path}: made item 1: audio: ")
    assert said in line


def test_a_missing_audio_file_is_refused_with_its_item(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(0.5))
    rows = [{"question": "how big is a cow", "answer": "big", "audio": name} for name in ("a.wav", "b.wav")]
    path = write_task(tmp_path, rows)
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert line.startswith(
        f"{path}: made item 1: audio: 'b.wav' cannot be read (No such file or directory; looked for {tmp_path / 'b.wav'})"
    )


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("question", " ", "doc_to_text gives no words"),
        ("answer", "", "doc_to_target gives nothing"),
        ("question_id", None, "cluster: column 'question_id' is empty"),
    ],
)
def test_an_empty_field_is_refused_with_its_item(refused: Refused, tmp_path: Path, column: str, value: Any, said: str) -> None:
    path = write_task(tmp_path, changed(**{column: value}), cluster="question_id")
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert line.startswith(f"{path}: made item 1: {said}")


@pytest.mark.parametrize(
    ("fault", "keys", "said"),
    [
        (
            {"question": "say"},
            {"doc_to_text": "{{question.split(',')[1]}}"},
            "doc_to_text: \"{{question.split(',')[1]}}\" cannot be rendered",
        ),
        ({"options": ""}, {"doc_to_choice": "{{options.split('|')}}"}, "doc_to_choice gives [''] alone; a choice needs at least 2"),
    ],
    ids=["template", "no options"],
)
@pytest.mark.parametrize("row", [0, 1])
def test_what_fails_at_one_row_names_the_row(refused: Refused, tmp_path: Path, row: int, fault: Any, keys: Any, said: str) -> None:
    rows = [{**known, "options": "spider|tiger|goat|fox"} for known in spoken_rows(3)]
    rows[row] |= fault
    path = write_task(tmp_path, rows, **keys)
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert line.startswith(f"{path}: made item {row}: ")
    assert said in line


def test_options_that_are_one_text_are_refused_with_the_way_to_split_it(refused: Refused, tmp_path: Path) -> None:
    path = write_task(tmp_path, [{**row, "options": "spider|tiger"} for row in spoken_rows(2)], doc_to_choice="options")
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert line.startswith(f"{path}: made item 0: doc_to_choice gives 'spider|tiger', which is no list; split text where the options end")


def test_option_lists_of_several_lengths_under_one_chance_are_refused(refused: Refused, tmp_path: Path) -> None:
    made = [
        {**row, "options": options.split("|")} for row, options in zip(spoken_rows(2), ["spider|tiger", "spider|goat|fox"], strict=True)
    ]
    write_task(tmp_path, made, doc_to_choice="options", output_type="multiple_choice", chance=0.5)
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert line == "made: its items have 2 to 3 options (made/0, made/1), but chance is 0.5 for all; write chance: auto"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "t.csv",
            b"question,answer,audio\nsay caf\xe9,caf\xe9,a.wav\n",
            r"data_files: 't.csv' is no UTF-8 in line 2 (b'say caf\xe9,caf\xe9,a.wav')",
        ),
        ("t.jsonl", b'{"question": "a"}\n{"question": "caf\xe9"}\n', "data_files: 't.jsonl' is no UTF-8 in line 2 ("),
        ("t.csv", b"question;answer;audio\nsay cat;cat;a.wav\n", "split at ';', not at a comma ('question;answer;audio'); add sep: ';' to"),
        ("t.csv", b"question\tanswer\taudio\nsay cat\tcat\ta.wav\n", 'add sep: "\\t" to dataset_kwargs'),
        ("t.csv", b"question,answer,audio\na,b,c\na,b,c,d,e\n", "dataset_path: 'csv' cannot be loaded (Error tokenizing data"),
        ("t.jsonl", b"", "dataset_path: 'json' cannot be loaded (its files hold no rows)"),
        ("t.jsonl", b'{"question": "a"}\n{"quest', "; correct what data_files names"),
        ("t.csv", b"question,answer\na,b\n", "doc_to_audio: 'audio' is no column of the data; known: answer, question"),
    ],
    ids=["latin csv", "latin jsonl", "semicolons", "tabs", "ragged", "no rows", "half a row", "no column"],
)
def test_text_that_is_no_table_of_utf_8_is_refused_with_its_file(
    refused: Refused, tmp_path: Path, name: str, text: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(text)
    form = "csv" if name.endswith("csv") else "json"
    path = write_yaml(tmp_path / "t.yaml", {"task": "t", **KEYS, "dataset_path": form, "dataset_kwargs": {"data_files": {"test": name}}})
    line = refused("--tasks", "t", "--include_path", tmp_path)
    assert line.startswith(f"{path}: ")
    assert said in line


def test_a_data_set_of_the_hub_is_named_when_the_hub_cannot_be_reached(refused: Refused, tmp_path: Path) -> None:
    path = write_yaml(tmp_path / "t.yaml", {"task": "t", **KEYS, "dataset_path": "nobody/nothing"})
    line = refused("--tasks", "t", "--include_path", tmp_path)
    assert line.startswith(f"{path}: dataset_path: 'nobody/nothing' cannot be loaded (")
    assert "connect and unset HF_HUB_OFFLINE, or make a copy" in line


def test_what_is_bad_is_left_out_and_counted_when_that_is_asked_for(tmp_path: Path) -> None:
    good = spoken_rows(20)[::2]
    faults: list[dict[str, Any]] = [
        {"question": ""},  # the first row is the one that lm-eval looks at
        {"answer": ""},
        *({"audio": {"bytes": audio, "path": None}} for audio in (b"", b"words", wav(1.0, level=0.0), wav(1.0, level=9.0), wav(0.01))),
    ]
    for row, fault in zip(good[: len(faults)], faults, strict=True):
        row |= fault
    write_task(tmp_path, good, doc_to_text="{{question.split('Which')[1]}}")
    asked: dict[str, Any] = {"tasks": ["made"], "include_path": [tmp_path], "conditions": ["text", "speech"], "metrics": []}
    record = evaluate(**asked, skip_bad_items=True).record
    assert record.checks["skipped_items"] == len(faults)
    assert record.tasks["made"].n == len(good) - len(faults)


def test_a_csv_as_excel_saves_it_is_read_with_its_words_as_they_are(tmp_path: Path) -> None:
    for k, row in enumerate(spoken_rows(2)):
        (tmp_path / f"{k}.wav").write_bytes(row["audio"]["bytes"])
    (tmp_path / "t.csv").write_text("question;answer;audio\nWhat is 6 + 1?;7;0.wav\nWho is there?;None;1.wav\n", encoding="utf-8-sig")
    data = {"dataset_path": "csv", "dataset_kwargs": {"data_files": {"test": "t.csv"}, "sep": ";"}}
    write_yaml(tmp_path / "t.yaml", {"task": "t", **KEYS, **data})
    task = load_tasks(["t"], [str(tmp_path)]).paired["t"]
    items = [task.item(doc, k) for k, doc in enumerate(task.test_docs())]
    assert [(item.text, item.target) for item in items] == [("What is 6 + 1?", "7"), ("Who is there?", "None")]
    assert set(items[0].fields) == {"question", "answer"}


def test_data_without_rows_are_refused(refused: Refused, tmp_path: Path) -> None:
    write_task(tmp_path, dataset_path="csv", dataset_kwargs={"data_files": {"test": "none.csv"}})
    (tmp_path / "none.csv").write_text("question,answer,audio\n")
    assert "corresponds to no data" in refused("--tasks", "made", "--include_path", tmp_path)


def test_data_that_cannot_be_parsed_are_refused(refused: Refused, tmp_path: Path) -> None:
    write_yaml(tmp_path / "made.yaml", {"task": "made", **KEYS, "dataset_kwargs": {"data_files": {"test": "made.parquet"}}})
    (tmp_path / "made.parquet").write_bytes(b"no parquet at all")
    assert "dataset_path: 'parquet' cannot be loaded" in refused("--tasks", "made", "--include_path", tmp_path)


def test_a_group_that_names_a_missing_task_is_refused(refused: Refused, tmp_path: Path) -> None:
    path = write_yaml(tmp_path / "g.yaml", {"group": "g", "task": ["lsgap_mini_sizes", "lsgap_mini_dayz"]}, paired=False)
    line = refused("--tasks", "g", "--include_path", tmp_path)
    assert line.startswith(f"{path}: no task is called 'lsgap_mini_dayz'; did you mean 'lsgap_mini_days'")


def test_a_clip_longer_than_the_model_hears_is_refused_with_the_ways_out(refused: Refused, tmp_path: Path) -> None:
    write_task(tmp_path, changed(audio=wav(45.0)))
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert "made/1" in line
    assert "45.0 s" in line
    assert line.endswith("add --long_clips skip or --long_clips truncate")
