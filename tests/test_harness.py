"""Paired tasks inside lm-eval's loop: what the model is asked, what is scored, and that lm-eval's own ways keep working."""

from __future__ import annotations

import math
import statistics
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import demo_run
import lm_eval
import pyarrow as pa
import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager
from made_tasks import spoken_rows, wav, write_task, write_yaml
from scipy.stats import t as student

from lsgap_bench.errors import UsageError
from lsgap_bench.harness import Loaded, PairedLM, PairedTask, left_out, load_tasks, pairs_of, run_harness
from lsgap_bench.schema import Item, Observation
from lsgap_bench.speech.clips import decode
from lsgap_bench.stats import paired_gap

ANIMALS = ["cat", "dog", "cow", "pig", "hen", "ant"]
Answers = Mapping[str, Sequence[str]]


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")


def animals(count: int = 6) -> list[dict[str, Any]]:
    """One clip per animal; its name is the answer."""
    return [
        {"question": f"say {a}", "answer": a, "audio": {"bytes": wav(0.1 + k / 10), "path": None}} for k, a in enumerate(ANIMALS[:count])
    ]


def answered(tasks: Loaded, answers: Answers, limit: int | None = None, **options: Any) -> dict[str, Any]:
    """lm-eval's results when item k gives answers[condition][k], whatever the task."""

    def observe(items: Sequence[Item]) -> dict[str, dict[str, Observation]]:
        return {i.id: {c: seen(i, c, given[int(i.id.rpartition("/")[2])]) for c, given in answers.items()} for i in items}

    for task in tasks.paired.values():
        task.pair(options.get("system"), lambda base: base, options.get("skip_bad_items", False))
    return run_harness(PairedLM(None, observe, 1), tasks, limit)  # type: ignore[arg-type]  # no text task, so no model


def seen(item: Item, condition: str, answer: str) -> Observation:
    logprobs = tuple(0.0 if option == answer else -1.0 for option in item.options)
    return Observation(item.id, condition, answer, prompt=item.text, content_tokens=1, logits_sha256="", option_logprobs=logprobs)


def made(tmp_path: Path, *args: Any, **keys: Any) -> tuple[Loaded, PairedTask]:
    write_task(tmp_path, *args, **keys)
    tasks = load_tasks(["made"], [str(tmp_path)])
    return tasks, tasks.paired["made"]


# ---------------------------------------------------------------------------------------------------- scores


def test_means_and_standard_errors_of_lm_eval_are_those_of_the_scores_and_of_our_statistics(tmp_path: Path) -> None:
    tasks, _ = made(tmp_path, animals())
    results = answered(tasks, {"text": ["cat", "dog", "cow", "pig", "hen", "fox"], "speech": ["cat", "fox", "fox", "pig", "hen", "fox"]})
    got = results["results"]["made"]
    scores = {"text": [1, 1, 1, 1, 1, 0], "speech": [1, 0, 0, 1, 1, 0], "gap": [0, 1, 1, 0, 0, 0]}
    for name, values in scores.items():
        assert got[f"{name},none"] == pytest.approx(sum(values) / 6)
        assert got[f"{name}_stderr,none"] == pytest.approx(statistics.stdev(values) / math.sqrt(6))
    ours = paired_gap(scores["text"], scores["speech"])  # six clusters of one item: value ± t(5) x standard error, in points
    assert ours.value == pytest.approx(100 * got["gap,none"])
    assert (ours.high - ours.low) / 2 == pytest.approx(100 * student.ppf(0.975, 5) * got["gap_stderr,none"])


def test_a_filter_is_applied_to_the_answer_of_each_condition_separately(tmp_path: Path) -> None:
    regex = {"function": "regex", "regex_pattern": r"<(\w+)>"}
    filters = [{"name": "marked", "filter": [regex, {"function": "take_first"}]}]
    tasks, _ = made(tmp_path, animals(2), filter_list=filters)
    results = answered(tasks, {"text": ["well, <cat>", "<dog>"], "speech": ["<fox> or <cat>", "dog without a mark"]})
    assert results["results"]["made"]["text,marked"] == 1.0
    assert results["results"]["made"]["speech,marked"] == 0.0
    pairs = pairs_of(results, tasks)["made"]
    assert [p.observations["speech"].answer for p in pairs] == ["fox", ""]
    assert [p.verdicts["speech"].extracted for p in pairs] == [True, False]


