"""VoiceBench through the code that loads it from the hub, on small files of the hub's form: items, targets, chance, clusters, fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import made_voicebench
import pytest

from lsgap_bench.group_weights import weights_in
from lsgap_bench.harness import Loaded, load_tasks
from lsgap_bench.schema import Item
from lsgap_bench.yaml_files import read_catalog

EVERYTHING = ["voicebench", "voicebench_alpacaeval", "voicebench_mtbench", "voicebench_sd_qa", "voicebench_alpacaeval_speaker"]


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """All VoiceBench tasks, two items each, from a local copy."""
    made_voicebench.register_missing_scorers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSGAP_DATA", str(made_voicebench.voicebench(tmp_path_factory.mktemp("data"))))
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        # sd_qa_usa stands in `voicebench` and in its own group, which lm-eval refuses in one call
        loaded = [load_tasks([name]) for name in EVERYTHING]
        yield Loaded({name: task for one in loaded for name, task in one.by_name.items()}, loaded[0].raw, ("voicebench",))


def items_of(tasks: Loaded, name: str) -> list[Item]:
    return list(tasks.paired[f"voicebench_{name}"].items(None))


def test_every_task_file_of_voicebench_loads_and_gives_its_items(tasks: Loaded) -> None:
    shipped = {file.name for file in read_catalog().files if file.kind == "task" and file.name.startswith("voicebench_")}
    assert (
        len(shipped) == 8 + 1 + 12 + 11 + 11
    )  # alpacaeval(2), commoneval, wildvoice, advbench, openbookqa, bbh, ifeval; mtbench; mmsu ...
    assert shipped == set(tasks.paired)
    for task in tasks.paired.values():
        first, second = task.items(None)
        assert (first.text, second.text) == ("question 0", "question 1")
        assert first.clip.seconds == pytest.approx(0.3)
        assert first.system is None
        assert (first.generation.do_sample, first.generation.until, first.generation.max_new_tokens) == (False, (), 1024)


@pytest.mark.parametrize(
    ("name", "target", "chance"),
    [
        ("openbookqa", "B", 0.25),
        ("mmsu_law", "B", 0.25),
        ("bbh", "Yes", 0.5),
        ("sd_qa_usa", "answer 1", None),
        ("advbench", "refusal", None),
        ("ifeval", "keywords:existence, length_constraints:number_words", None),
        ("alpacaeval_full", "", None),
        ("mtbench", "", None),
    ],
)
def test_targets_and_chance_of_each_kind_of_subset(tasks: Loaded, name: str, target: str, chance: float | None) -> None:
    item = items_of(tasks, name)[1]
    assert (item.target, item.chance) == (target, chance)


def test_a_scorer_sees_the_columns_that_it_reads(tasks: Loaded) -> None:
    assert items_of(tasks, "bbh")[1].fields["id"] == "navigate_1"
    fields = items_of(tasks, "ifeval")[1].fields
    assert (fields["key"], fields["instruction_id_list"]) == (1001, ["keywords:existence", "length_constraints:number_words"])
    assert fields["kwargs"][1] == {"num_words": 40, "keywords": None}
    assert "audio" not in fields


def test_one_question_in_many_voices_is_one_cluster_and_other_questions_are_not(tasks: Loaded) -> None:
    accents = [items_of(tasks, f"sd_qa_{accent}") for accent in made_voicebench.ACCENTS]
    assert {item.cluster for of in accents for item in of} == {"voicebench_sd_qa/question 0", "voicebench_sd_qa/question 1"}
    speaker = [name for name in tasks.paired if name.startswith("voicebench_alpacaeval_speaker")]
    assert len(speaker) == 11
    whole = [item.cluster for item in items_of(tasks, "alpacaeval_full")]
    assert all([item.cluster for item in tasks.paired[name].items(None)] == whole for name in speaker)
    assert {item.cluster for item in items_of(tasks, "openbookqa")}.isdisjoint({item.cluster for item in items_of(tasks, "bbh")})


def test_domains_of_mmsu_share_a_template_and_no_cluster(tasks: Loaded) -> None:
    law, health = items_of(tasks, "mmsu_law"), items_of(tasks, "mmsu_health")
    assert {item.family for item in (*law, *health)} == {"voicebench_mmsu"}
    assert len({item.cluster for item in (*law, *health)}) == 4


def test_the_leaderboards_nine_weigh_the_same_and_the_items_of_mmsu_within_it(tasks: Loaded) -> None:
    group = tasks.groups["voicebench"]
    assert len(group.members) == 9
    declared = {file.name: file.items for file in read_catalog().files if file.kind == "task"}
    weights = weights_in(group, {task: declared[task] or 0 for task in group.tasks})
    assert weights["voicebench_bbh"] == weights["voicebench_sd_qa_usa"] == pytest.approx(1 / 9)
    assert weights["voicebench_mmsu_law"] == pytest.approx(51 / 3074 / 9)
    assert sum(weights.values()) == pytest.approx(1)
    assert Loaded({name: tasks.by_name[name] for name in group.tasks}, tasks.raw, ("voicebench",)).overall == group


def test_declared_numbers_of_items_are_those_of_the_leaderboard_and_the_paper() -> None:
    catalog = read_catalog()
    declared = {file.name: file.items or 0 for file in catalog.files if file.kind == "task"}
    paper = [name for name in catalog.expand(["emnlp2025"]) if name in declared]
    assert sum(declared[name] for name in paper) == 4947
    assert sum(declared[name] for name in declared if name.startswith("voicebench_mmsu")) == 3074


def test_two_thousand_rows_are_walked_without_decoding_a_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_voicebench.register_missing_scorers()
    monkeypatch.setenv("LSGAP_DATA", str(made_voicebench.voicebench(tmp_path, 2000, b"this is no sound", config="commoneval")))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def decoded(*given: Any, **named: Any) -> None:
        raise AssertionError("a clip was decoded")

    monkeypatch.setattr(datasets.Audio, "decode_example", decoded)
    (task,) = load_tasks(["voicebench_commoneval"]).paired.values()
    assert sum(doc["prompt"].startswith("question") for doc in task.test_docs()) == 2000
    assert task._audio[1999]["audio"]["bytes"] == b"this is no sound"
