"""The keys of a paired task: our half, lm-eval's half, and generation settings."""

from __future__ import annotations

from typing import Any

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Generation
from lsgap_bench.task_config import parse_generation, split_config

THEIRS = ["task", "dataset_path", "test_split", "doc_to_text", "doc_to_target", "doc_to_choice", "output_type", "generation_kwargs"]
THEIRS += ["metric_list", "num_fewshot", "target_delimiter", "repeats", "description"]
LEAST = {"task": "t", "dataset_path": "json", "test_split": "test", "doc_to_text": "q", "doc_to_target": "a", "doc_to_audio": "clip"}


def test_what_a_yaml_leaves_out_has_a_default_for_both_forms() -> None:
    ours, theirs = split_config(LEAST, THEIRS, "t.yaml")
    assert (ours.scorer, ours.cluster, ours.family, ours.chance) == ("exact", None, "t", None)
    assert ours.generation == Generation(max_new_tokens=1024, until=(), do_sample=False)
    assert theirs["generation_kwargs"] == {"until": [], "max_gen_toks": 1024, "do_sample": False}
    assert (theirs["num_fewshot"], theirs["metric_list"], theirs["target_delimiter"]) == (0, [], "")
    assert not {"doc_to_audio", "scorer", "chance"} & theirs.keys()


def test_our_keys_are_read_and_kept_from_lm_eval() -> None:
    given = {
        "scorer": "choice",
        "cluster": "speaker",
        "family": "f",
        "chance": "0.25",
        "generation_kwargs": {"max_gen_toks": 8, "until": "."},
    }
    ours, theirs = split_config({**LEAST, **given}, THEIRS, "t.yaml")
    assert (ours.scorer, ours.cluster, ours.family, ours.chance) == ("choice", "speaker", "f", 0.25)
    assert ours.generation == Generation(max_new_tokens=8, until=(".",))
    assert theirs["generation_kwargs"]["until"] == ["."]
    assert given.keys() & theirs.keys() == {"generation_kwargs"}


def test_options_are_not_generated() -> None:
    _, theirs = split_config({**LEAST, "output_type": "multiple_choice", "doc_to_choice": ["a", "b"]}, THEIRS, "t.yaml")
    assert "generation_kwargs" not in theirs


@pytest.mark.parametrize("chance", ["auto", "{{1 / n}}", 0, 1, 0.5, None])
def test_a_chance_is_a_fraction_a_template_or_auto(chance: Any) -> None:
    assert split_config({**LEAST, "chance": chance}, THEIRS, "t.yaml")[0].chance == chance


def test_settings_of_a_run_go_over_those_of_the_task() -> None:
    task = parse_generation({"max_gen_toks": 5, "until": ["."]}, "t.yaml")
    assert parse_generation({"max_new_tokens": "9"}, "--gen_kwargs", task) == Generation(max_new_tokens=9, until=(".",))


def test_temperature_zero_is_greedy() -> None:
    made = parse_generation({"do_sample": "true", "temperature": "0", "top_p": 0.9}, "here")
    assert (made.do_sample, made.temperature) == (False, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_beams": 4}, "here: no setting is called 'num_beams'"),
        ({"max_new_tokens": "many"}, "here: max_new_tokens: 'many' is no whole number"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0 is below 1"),
        ({"do_sample": "perhaps"}, "'perhaps' is no true or false"),
        ({"top_p": "high"}, "'high' is no number"),
        ({"until": 5}, "5 is no list of strings"),
    ],
)
def test_a_generation_setting_that_makes_no_sense_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_generation(given, "here")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"do_sample": True, "temperature": -1}, "temperature: -1.0 is out of range"),
        ({"do_sample": True, "top_p": 0}, "top_p: 0.0 is out of range"),
        ({"do_sample": True, "top_p": 5}, "top_p: 5.0 is out of range"),
        ({"temperature": 0.7}, "add do_sample=true"),
    ],
)
def test_settings_that_sample_nonsense_or_nothing_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_generation(given, "here")
