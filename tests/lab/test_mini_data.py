"""The embedded data as shipped: every clip decodes, rows are what the world says, and the demo model knows every word."""

from __future__ import annotations

import collections
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tokenizers import Tokenizer

from lsgap_bench.lab import build_mini, world
from lsgap_bench.registry import voices
from lsgap_bench.speech.clips import clip_from_bytes, decode
from lsgap_bench.speech.espeak import Line, Timed
from lsgap_bench.speech.voices import Speech

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tasks" / "lsgap_mini"
NAMES = [name + engine for name in world.TASKS for engine in ("", "_flite")]
LONGEST = 9.0  # seconds that the demo model hears


@cache
def rows(name: str) -> list[dict]:
    return pq.read_table(FOLDER / "data" / f"{name}.parquet").to_pylist()


def test_the_tasks_are_as_large_as_promised():
    sizes = [len({row["question"] for row in rows(name)}) for name in world.TASKS]
    assert min(sizes) >= 45
    assert sum(sizes) >= 315
    assert sum(file.stat().st_size for file in (FOLDER / "data").iterdir()) <= 7e6


@pytest.mark.parametrize("name", NAMES)
def test_every_clip_decodes_to_speech_that_the_demo_model_can_hear_whole(name: str):
    for row in rows(name):
        clip = clip_from_bytes(lambda row=row: row["audio"]["bytes"], row["id"])
        wave = decode(clip, 16_000)
        assert clip.sampling_rate == 16_000
        assert abs(wave).max() > 0.05
        assert 0.8 < clip.seconds < LONGEST
        assert 0.08 < clip.seconds / len(re.findall(r"\w+", row["question"])) < 0.8  # seconds per word


