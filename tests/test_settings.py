from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lsgap_bench.errors import UsageError
from lsgap_bench.protocols import PROTOCOLS
from lsgap_bench.settings import DEMO_CONDITIONS, Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", 3),
        ("model_args", "dtype=float32"),
        ("tasks", "lsgap_mini"),
        ("tasks", [1]),
        ("conditions", "text"),
        ("metrics", "pooled_cosine"),
        ("limit", 0.5),
        ("limit", True),
        ("limit", "4"),
        ("seed", None),
        ("batch_size", 2.0),
        ("output_path", 7),
        ("resume", "no"),
        ("skip_bad_items", 1),
        ("device", 0),
        ("tags", ["a"]),
        ("systems", "base"),
        ("base", None),
        ("base_args", "pretrained=x"),
        ("recognizer_args", ["x"]),
        ("protocol", None),
        ("choices", "layers=0..L"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_the_kind_that_fits(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"^{name} .* is {type(value).__name__}; give ") as caught:
        Settings(**{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_one_leaves_no_items(limit: int) -> None:
    with pytest.raises(UsageError, match=f"limit {limit} leaves no items"):
        Settings(limit=limit)


def test_every_setting_has_a_default_of_a_fitting_kind() -> None:
    assert Settings().demo
    assert not Settings(model_args={"pretrained": "a/b"}).demo


def test_the_demo_runs_interventions_and_any_other_model_the_two_plain_forms() -> None:
    assert [c.name for c in Settings().parsed_conditions()] == list(DEMO_CONDITIONS)
    assert [c.name for c in Settings(model_args={"pretrained": "a/b"}).parsed_conditions()] == ["text", "speech"]


def test_a_condition_named_twice_is_run_once() -> None:
    asked = Settings(conditions=["speech", "speech+identity:all@0", "speech"])
    assert [c.name for c in asked.parsed_conditions()] == ["text", "speech", "speech+identity:all@0"]


def test_braces_are_written_out_in_order() -> None:
    grid = "speech+{angle_projection,length_normalization}:{bottom3,all}@{0,all}"
    names = [c.name for c in Settings(conditions=[grid, "speech+length_normalization:all@0"]).parsed_conditions()]
    plugins, places = ("angle_projection", "length_normalization"), ("bottom3@0", "bottom3@all", "all@0", "all@all")
    assert names == ["text", "speech", *(f"speech+{plugin}:{place}" for plugin in plugins for place in places)]
    both = Settings(conditions=["{text,speech}"]).parsed_conditions()
    assert [c.name for c in both] == ["text", "speech"]


def test_a_grid_of_controls_is_refused_where_one_name_in_it_is_wrong() -> None:
    with pytest.raises(UsageError, match="did you mean 'random_direction'"):
        Settings(conditions=["speech+identity:all@0={wrong_transcript,random_directions}"]).parsed_conditions()


def test_no_metrics_and_all_metrics_can_be_asked_for() -> None:
    assert Settings(metrics=[]).representation_metrics() == ()
    everything = Settings().representation_metrics()
    assert "alignment_path_score" in everything
    assert "modality_gap" not in everything  # a metric of answers


@pytest.fixture
def other_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's protocol on a group that no file defines."""
    monkeypatch.setattr("lsgap_bench.protocols.PROTOCOLS", {"emnlp2025": dataclasses.replace(PROTOCOLS["emnlp2025"], tasks=("to_come",))})


@pytest.mark.usefixtures("other_tasks")
def test_the_papers_protocol_brings_its_tasks_metrics_and_conditions(tmp_path: Path) -> None:
    (tmp_path / "group.yaml").write_text("group: to_come\ntask: [lsgap_mini_days]\n")
    asked = Settings(protocol="emnlp2025", include_path=[tmp_path])
    assert asked.task_names() == ["to_come"]
    assert set(asked.representation_metrics()) | set(asked.answer_metrics()) == set(PROTOCOLS["emnlp2025"].metrics)
    assert [c.name for c in asked.parsed_conditions()] == list(PROTOCOLS["emnlp2025"].conditions)
    own = Settings(protocol="emnlp2025", tasks=["lsgap_mini_days"], conditions=["text"], limit=2)
    assert own.task_names() == ["lsgap_mini_days"]
    assert [c.name for c in own.parsed_conditions()] == ["text"]
    entry = own.protocol_entry({}, tasks=own.task_names(), conditions=["text"], generation={})
    assert entry["deviations"] == ["tasks: lsgap_mini_days", "conditions: text", "limit: 2"]


@pytest.mark.usefixtures("other_tasks")
def test_a_protocol_whose_tasks_are_not_there_says_so_and_how_to_name_others() -> None:
    with pytest.raises(UsageError, match=r"has the tasks 'to_come', which are not among the task files; name others with --tasks A,B"):
        Settings(protocol="emnlp2025").task_names()


def test_metrics_that_contradict_the_protocol_are_refused() -> None:
    with pytest.raises(UsageError, match="protocol emnlp2025 fixes the metrics"):
        Settings(protocol="emnlp2025", metrics=["pooled_cosine"]).representation_metrics()


def model(name: str = "org/name", fingerprint: str = "f", device: str = "cpu") -> Any:
    return SimpleNamespace(name=name, fingerprint=fingerprint, device=torch.device(device))


def test_the_automatic_folder_depends_on_what_decides_the_record_only() -> None:
    base = Settings(output_path="auto")
    usual = ({"batch_size": 7}, {"resume": False}, {"choices": {}, "protocol": "lsgap"})
    same = [Settings(output_path="auto", **settings) for settings in usual]
    other = [
        Settings(output_path="auto", seed=1),
        Settings(output_path="auto", limit=3),
        Settings(output_path="auto", include_path=[Path("a")]),
        Settings(output_path="auto", choices={"path": "euclidean"}),
        Settings(output_path="auto", protocol="emnlp2025"),
    ]
    assert {s.folder(model()) for s in same} == {base.folder(model())}
    assert len({s.folder(model()) for s in [base, *other]}) == 6
    assert base.folder(model(fingerprint="g")) != base.folder(model())
    assert str(base.folder(model())).startswith("lsgap_results/org-name-")


def test_a_folder_that_is_given_is_used_and_none_means_none() -> None:
    assert Settings(output_path="x/y").folder(model()) == Path("x/y")
    assert Settings().folder(model()) is None


@pytest.mark.parametrize(
    ("asked", "device", "size"), [(3, "cpu", 3), ("12", "cpu", 12), ("auto", "cpu", 32), ("auto", "cuda", 64), ("auto", "mps", 32)]
)
def test_the_batch_size_is_a_number_or_fits_the_device(asked: int | str, device: str, size: int) -> None:
    assert Settings(batch_size=asked).items_per_batch(model(device=device)) == size


def test_companions_are_base_and_cascade_in_that_order_and_none_by_default() -> None:
    assert Settings().companions() == ()
    assert Settings(systems=["lslm"]).companions() == ()
    assert Settings(systems=["cascade", "lslm", "base"]).companions() == ("base", "cascade")
    assert Settings(systems=["cascade"]).companions() == ("cascade",)
