"""Whole runs of the embedded model on tiny tasks made in the test's own folder."""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import demo_run
import numpy as np
import pytest
import soundfile
import yaml
from scipy.stats import t as student

from lsgap_bench.errors import UsageError
from lsgap_bench.protocols import PROTOCOLS
from lsgap_bench.registry import metrics, scorers
from lsgap_bench.run import Evaluation, evaluate
from lsgap_bench.schema import Item, Verdict
from lsgap_bench.settings import Settings

PAIRED = {
    "dataset_path": "json",
    "test_split": "test",
    "doc_to_text": "{{question}}",
    "doc_to_audio": "audio",
    "doc_to_target": "{{answer}}",
    "doc_to_choice": "options",
    "output_type": "multiple_choice",
    "scorer": "choice",
    "chance": "auto",
}


def write_task(folder: Path, name: str, items: Sequence[Item], **changes: Any) -> None:
    """A paired task of some shipped items, or of clips that a test wrote to the folder before."""
    rows = []
    for item in items:
        clip = folder / f"{item.id.replace('/', '-')}.audio"
        if not clip.exists():
            clip.write_bytes(item.clip.read())
        rows.append({"question": item.text, "answer": item.target, "options": list(item.options), "audio": clip.name, "id": item.cluster})
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {"task": name, **PAIRED, "dataset_kwargs": {"data_files": {"test": f"{name}.jsonl"}}, **changes}
    config = {key: value for key, value in config.items() if value is not None}
    written = yaml.safe_dump(config, sort_keys=False)
    (folder / f"{name}.yaml").write_text(f"class: !function lsgap_bench.harness.PairedTask\n{written}")


def run(folder: Path, *tasks: str, **settings: Any) -> Evaluation:
    return evaluate(
        **{"tasks": list(tasks), "include_path": [folder], "conditions": ["text", "speech"], "metrics": [], "device": "cpu", **settings}
    )


CHOICES = demo_run.items(8, demo_run.TASKS[:1])
DAYS = demo_run.items(4, demo_run.TASKS[1:2])


# -------------------------------------------------------------------------------------------------- from Python


def test_an_evaluation_can_be_shown_and_taken_as_plain_types() -> None:
    done = demo_run.evaluation()
    assert json.loads(json.dumps(done.to_dict()))["tasks"].keys() == set(demo_run.TASKS)
    table = done.table()
    assert all(task in table for task in demo_run.TASKS)
    assert demo_run.INTERVENTION in table


def test_an_evaluation_can_be_saved_anywhere(tmp_path: Path) -> None:
    folder = demo_run.evaluation().save(tmp_path / "a" / "copy")
    assert json.loads((folder / "record.json").read_text())["overall"]["gap"]["n"] == 18


def test_the_signature_of_evaluate_names_every_setting() -> None:
    assert inspect.signature(evaluate).parameters == inspect.signature(Settings).parameters


def test_an_unknown_argument_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(TypeError, match=r"evaluate\(\) has no argument 'task'; did you mean 'tasks'"):
        evaluate(task="lsgap_mini")


def test_the_record_names_system_settings_and_prompts() -> None:
    record = demo_run.evaluation().record
    assert record.system["parameters"] > 1e6
    assert record.provenance["settings"]["limit"] == 6
    assert record.provenance["seed"] == 0
    prompts = record.provenance["prompts"][demo_run.TASKS[0]]
    assert {"text", "speech", demo_run.INTERVENTION} <= prompts.keys()
    assert prompts["text"] != prompts["speech"] == prompts[demo_run.INTERVENTION]


def test_the_record_names_the_protocol_every_choice_and_the_scorers() -> None:
    provenance = demo_run.evaluation().record.provenance
    assert provenance["protocol"] == {"name": "lsgap", "choices": PROTOCOLS["lsgap"].settled({}), "deviations": []}
    assert provenance["scorers"].keys() == set(demo_run.TASKS)
    assert provenance["scorers"]["lsgap_mini_days"] == "choice"
    assert provenance["scorers_sha256"].keys() == set(demo_run.TASKS)


def test_the_papers_protocol_runs_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = dataclasses.replace(PROTOCOLS["emnlp2025"], tasks=("to_come",))
    monkeypatch.setattr("lsgap_bench.protocols.PROTOCOLS", {**PROTOCOLS, "emnlp2025": paper})
    write_task(tmp_path, "days_of_the_paper", DAYS)
    (tmp_path / "group.yaml").write_text("group: to_come\ntask: [days_of_the_paper]\n")
    done = evaluate(protocol="emnlp2025", include_path=[tmp_path], device="cpu")
    assert done.record.provenance["protocol"] == {"name": "emnlp2025", "choices": paper.settled({}), "deviations": []}
    assert {*done.record.overall.representation, *done.record.overall.answers} == set(paper.metrics)
    assert list(done.record.tasks["days_of_the_paper"].interventions) == list(paper.conditions[2:])
    assert done.table().splitlines()[1] == "Protocol emnlp2025"


