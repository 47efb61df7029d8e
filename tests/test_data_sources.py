"""Where data is found: beside the YAML, below LSGAP_DATA, on the hub; what the record says of it; and what is refused."""

from __future__ import annotations

from pathlib import Path

import datasets
import made_voicebench
import pytest
from made_tasks import spoken_rows, write_task

from lsgap_bench.data_sources import local_data, of_the_hub, remedy, state_of
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import load_tasks

COMMIT = "a1" * 20
FILES = [f"hf://datasets/hlt-lab/voicebench@{COMMIT}/bbh/test-00000-of-00001.parquet"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_voicebench.register_missing_scorers()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.delenv("LSGAP_DATA", raising=False)


def test_a_folder_beside_the_task_comes_before_a_local_copy_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = tmp_path / "copies"
    (copies / "lab/set").mkdir(parents=True)
    assert local_data("lab/set", tmp_path) is None
    monkeypatch.setenv("LSGAP_DATA", str(copies))
    assert local_data("lab/set", tmp_path) == copies / "lab/set"
    (tmp_path / "lab/set").mkdir(parents=True)
    assert local_data("lab/set", tmp_path) == tmp_path / "lab/set"
    assert local_data("parquet", tmp_path) is None


@pytest.mark.parametrize(("name", "hub"), [("hlt-lab/voicebench", True), ("parquet", False), ("./data/x", False), ("a/b/c", False)])
def test_a_name_of_the_hub_has_an_owner_and_a_name(name: str, hub: bool) -> None:
    assert of_the_hub(name) == hub


def test_the_record_keeps_the_commit_that_was_loaded_from_the_hub() -> None:
    assert state_of("hlt-lab/voicebench", "main", None, FILES) == {
        "source": "hlt-lab/voicebench",
        "from": "the hub",
        "revision": "main",
        "commit": COMMIT,
    }
    assert state_of("hlt-lab/voicebench", "main", None, [])["commit"] is None
    assert state_of("hlt-lab/voicebench", "main", Path("copy"), FILES) == {"source": "hlt-lab/voicebench", "from": "a local copy"}


def test_data_that_needs_the_network_is_refused_in_one_line_that_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"advbench\.yaml: dataset_path: 'hlt-lab/voicebench' cannot be loaded") as refused:
        load_tasks(["emnlp2025"])
    said = str(refused.value)
    assert "\n" not in said
    assert (
        "make a copy where there is a network (`hf download hlt-lab/voicebench --repo-type dataset --local-dir DIR/hlt-lab/voicebench`)"
        in said
    )
    assert said.endswith("and set LSGAP_DATA=DIR here")


def test_a_folder_of_copies_without_the_data_set_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LSGAP_DATA", str(tmp_path))
    line = remedy("hlt-lab/voicebench", None, Path("mine"))
    assert line.startswith(f"there is no mine/hlt-lab/voicebench and no {tmp_path}/hlt-lab/voicebench, so it is a data set of the hub: ")


@pytest.mark.parametrize(
    "data", [{"dataset_path": "csv", "dataset_kwargs": {"data_files": {"test": "set/test.csv"}}}, {"dataset_path": "set"}]
)
def test_a_folder_of_csv_files_is_read_with_its_words_as_they_are(tmp_path: Path, data: dict[str, object]) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/test.csv").write_text("q,a,n,clip\nWho is there?,None,7,0.wav\nWho is it?,NA,,1.wav\n", encoding="utf-8")
    write_task(tmp_path, **{"dataset_kwargs": None, **data, "doc_to_text": "{{q}} {{n}}", "doc_to_target": "a", "doc_to_audio": "clip"})
    (task,) = load_tasks(["made"], [str(tmp_path)]).paired.values()
    asked = [task.question(doc, "") for doc in task.test_docs()]
    assert [(one.text.strip(), one.target) for one in asked] == [("Who is there? 7", "None"), ("Who is it?", "NA")]


def test_a_local_copy_gives_its_own_rows_whatever_was_loaded_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """datasets itself keeps the rows of a folder with a README by the README alone."""

    def rows() -> int:
        return len(list(load_tasks(["voicebench_advbench"]).paired["voicebench_advbench"].items(None)))

    for name, count in (("one", 2), ("other", 3)):
        monkeypatch.setenv("LSGAP_DATA", str(made_voicebench.voicebench(tmp_path / name, rows=count, config="advbench")))
        assert rows() == count
    newer = made_voicebench.voicebench(tmp_path / "newer", rows=4, config="advbench") / "hlt-lab/voicebench/advbench"
    for file in newer.iterdir():
        file.rename(tmp_path / "other/hlt-lab/voicebench/advbench" / file.name)
    assert rows() == 4


def test_a_task_may_leave_the_target_out_where_no_scorer_of_it_needs_one(tmp_path: Path) -> None:
    write_task(tmp_path, name="open", doc_to_target=None, scorer="voicebench_open")
    (task,) = load_tasks(["open"], [str(tmp_path)]).paired.values()
    assert [item.target for item in task.items(None)] == [""] * 4


@pytest.mark.parametrize("keys", [{"scorer": "exact"}, {"scorer": "voicebench_open", "other_scorers": ["exact"]}])
def test_a_target_that_a_scorer_needs_is_asked_for(tmp_path: Path, keys: dict[str, object]) -> None:
    write_task(tmp_path, name="closed", doc_to_target=None, **keys)
    with pytest.raises(
        UsageError, match="doc_to_target is missing; add it, or name a scorer that needs no target, such as voicebench_open"
    ):
        load_tasks(["closed"], [str(tmp_path)])


def test_an_empty_target_of_a_task_that_has_targets_is_refused_as_before(tmp_path: Path) -> None:
    write_task(tmp_path, [{**row, "answer": ""} for row in spoken_rows(2)])
    (task,) = load_tasks(["made"], [str(tmp_path)]).paired.values()
    with pytest.raises(UsageError, match="doc_to_target gives nothing; every item needs a target"):
        list(task.items(None))