def test_no_two_clips_are_the_same():
    hashes = [hashlib.sha256(row["audio"]["bytes"]).digest() for name in NAMES for row in rows(name)]
    assert len(set(hashes)) == len(hashes)
    ids = [row["id"] for name in NAMES for row in rows(name)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("task", world.TASKS)
def test_rows_are_the_worlds_held_out_questions(task: str):
    drawn = {question.text: question for question in world.draw(task, build_mini.QUESTIONS, build_mini.SEED)}
    assert {row["question"] for row in rows(task)} == set(drawn)
    for row in rows(task) + rows(f"{task}_flite"):
        question = drawn[row["question"]]
        assert int(hashlib.sha1(question.key.encode()).hexdigest(), 16) % 12 == 0
        assert (row["answer"], tuple(row["options"])) == (question.answer, question.options)


@pytest.mark.parametrize("task", world.TASKS)
def test_question_ids_cluster_the_voices_of_one_question(task: str):
    texts = collections.defaultdict(set)
    for row in rows(task) + rows(f"{task}_flite"):
        texts[row["question_id"]].add(row["question"])
    assert all(len(said) == 1 for said in texts.values())
    assert len({min(said) for said in texts.values()}) == len(texts)
    spoken = collections.Counter((row["question_id"], row["voice"]) for row in rows(task))
    assert set(spoken.values()) == {1}
    assert set(collections.Counter(row["question_id"] for row in rows(task)).values()) == {build_mini.VOICES_PER_QUESTION}


@pytest.mark.parametrize("task", world.TASKS)
def test_questions_of_one_content_share_a_cluster_and_others_do_not(task: str):
    key_of = {question.text: question.key for question in world.draw(task, build_mini.QUESTIONS, build_mini.SEED)}
    contents = {(row["content"], key_of[row["question"]]) for row in rows(task) + rows(f"{task}_flite")}
    assert len({content for content, _ in contents}) == len({key for _, key in contents}) == len(contents)
    assert len(contents) == {"sums": 40, "sizes": 48, "sizes_yesno": 34}.get(task, 50)


@pytest.mark.parametrize("name", NAMES)
def test_voices_are_spread_evenly(name: str):
    counts = collections.Counter(row["voice"] for row in rows(name))
    known = build_mini.FLITE_VOICES if name.endswith("_flite") else build_mini.ESPEAK_VOICES
    assert {voice.partition(":")[2] for voice in counts} == set(known)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_no_answer_is_right_too_often():
    for name in world.TASKS:
        answers = collections.Counter(row["answer"] for row in rows(name))
        assert answers.most_common(1)[0][1] / sum(answers.values()) < 0.65, name


def test_the_demo_tokenizer_knows_every_word():
    tokenizer = Tokenizer.from_file(str(Path(world.__file__).parent / "demo_model" / "tokenizer.json"))
    unknown = tokenizer.token_to_id("<|unk|>")
    for name in NAMES:
        for row in rows(name):
            for text in (row["question"], row["answer"], *row["options"]):
                assert unknown not in tokenizer.encode(text).ids, text
            assert all(len(tokenizer.encode(option).ids) == 1 for option in (row["answer"], *row["options"]))


def test_the_yaml_files_name_every_task_and_data_file():
    files = [file for file in FOLDER.glob("*.yaml") if not file.name.startswith("_")]  # those are included by the others
    configs = [yaml.load(file.read_text().replace("!function ", ""), yaml.SafeLoader) for file in files]
    tasks = {config["task"]: config for config in configs if "group" not in config}
    groups = {config["group"]: set(config["task"]) for config in configs if "group" in config}
    assert set(tasks) == {f"lsgap_mini_{name}" for name in NAMES}
    assert groups["lsgap_mini"] == {f"lsgap_mini_{name}" for name in world.TASKS}
    assert groups["lsgap_mini_flite"] == set(tasks) - groups["lsgap_mini"]
    for name in NAMES:
        assert tasks[f"lsgap_mini_{name}"]["dataset_kwargs"]["data_files"] == {"test": f"data/{name}.parquet"}


def test_the_builder_writes_what_is_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Whistle:
        version = "whistle 1"

        def synthesize(self, text: str, voice: str, **manner: object) -> Speech:
            return Speech(np.linspace(-0.5, 0.5, 800, dtype=np.float32), 16_000)

        def recite(self, lines: Sequence[Line]) -> list[Timed]:
            return [Timed(self.synthesize(line.text, line.voice), ((0, 0), (400, None))) for line in lines]

    monkeypatch.setattr(build_mini, "voices", {"espeak": Whistle, "flite": Whistle})
    monkeypatch.setattr(build_mini, "QUESTIONS", 4)
    build_mini.build(tmp_path / "once", progress=lambda line: None)
    build_mini.build(tmp_path / "twice", progress=lambda line: None)
    files = sorted(file.name for file in (tmp_path / "once").iterdir())
    assert files == sorted(f"{name}.parquet" for name in NAMES)
    assert all((tmp_path / "once" / file).read_bytes() == (tmp_path / "twice" / file).read_bytes() for file in files)
    table = pq.read_table(tmp_path / "once" / "days.parquet")
    assert table.num_rows == 4 * build_mini.VOICES_PER_QUESTION
    first, *others = table.to_pylist()[0]["words"]
    assert first == pytest.approx({"start": 0.0, "end": 400 / 16_000})  # the first word, until the pause; of the others nothing is told
    assert set(map(str, others)) == {"None"}
    assert table.schema.metadata[b"voices"] == b"whistle 1"
    assert table.schema == pq.read_schema(FOLDER / "data" / "days.parquet")


def test_a_shipped_clip_can_be_made_again():
    pytest.importorskip("espeakng_loader")
    engine = voices["espeak"]()
    made_with = pq.read_schema(FOLDER / "data" / "sizes.parquet").metadata[b"voices"].decode()
    if engine.version != made_with:
        pytest.skip(f"the data were made with {made_with}, this is {engine.version}")
    shipped, again = rows("sizes")[0], next(build_mini.espeak_rows("sizes", engine))
    waves = [decode(clip_from_bytes(lambda row=row: row["audio"]["bytes"], row["id"]), 16_000) for row in (shipped, again)]
    assert {**shipped, "audio": None, "words": None} == {**again, "audio": None, "words": None}
    for word, spoken in zip(shipped["words"], again["words"], strict=True):
        assert word == pytest.approx(spoken, abs=1e-6)
    assert np.corrcoef(*waves)[0, 1] > 0.99