def test_a_choice_of_layers_decides_the_record_and_what_is_sampled_is_a_deviation(tmp_path: Path) -> None:
    write_task(tmp_path, "free", DAYS, output_type="generate_until", doc_to_choice=None, chance=None)
    sampling = {"do_sample": True, "max_new_tokens": 2}
    done = run(tmp_path, "free", metrics=["pooled_cosine"], choices={"layers": "0..L"}, gen_kwargs=sampling)
    of = done.record.overall.representation["pooled_cosine"]
    assert of.value.value == pytest.approx(np.mean(of.by_layer))  # all layers, and all of them have a value
    assert done.record.provenance["protocol"]["choices"]["layers"] == "0..L"
    assert done.record.provenance["protocol"]["deviations"] == ["decoding: sampling is on in free"]


def test_an_intervention_brings_both_plain_forms_with_it() -> None:
    scores = demo_run.evaluation().record.tasks[demo_run.TASKS[0]].scores
    assert list(scores)[:3] == ["text", "speech", demo_run.INTERVENTION]


# -------------------------------------------------------------------------------------------------- numbers


def test_lm_evals_own_mean_and_standard_error_agree_with_ours_on_single_items(tmp_path: Path) -> None:
    wrong = dataclasses.replace(CHOICES[0], target=next(o for o in CHOICES[0].options if o != CHOICES[0].target))
    write_task(tmp_path, "single", [wrong, *CHOICES[2::2]])
    done = run(tmp_path, "single", conditions=["text", "speech", "speech+angle_projection:all@0"], output_path=tmp_path / "run")
    theirs = json.loads((tmp_path / "run" / "results.json").read_text())["results"]["single"]
    ours = done.record.tasks["single"]
    n = ours.n
    compared = {**{c: ours.scores[c] for c in ours.scores if "=" not in c}, "gap": ours.gap}
    spread = False
    for name, estimate in compared.items():
        assert estimate.value == pytest.approx(100 * theirs[f"{name},none"])
        stderr = (estimate.high - estimate.low) / 2 / student.ppf(0.975, n - 1) / 100
        assert stderr == pytest.approx(theirs[f"{name}_stderr,none"])
        spread |= stderr > 0
    assert spread


def test_graded_scores_are_averaged_and_tested_without_counting_flips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_length(response: str, item: Any) -> Verdict:
        score = len(response) % 3 / 4
        return Verdict(response, score, None, True)

    scorers["exact"]  # loads the shipped ones
    monkeypatch.setitem(scorers._found, "graded", by_length)
    free = demo_run.items(4, demo_run.TASKS[2:])
    changes = {"output_type": "generate_until", "doc_to_choice": None, "generation_kwargs": {"max_new_tokens": 3}, "chance": 0.25}
    write_task(tmp_path, "open", free, scorer="graded", **changes)
    done = run(tmp_path, "open", conditions=["speech+length_normalization:all@0"])
    result = done.record.tasks["open"]
    expected = np.mean([len(p.observations["text"].answer) % 3 / 4 for p in done.pairs["open"]])
    assert result.scores["text"].value == pytest.approx(100 * expected)
    assert result.p_value.test == "sign flip of cluster sums"
    assert result.interventions["speech+length_normalization:all@0"].recovered is None
    assert result.chance == 0.25


def test_plain_lm_eval_tasks_alone_give_a_record_of_text_tasks(tmp_path: Path) -> None:
    rows = [{"q": "Which day comes after Monday? A: tuesday. B: sunday.", "gold": 0}, {"q": "Is a frog larger than a whale?", "gold": 1}]
    (tmp_path / "plain.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "task": "plain",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(tmp_path / "plain.jsonl")}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{q}}",
        "doc_to_choice": ["a", "no"],
        "doc_to_target": "gold",
        "metric_list": [{"metric": "acc"}],
    }
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(config))
    done = run(tmp_path, "plain", output_path=tmp_path / "run")
    record = done.record
    assert record.tasks == {}
    assert record.overall.tasks == []
    assert record.overall.gap.why == "no items are left"
    assert 0 <= record.text_tasks["plain"]["acc,none"] <= 1
    assert json.loads((tmp_path / "run" / "record.json").read_text())["text_tasks"]["plain"]["sample_len"] == 2
    assert "log.txt" in {p.name for p in (tmp_path / "run").iterdir()}
    assert done.table()


@pytest.mark.parametrize("form", ["text", "speech"])
def test_one_form_alone_is_a_whole_run(tmp_path: Path, form: str) -> None:
    write_task(tmp_path, "single", CHOICES[:2])
    done = run(tmp_path, "single", conditions=[form], metrics=["pooled_cosine"], output_path=tmp_path / "run")
    result = done.record.tasks["single"]
    assert [c for c in result.scores if "=" not in c] == [form]
    assert result.gap.why == "only one form was run"
    assert bool(result.representation) == (form == "speech")
    assert done.table()