def test_what_a_filter_maps_to_nothing_is_no_answer(tmp_path: Path) -> None:
    filters = [{"name": "mapped", "filter": [{"function": "map", "mapping_dict": {"miaow": "cat"}}, {"function": "take_first"}]}]
    tasks, _ = made(tmp_path, animals(2), filter_list=filters)
    pairs = pairs_of(answered(tasks, {"text": ["miaow", "dog"], "speech": ["miaow", "miaow"]}), tasks)["made"]
    assert [p.observations["text"].answer for p in pairs] == ["cat", ""]
    assert [p.verdicts["text"].extracted for p in pairs] == [True, False]


def test_a_metric_of_lm_eval_is_reported_for_either_form(tmp_path: Path) -> None:
    metric = {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True, "ignore_case": True}
    tasks, _ = made(tmp_path, animals(2), metric_list=[metric])
    results = answered(tasks, {"text": ["CAT", "dog"], "speech": ["the cat", "dog"]})["results"]["made"]
    assert results["exact_match:text,none"] == 1.0
    assert results["exact_match:speech,none"] == 0.5  # `the cat` is right for our scorer, not for an exact match
    assert results["speech,none"] == 1.0


def test_the_options_metrics_of_lm_eval_see_each_conditions_loglikelihoods(tmp_path: Path) -> None:
    metrics = [{"metric": m, "aggregation": "mean", "higher_is_better": True} for m in ("acc", "acc_norm")]
    keys = {"output_type": "multiple_choice", "doc_to_choice": ["cat", "dog"], "generation_kwargs": None}
    tasks, _ = made(tmp_path, animals(2), metric_list=metrics, **keys)
    results = answered(tasks, {"text": ["cat", "dog"], "speech": ["dog", "dog"]})["results"]["made"]
    assert [results[f"acc:{form},none"] for form in ("text", "speech")] == [1.0, 0.5]


def test_an_intervention_is_scored_and_a_check_is_not(tmp_path: Path) -> None:
    tasks, _ = made(tmp_path, animals(1))
    conditions = ["text", "speech", "speech+identity:all@0", "speech=silence"]
    results = answered(tasks, {c: ["cat"] for c in conditions})
    assert results["results"]["made"]["speech+identity:all@0,none"] == 1.0
    assert "speech=silence,none" not in results["results"]["made"]
    assert set(pairs_of(results, tasks)["made"][0].verdicts) == set(conditions)


def test_a_bad_item_is_left_out_of_both_forms_and_named_when_that_is_asked_for(tmp_path: Path) -> None:
    rows = animals(3)
    rows[1]["audio"]["bytes"] = b"no sound"
    tasks, _ = made(tmp_path, rows)
    results = answered(tasks, {"text": ANIMALS, "speech": ANIMALS}, skip_bad_items=True)
    assert [p.item.id for p in pairs_of(results, tasks)["made"]] == ["made/0", "made/2"]
    (line,) = left_out(results, tasks)
    assert "made item 1" in line
    assert results["results"]["made"]["text,none"] == 1.0


# ---------------------------------------------------------------------------------------------------- plain lm-eval


class Words(LM):  # type: ignore[misc]
    """A text model that says `dog`."""

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        return [(0.0 if r.args[1] == "dog" else -1.0, False) for r in requests]

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        raise NotImplementedError

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        self.asked = [r.args[0] for r in requests]
        return ["dog" for _ in requests]


@pytest.mark.parametrize(
    "keys",
    [{}, {"output_type": "multiple_choice", "doc_to_choice": ["cat", "dog"], "generation_kwargs": None, "scorer": "choice"}],
    ids=["free", "options"],
)
def test_under_plain_lm_eval_the_same_yaml_runs_its_written_side_and_touches_no_clip(tmp_path: Path, keys: dict[str, Any]) -> None:
    rows = [{**row, "audio": "gone.wav"} for row in animals(2)]
    write_task(tmp_path, rows, description="Say it.\n", **keys)
    lm = Words()
    manager = TaskManager(include_path=str(tmp_path), include_defaults=False)
    results = lm_eval.simple_evaluate(model=lm, tasks=["made"], task_manager=manager, bootstrap_iters=0)["results"]["made"]
    assert results["text,none"] == 0.5
    assert not {"speech,none", "gap,none"} & results.keys()
    if not keys:
        assert lm.asked == ["Say it.\nsay cat", "Say it.\nsay dog"]


# ---------------------------------------------------------------------------------------------------- documents and clips


def test_documents_hold_no_audio(tmp_path: Path) -> None:
    _, task = made(tmp_path, animals(2))
    for doc in task.test_docs():
        assert "audio" not in doc
        assert not any(isinstance(value, (bytes, dict)) for value in doc.values())


