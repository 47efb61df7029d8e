"""Every shipped task says whose data it is; the spoken benchmarks beside VoiceBench load from files of their public form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import made_voicebench
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from made_tasks import wav, write_yaml

from lsgap_bench.harness import PairedTask, load_tasks
from lsgap_bench.schema import Item
from lsgap_bench.yaml_files import TaskFile, merged, read_catalog, tasks_sha256

SHIPPED = [file for file in read_catalog().files if file.kind == "task"]
BENCHMARKS = ("voicebench", "big_bench_audio", "llama_questions", "uro_bench", "speech_mmlu")
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_shipped_task_has_version_licence_citation_and_source(file: TaskFile) -> None:
    metadata = file.config["metadata"]
    assert float(metadata["version"]) > 0
    assert all(isinstance(metadata[key], str) and metadata[key].strip() for key in ("licence", "citation", "source"))


def test_the_page_of_benchmarks_names_every_shipped_benchmark_with_its_number_of_items() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    listed = [file for file in SHIPPED if file.path.parent.name in BENCHMARKS]
    assert len(listed) == 9 + 7  # the domains, accents and voices of VoiceBench lie in folders of their own
    for file in listed:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{file.name}` |")]
        assert f"| {file.items:,} |" in row


def test_metadata_of_an_include_stays_beside_the_files_own_and_only_the_version_decides_a_number(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("scorer: exact\nmetadata: {version: 1.0, licence: MIT}\n")
    child = write_yaml(tmp_path / "child.yaml", {"include": "base.yaml", "task": "child", "metadata": {"items": 3}})
    assert merged(child)["metadata"] == {"version": 1.0, "licence": "MIT", "items": 3}
    before = tasks_sha256([str(child)])
    (tmp_path / "base.yaml").write_text("scorer: exact\nmetadata: {version: 1.0, licence: CC-BY-4.0}\n")
    assert tasks_sha256([str(child)]) == before
    (tmp_path / "base.yaml").write_text("scorer: exact\nmetadata: {version: 2.0, licence: MIT}\n")
    assert tasks_sha256([str(child)]) != before


# -------------------------------------------------------------------------------------------------- other spoken benchmarks


def copy_of(data: Path, name: str, config: str | None, split: str, row: dict[str, Any], audio: str) -> Path:
    """A local copy of a hub's data set with two equal rows. audio: the column of the clip."""
    folder = data / name
    (folder / (config or "data")).mkdir(parents=True)
    table = pa.Table.from_pylist([row, row])
    if isinstance(row[audio], dict):
        place = table.schema.get_field_index(audio)
        table = table.set_column(place, audio, pa.array([row[audio]] * 2, made_voicebench.AUDIO))
    pq.write_table(table, folder / (config or "data") / f"{split}-00000-of-00001.parquet")
    files = [{"config_name": config or "default", "data_files": [{"split": split, "path": f"{config or 'data'}/{split}-*"}]}]
    features = [{"name": column, "dtype": "audio" if column == audio and isinstance(row[audio], dict) else "string"} for column in row]
    card = {"configs": files, "dataset_info": [{"config_name": config or "default", "features": features}]}
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card)}---\n")
    return folder


def only_item(task: str) -> Item:
    (loaded,) = load_tasks([task]).paired.values()
    assert isinstance(loaded, PairedTask)
    first, second = loaded.items(None)
    assert first.text == second.text
    return first


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made_voicebench.register_missing_scorers()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("LSGAP_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


CLIP = {"bytes": wav(0.3), "path": "0.wav"}


def test_big_bench_audio_is_asked_by_its_transcript(data: Path) -> None:
    row = {"audio": CLIP, "transcript": "Is the argument valid?", "official_answer": "invalid"}
    copy_of(data, "fixie-ai/big_bench_audio", None, "train", row, "audio")
    item = only_item("big_bench_audio")
    assert (item.text, item.target, item.chance) == ("Is the argument valid?", "invalid", 0.5)
    assert item.clip.seconds == pytest.approx(0.3)


def test_llama_questions_have_a_word_as_their_target(data: Path) -> None:
    copy_of(data, "fixie-ai/llama-questions", None, "test", {"audio": CLIP, "question": "Capital of Peru?", "answer": "Lima"}, "audio")
    item = only_item("llama_questions")
    assert (item.text, item.target) == ("Capital of Peru?", "Lima")


@pytest.mark.parametrize(("task", "config"), [("gaokao", "GaokaoEval"), ("gsm8k", "Gsm8kEval"), ("mlc", "MLC"), ("mlc_pro", "MLCpro-en")])
def test_a_subset_of_uro_bench_is_one_configuration(data: Path, task: str, config: str) -> None:
    copy_of(data, "Honggao/URO-Bench", config, "test", {"source_wav": CLIP, "source_text": "2 + 2?", "target_text": "4"}, "source_wav")
    item = only_item(f"uro_bench_{task}")
    assert (item.text, item.target) == ("2 + 2?", "4")


def test_speech_mmlu_finds_the_clips_that_its_rows_name_inside_the_local_copy(data: Path) -> None:
    row = {"id": "anatomy_0", "subject": "anatomy", "question_text": "Which? A: one", "question_audio": "audio/0.wav", "answer": "2"}
    folder = copy_of(data, "XiaomiMiMo/SpeechMMLU", "anatomy", "train", row, "question_audio")
    (folder / "audio").mkdir()
    (folder / "audio/0.wav").write_bytes(wav(0.5))
    item = only_item("speech_mmlu")
    assert (item.text, item.target, item.chance, item.fields["subject"]) == ("Which? A: one", "C", 0.25, "anatomy")
    assert item.clip.seconds == pytest.approx(0.5)