def test_one_item_is_a_whole_run_that_says_what_it_lacks(tmp_path: Path) -> None:
    write_task(tmp_path, "single", CHOICES[:1])
    done = run(tmp_path, "single", metrics=["pooled_cosine"], output_path=tmp_path / "run")
    found = done.record.tasks["single"].representation["pooled_cosine"]
    assert not math.isnan(found.value.value)
    assert found.null["same_task"].why == "no item has a value"
    assert done.record.checks["other_clip"]["passed"] is None
    assert "not checked" in done.record.checks["other_clip"]["note"]
    assert done.table()


def test_a_metric_of_the_users_own_folder_is_in_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(metrics)
    monkeypatch.setattr(metrics, "_found", dict(metrics._found))
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "speech_tokens.py").write_text(
        "from lsgap_bench.registry import metric\n\n\n"
        "@metric('speech_tokens', needs='states', unit='tokens', higher_is_better=False)\n"
        "def speech_tokens(layer):\n"
        "    return layer.speech_mask.sum(dim=1).to(layer.speech.dtype)\n"
    )
    write_task(tmp_path, "single", CHOICES[:2])
    done = run(tmp_path, "single", metrics=["speech_tokens"])
    expected = np.mean([pair.observations["speech"].content_tokens for pair in done.pairs["single"]])
    assert done.record.tasks["single"].representation["speech_tokens"].value.value == pytest.approx(expected)


# -------------------------------------------------------------------------------------------------- bad items


def broken(folder: Path, item: Item) -> None:
    """The item's clip with a sample that is no number, found only by decoding it."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.array([0.0, np.nan] * 8000, dtype=np.float32), 16_000, format="WAV", subtype="FLOAT")
    (folder / f"{item.id.replace('/', '-')}.audio").write_bytes(buffer.getvalue())


def test_a_clip_that_is_no_sound_is_refused_before_anything_is_run_or_written(tmp_path: Path) -> None:
    broken(tmp_path, CHOICES[3])
    write_task(tmp_path, "bad", CHOICES[:4])
    with pytest.raises(UsageError, match=r"bad.*NaN or infinite"):
        run(tmp_path, "bad", output_path=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_bad_item_is_left_out_on_demand_counted_and_named_in_the_log(tmp_path: Path) -> None:
    broken(tmp_path, CHOICES[3])
    write_task(tmp_path, "bad", CHOICES[:4])
    done = run(tmp_path, "bad", output_path=tmp_path / "run", skip_bad_items=True)
    assert done.record.tasks["bad"].n == 3
    assert done.record.checks["skipped_items"] == 1
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "left out: " in log
    assert "NaN or infinite" in log


def test_a_group_whose_task_lost_all_items_has_no_mean_and_says_why(tmp_path: Path) -> None:
    for item in DAYS:
        broken(tmp_path, item)
    write_task(tmp_path, "good", CHOICES[:4])
    write_task(tmp_path, "lost", DAYS)
    (tmp_path / "both.yaml").write_text(yaml.safe_dump({"group": "both", "task": ["good", "lost"]}))
    done = run(tmp_path, "both", output_path=tmp_path / "run", skip_bad_items=True)
    assert done.record.tasks["lost"].n == 0
    assert done.record.tasks["good"].scores["text"].n == 4
    group = done.record.groups["both"]
    assert list(group.tasks) == ["good", "lost"]
    assert group.scores["text"].why == "a task has no item with a value"
    assert done.table()


def test_no_items_at_all_is_bad_input(tmp_path: Path) -> None:
    broken(tmp_path, DAYS[0])
    write_task(tmp_path, "lost", DAYS[:1])
    with pytest.raises(UsageError, match="no items are left to run"):
        run(tmp_path, "lost", output_path=tmp_path / "run", skip_bad_items=True)
    assert not (tmp_path / "run").exists()


def test_an_output_path_that_cannot_be_written_is_refused_before_the_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="output_path"):
        run(tmp_path, "lsgap_mini_days", output_path=tmp_path / "file" / "run", model_args={"pretrained": "no/such model"})


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"conditions": ["speech+angle_projection:all@99"]}, "has layers 0 to 4, not 99"),
        ({"conditions": ["speech+angel_projection:all@0"]}, "did you mean 'angle_projection'"),
        ({"conditions": ["speech+angle_projection:bottom@0"]}, "bottom3"),
        ({"metrics": ["pooled_cosin"]}, "did you mean 'pooled_cosine'"),
        ({"model": "hf-speach"}, "did you mean 'hf-speech'"),
        ({"model_args": {"pretrain": "x"}}, "--model_args"),
        ({"batch_size": "big"}, "batch_size 'big' is no number"),
        ({"batch_size": 0}, "batch_size 0 is no number"),
    ],
)
def test_bad_names_and_values_are_one_line_with_the_remedy_and_nothing_is_written(
    settings: dict[str, Any], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        evaluate(**{"tasks": ["lsgap_mini_days"], "device": "cpu", "limit": 1, "output_path": "auto", **settings})
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