@pytest.mark.slow
def test_items_are_built_without_memory_that_grows_with_their_number(tmp_path: Path) -> None:
    clip = wav(2.0)  # 64 kB
    count = 2_000
    table = pa.table(
        {"question": ["say it"] * count, "answer": [str(k) for k in range(count)], "audio": pa.array([clip] * count, pa.binary())}
    )
    _, task = made(tmp_path, table=table, doc_to_text="question", doc_to_target="answer")
    documents = task.test_docs()
    tracemalloc.start()
    arrow = pa.total_allocated_bytes()
    items = [task.item(documents[k], k) for k in range(count)]
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(items) == count
    assert kept / count < 5_000  # bytes per item: its fields, not its clip
    assert peak - kept < 6 * len(clip)
    assert pa.total_allocated_bytes() - arrow < 6 * len(clip)


def test_a_hub_audio_column_is_read_as_encoded_bytes_without_a_decoder(tmp_path: Path) -> None:
    rows = animals(2)
    write_task(tmp_path)
    datasets.Dataset.from_list(rows).cast_column("audio", datasets.Audio()).to_parquet(str(tmp_path / "made.parquet"))
    raw = datasets.load_dataset("parquet", data_files=str(tmp_path / "made.parquet"))["train"]
    assert isinstance(raw.features["audio"], datasets.Audio)
    task = load_tasks(["made"], [str(tmp_path)]).paired["made"]
    items = [task.item(doc, k) for k, doc in enumerate(task.test_docs())]
    assert [item.clip.frames for item in items] == [1600, 3200]
    assert items[1].clip.read() == rows[1]["audio"]["bytes"]


@pytest.mark.parametrize("shape", ["path", "struct with path", "struct with bytes", "bytes"])
def test_a_clip_may_be_bytes_or_a_path_relative_to_the_yaml(tmp_path: Path, shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = wav(0.2)
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips/a.wav").write_bytes(clip)
    monkeypatch.chdir(tmp_path.parent)
    audio = {
        "path": "clips/a.wav",
        "struct with path": {"bytes": None, "path": "clips/a.wav"},
        "struct with bytes": {"bytes": clip, "path": "elsewhere.wav"},
        "bytes": clip,
    }[shape]
    _, task = made(tmp_path, [{"question": "say it", "answer": "it", "audio": audio}])
    item = task.item(task.test_docs()[0], 0)
    assert item.clip.read() == clip
    assert decode(item.clip, 16_000).shape == (3200,)


def test_system_instruction_and_description_make_one_system_turn_for_every_item(tmp_path: Path) -> None:
    _, task = made(tmp_path, animals(2), description="You know animals.")
    task.pair("Answer in one word.", lambda base: base, False)
    assert {task.item(doc, k).system for k, doc in enumerate(task.test_docs())} == {"Answer in one word.\nYou know animals."}


def test_items_of_one_cluster_share_its_name_within_the_family(tmp_path: Path) -> None:
    _, task = made(tmp_path, spoken_rows(4), cluster="question_id", family="sizes", chance=0.5)
    items = [task.item(doc, k) for k, doc in enumerate(task.test_docs())]
    assert [i.cluster for i in items] == [f"sizes/{row['question_id']}" for row in spoken_rows(4)]
    assert [i.id for i in items] == ["made/0", "made/1", "made/2", "made/3"]
    assert {i.chance for i in items} == {0.5}


def test_chance_can_be_a_template_or_follow_from_the_options(tmp_path: Path) -> None:
    rows = [{**row, "guess": 0.1 * (k + 1), "options": ANIMALS[: k + 2]} for k, row in enumerate(animals(2))]
    _, task = made(tmp_path, rows, chance="{{guess}}")
    assert [task.item(doc, k).chance for k, doc in enumerate(task.test_docs())] == [pytest.approx(0.1), pytest.approx(0.2)]
    (tmp_path / "auto").mkdir()
    _, task = made(tmp_path / "auto", rows, chance="auto", doc_to_choice="options", output_type="multiple_choice", generation_kwargs=None)
    assert [task.item(doc, k).chance for k, doc in enumerate(task.test_docs())] == [1 / 2, 1 / 3]


# ---------------------------------------------------------------------------------------------------- loading


def test_groups_tags_files_and_limit_work_as_in_lm_eval(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    write_task(one, animals(), name="first", tag="beasts")
    write_task(two, animals(), name="second", tag=["beasts", "other"])
    both = [{"metric": "gap", "aggregation": "mean", "weight_by_size": False}]
    write_yaml(two / "g.yaml", {"group": "inner", "task": ["second"], "aggregate_metric_list": both}, paired=False)
    write_yaml(one / "g.yaml", {"group": "outer", "task": ["first", "inner"], "aggregate_metric_list": both}, paired=False)
    folders = [str(one), str(two)]
    assert set(load_tasks(["beasts"], folders).paired) == {"first", "second"}
    assert set(load_tasks([str(one / "first.yaml")]).paired) == {"first"}
    tasks = load_tasks(["outer"], folders)
    assert {name: group.tasks for name, group in tasks.groups.items()} == {"outer": ["first", "second"], "inner": ["second"]}
    results = answered(tasks, {"text": ANIMALS, "speech": ["cat", "fox", *["fox"] * 4]}, limit=2)
    assert results["n-samples"]["first"]["effective"] == 2
    assert results["groups"]["outer"]["gap,none"] == 0.5


def test_a_task_built_on_another_by_include_keeps_what_it_does_not_change(tmp_path: Path) -> None:
    write_task(tmp_path, animals(2), name="base", scorer="choice", doc_to_choice=ANIMALS)
    write_yaml(tmp_path / "b.yaml", {"include": "base.yaml", "task": "built", "doc_to_text": "Please {{question}}"}, paired=False)
    task = load_tasks(["built"], [str(tmp_path)]).paired["built"]
    assert task.item(task.test_docs()[0], 0).text == "Please say cat"
    assert task.paired_config.scorer == "choice"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"output_type": "loglikelihood_rolling", "doc_to_text": ""}, "needs rolling loglikelihoods"),
        ({"unsafe_code": True}, "runs code that the model writes"),
        ({"doc_to_image": "answer"}, "has pictures or sound without being paired"),
    ],
)
def test_a_text_task_that_lsgap_cannot_run_is_refused_before_the_run(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    (tmp_path / "t.json").write_text('{"question": "say cat", "answer": "cat"}\n')
    config = {
        "task": "t",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(tmp_path / "t.json")}},
        "test_split": "test",
    }
    write_yaml(tmp_path / "t.yaml", {**config, "doc_to_text": "{{question}}", "doc_to_target": "{{answer}}", **keys}, paired=False)
    with pytest.raises(UsageError, match=f"task 't' {said}"):
        load_tasks(["t"], [str(tmp_path)])


# ---------------------------------------------------------------------------------------------------- lm-eval's own text requests


@pytest.fixture(scope="module")
def lm() -> PairedLM:
    return PairedLM(demo_run.model(), lambda items: {}, batch_size=2)


def test_loglikelihoods_are_those_of_the_whole_text_in_one_forward(lm: PairedLM) -> None:
    speech_lm = demo_run.model()
    question, other = "Which animal is smaller, a tiger or a spider?", "Which day comes after Thursday?"
    asked = [(question, " spider"), (other, " friday"), (question, " tiger or"), (question + " ", "spider"), (question, " spider . tiger")]
    got = lm.loglikelihood([Instance(request_type="loglikelihood", doc={}, arguments=a, idx=0) for a in asked])
    for (context, continuation), (logprob, greedy) in zip(asked, got, strict=True):
        whole = speech_lm.tokenizer(context + continuation, return_tensors="pt")["input_ids"]
        start = len(speech_lm.tokenizer(context.rstrip())["input_ids"])
        with torch.no_grad():
            logits = speech_lm.model(input_ids=whole).logits[0, start - 1 : -1].float()
        expected = logits.log_softmax(-1).gather(1, whole[0, start:, None]).sum()
        assert whole.shape[1] > start
        assert logprob == pytest.approx(float(expected), abs=1e-3)
        assert greedy == bool((logits.argmax(-1) == whole[0, start:]).all())
    assert got[0] == pytest.approx(got[3])


def test_generation_is_greedy_and_ends_at_the_tasks_own_stops(lm: PairedLM) -> None:
    speech_lm = demo_run.model()
    questions = ["Which animal is smaller, a tiger or a spider?", "Which day comes after Thursday? A: tuesday. B: sunday. C: friday."]
    texts = list(speech_lm.encode(questions, [None, None]).prompts)  # plain text to lm-eval
    answers = lm.generate_until([free_answer(text, until=[]) for text in texts])
    for text, answer in zip(texts, answers, strict=True):
        ids = speech_lm.tokenizer(text, return_tensors="pt")["input_ids"]
        start = ids.shape[1]
        while ids.shape[1] < start + 6 and not set(ids[0, start:].tolist()) & speech_lm._end:
            with torch.no_grad():
                ids = torch.cat([ids, speech_lm.model(input_ids=ids).logits[:, -1:].argmax(-1)], 1)
        assert answer == speech_lm.tokenizer.decode(ids[0, start:], skip_special_tokens=True).strip()
    assert len(answers[0]) > 2
    assert lm.generate_until([free_answer(texts[0], until=answers[0][2:])]) == [answers[0][:2]]


def free_answer(text: str, until: str | list[str]) -> Instance:
    return Instance(request_type="generate_until", doc={}, arguments=(text, {"until": until, "max_gen_toks": 6}), idx=0)
