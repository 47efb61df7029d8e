"""Base and cascade beside the speech model: who answers what, what is kept, what is let go, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import companions
import demo_run
import numpy as np
import pytest
import tiny_models
import yaml
from companions import Table, own_words

from lsgap_bench import systems
from lsgap_bench.errors import UsageError
from lsgap_bench.leaderboard import add
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.hf_text import HFText
from lsgap_bench.records import derive, read_record, read_tables, to_plain
from lsgap_bench.registry import models, recognizers
from lsgap_bench.report import run_tables
from lsgap_bench.rescoring import rescore
from lsgap_bench.resources import DEMO_MODEL
from lsgap_bench.run import Evaluation, dry_run, evaluate
from lsgap_bench.schema import Item
from lsgap_bench.speech.clips import clip_from_bytes, encode
from lsgap_bench.store import open_store
from lsgap_bench.systems import Companions, observe_companions, transcribe

ALL = ["base", "cascade", "lslm"]
TASKS = demo_run.TASKS[:2]
LIMIT = 4
ITEMS = demo_run.items(LIMIT, TASKS)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model's own language model."""
    return companions.own_language_model(tmp_path_factory.mktemp("own") / "own")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of the same make that knows nothing."""
    return companions.deaf_language_model(tmp_path_factory.mktemp("other") / "other")


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """register(recognizer): the name `table` gives this one; returns it."""
    list(recognizers)
    list(models)

    def add_one(table: Any) -> Any:
        monkeypatch.setitem(recognizers._found, "table", lambda: table)
        return table

    return add_one


def run(base: Path, **settings: Any) -> Evaluation:
    """On the written side of the speech model alone, unless asked for more: a companion does not care."""
    quick = {"tasks": TASKS, "limit": LIMIT, "conditions": ["text"], "metrics": [], "device": "cpu"}
    return evaluate(**{**quick, "systems": ALL, "base_args": {"pretrained": str(base)}, "recognizer": "table", **settings})


def everyone(done: Evaluation) -> list[Any]:
    return [pair for of_task in done.pairs.values() for pair in of_task]


LOUD, EMPTY = ITEMS[1].text, ITEMS[2].text


def misheard(text: str) -> str:
    return {LOUD: text.upper(), EMPTY: "  "}.get(text, text)


@pytest.fixture(scope="module")
def finished(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """A whole run in a folder: the own language model as base, a recognizer that shouts one question and does not hear another."""
    list(recognizers)
    recognizers._found["finished"] = lambda: Table(own_words(ITEMS, misheard))
    try:
        return run(own, recognizer="finished", conditions=["text", "speech"], output_path=tmp_path_factory.mktemp("finished") / "run")
    finally:
        del recognizers._found["finished"]


# -------------------------------------------------------------------------------------------------- what they answer


def test_the_models_own_language_model_loses_nothing_to_it(finished) -> None:
    for pair in everyone(finished):
        seen = pair.observations
        assert pair.verdicts["base"] == pair.verdicts["text"]
        assert seen["base"].option_logprobs == seen["text"].option_logprobs
        assert seen["base"].prompt == seen["text"].prompt  # the embedded model's template writes nothing for text alone
    overall = finished.record.overall
    assert (overall.erosion.value, overall.erosion.low, overall.erosion.high) == (0, 0, 0)
    assert overall.base == overall.scores["text"]
    assert overall.recovery.value == pytest.approx(overall.scores["speech"].value / overall.scores["text"].value)


def test_a_perfect_transcript_is_answered_exactly_as_the_text_is(finished) -> None:
    heard = [pair for pair in everyone(finished) if pair.item.text not in (LOUD, EMPTY)]
    assert len(heard) >= 4
    for pair in heard:
        assert pair.verdicts["cascade"] == pair.verdicts["base"]
        assert pair.observations["cascade"].option_logprobs == pair.observations["base"].option_logprobs


def test_a_cascade_alone_answers_what_the_text_of_its_transcripts_is_answered(own, register) -> None:
    register(Table(own_words(ITEMS)))
    done = run(own, systems=["cascade"])
    assert all(pair.verdicts["cascade"] == pair.verdicts["text"] for pair in everyone(done))
    assert "base" not in everyone(done)[0].observations
    overall = done.record.overall
    assert overall.base.why == overall.erosion.why == overall.recovery.why == "this system was not run"


def test_what_a_recognizer_does_not_understand_is_an_empty_question_and_counted(finished) -> None:
    unheard = [pair for pair in everyone(finished) if pair.item.text == EMPTY]
    assert unheard
    assert {pair.observations["cascade"].transcript for pair in unheard} == {""}
    assert finished.record.systems["cascade"]["empty_transcripts"] == len(unheard)
    assert all(p.observations["cascade"].option_logprobs != p.observations["base"].option_logprobs for p in unheard)


def test_the_transcript_stands_exactly_where_the_text_stands(finished) -> None:
    rows = [json.loads(line) for line in (finished.folder / "samples.jsonl").read_text().splitlines()]
    by_system = {(row["item"], row["system"], row["condition"]): row for row in rows}
    for item in ITEMS:
        base, cascade = by_system[item.id, "base", "text"], by_system[item.id, "cascade", "speech"]
        assert cascade["transcript"] == misheard(item.text).strip()
        assert cascade["prompt"] == base["prompt"].replace(item.text, cascade["transcript"])
        assert cascade["clip"]["sha256"] == item.clip.sha256
        assert cascade["pcm_sha256"] == by_system[item.id, "lslm", "speech"]["pcm_sha256"]
        assert base["clip"] is base["transcript"] is base["pcm_sha256"] is None


def test_the_base_gets_the_very_same_prompt_around_a_transcript_as_around_the_text_system_turn_included(tmp_path) -> None:
    folder = tiny_models.text_only(tmp_path / "chat")
    turns = "{% for m in messages %}<|im_start|>{{ m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}<|im_start|>assistant\n"
    (folder / "chat_template.jinja").write_text(turns)
    asked = [dataclasses.replace(item, system="you are a helpful assistant .") for item in ITEMS]
    both = Companions(("base", "cascade"), lambda: HFText(str(folder), device="cpu"), lambda: Table(own_words(asked, misheard)))
    with open_store(None, resume=False) as store:
        found = observe_companions(both, asked, demo_run.plan("text"), None, store).found
    for item in asked:
        base, cascade = found[item.id]["base"], found[item.id]["cascade"]
        before, after = base.prompt.split(item.text)
        assert "you are a helpful assistant ." in before
        assert cascade.prompt == before + misheard(item.text).strip() + after


def test_word_errors_are_those_of_the_transcripts_and_a_shouted_one_has_none(finished) -> None:
    said = {task: [item.text for item in ITEMS if item.task == task] for task in TASKS}
    words = {task: [len(re.findall(r"\w+", text)) for text in texts] for task, texts in said.items()}
    lost = {task: [n * (text == EMPTY) for n, text in zip(words[task], said[task], strict=True)] for task in TASKS}
    for task in TASKS:
        of = finished.record.tasks[task].recognition
        assert of.wer.value == pytest.approx(sum(lost[task]) / sum(words[task]))
        assert of.gap_heard.n == sum(text != EMPTY for text in said[task])
        assert of.loss_heard.value == 0  # perfect but for capitals, which the base does not see
        assert set(of.wer_by_voice) == {pair.item.fields["voice"] for pair in finished.pairs[task]}
    assert finished.record.overall.recognition.wer.value > 0


def test_a_rescored_run_keeps_what_was_counted_in_its_transcripts(finished, tmp_path) -> None:
    again = rescore(finished.folder, "exact", output_path=tmp_path / "again").record
    for name in ("tasks", "groups"):
        for task, result in getattr(finished.record, name).items():
            other = getattr(again, name)[task].recognition
            assert (other.wer, other.wer_by_voice) == (result.recognition.wer, result.recognition.wer_by_voice)
    assert again.overall.recognition.gap_heard.n == finished.record.overall.recognition.gap_heard.n


def test_filters_of_a_task_apply_to_base_and_cascade(own, register, tmp_path) -> None:
    items = demo_run.items(2, demo_run.TASKS[2:])
    rows = [{"question": i.text, "answer": "none", "audio": f"{k}.audio"} for k, i in enumerate(items)]
    for k, item in enumerate(items):
        (tmp_path / f"{k}.audio").write_bytes(item.clip.read())
    (tmp_path / "free.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "task": "free",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "free.jsonl"}},
        "test_split": "test",
        "doc_to_text": "{{question}}",
        "doc_to_audio": "audio",
        "doc_to_target": "{{answer}}",
        "output_type": "generate_until",
        "generation_kwargs": {"max_new_tokens": 3},
        "filter_list": [{"name": "loud", "filter": [{"function": "uppercase"}]}],
        "scorer": "exact",
    }
    (tmp_path / "free.yaml").write_text("class: !function lsgap_bench.harness.PairedTask\n" + yaml.safe_dump(config))
    register(Table(own_words(items)))
    done = run(own, tasks=["free"], include_path=[tmp_path])
    for pair in everyone(done):
        answers = {name: pair.observations[name].answer for name in ("text", "base", "cascade")}
        assert answers["text"]
        assert set(answers.values()) == {answers["text"].upper()}


def test_a_recognizer_of_the_users_own_folder_is_one_file(own, monkeypatch, tmp_path) -> None:
    list(recognizers)
    monkeypatch.setattr(recognizers, "_found", dict(recognizers._found))
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "parrot.py").write_text(
        "from lsgap_bench.registry import recognizer\n\n\n"
        "@recognizer('parrot')\n"
        "class Parrot:\n"
        "    sampling_rate, max_seconds, info = 8_000, 20.0, {'name': 'parrot', 'kind': 'recognizer'}\n\n"
        "    def __init__(self, word):\n"
        "        self.word = self.fingerprint = word\n\n"
        "    def transcribe(self, waves):\n"
        "        return [self.word for wave in waves]\n"
    )
    settings = {"systems": ["cascade"], "recognizer": "parrot", "include_path": [tmp_path]}
    done = run(own, recognizer_args={"word": "monday"}, **settings)
    assert {pair.observations["cascade"].transcript for pair in everyone(done)} == {"monday"}
    with pytest.raises(UsageError, match=r"--recognizer_args: .*word.*see `lsgap ls recognizers`"):
        run(own, **settings)


# -------------------------------------------------------------------------------------------------- what is kept


class Killed(Table):
    """Stops as a kill would, after some clips."""

    def __init__(self, said: dict[str, str], after: int) -> None:
        super().__init__(said)
        self.after = after

    def transcribe(self, waves: Any) -> list[str]:
        if len(self.calls) >= self.after:
            raise KeyboardInterrupt
        return super().transcribe(waves)


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_clip_where_it_stopped(own, register, tmp_path, monkeypatch) -> None:
    said = own_words(ITEMS)
    stopped = register(Killed(said, after=4))
    with pytest.raises(KeyboardInterrupt):
        run(own, output_path=tmp_path / "run", batch_size=4)
    assert len(stopped.calls) == 4
    whole = register(Table(said))
    monkeypatch.setattr(HFSpeech, "score_options", None)  # what the speech model said is there already
    asked: list[int] = []
    prefill = HFText.prefill
    monkeypatch.setattr(HFText, "prefill", lambda self, batch, hook=None: asked.append(len(batch)) or prefill(self, batch, hook))
    resumed = run(own, output_path=tmp_path / "run", batch_size=4)
    assert sorted(stopped.calls + whole.calls) == sorted(said)
    assert sum(asked) == len({item.text for item in ITEMS})
    assert resumed.record.overall.base == resumed.record.overall.cascade == resumed.record.overall.scores["text"]


@pytest.mark.slow
def test_another_recognizer_and_another_base_are_asked_anew(other, register, finished, tmp_path) -> None:
    shutil.copytree(finished.folder, tmp_path / "run")
    newer = register(Table(own_words(ITEMS, lambda text: "tuesday"), fingerprint="newer"))
    changed = run(other, conditions=["text", "speech"], output_path=tmp_path / "run")
    assert len(newer.calls) == len(ITEMS)
    overall = changed.record.overall
    assert overall.scores == finished.record.overall.scores
    means = {n: [np.mean([p.verdicts[n].score for p in pairs]) for pairs in changed.pairs.values()] for n in ("text", "speech", "base")}
    assert overall.erosion.value == pytest.approx(100 * (np.mean(means["base"]) - np.mean(means["text"])))
    assert overall.erosion.value < 0
    assert overall.recovery.value == pytest.approx(np.mean(means["speech"]) / np.mean(means["base"]))


@pytest.mark.usefixtures("drawn")
def test_every_number_can_be_derived_from_the_samples_again_and_published(finished, tmp_path) -> None:
    folder = finished.save(tmp_path / "run")
    record = read_record(folder / "record.json")
    assert to_plain(record) == to_plain(finished.record)
    tables = read_tables(folder, {name: task.version for name, task in record.tasks.items()})
    assert to_plain(derive(record, tables)) == to_plain(record)
    plain = json.loads(add(folder, tmp_path / "records").read_text())
    assert plain["systems"]["base"]["kind"] == "base"
    assert plain["systems"]["cascade"]["name"] == "table + own"
    for part in (plain["tasks"][TASKS[0]], plain["overall"]):
        assert {"base", "cascade", "erosion", "recovery"} <= part.keys()
        assert part["recovery"]["unit"] == "ratio"
    plain["overall"]["erosion"]["method"] = "guessed"
    (folder / "record.json").write_text(json.dumps(plain))
    with pytest.raises(UsageError, match=r"overall\.erosion\.method"):
        add(folder, tmp_path / "records")
    assert {"systems.png", "systems.svg"} <= {path.name for path in folder.iterdir()}
    assert "recovery" in run_tables(finished.record)


# -------------------------------------------------------------------------------------------------- memory


def test_no_two_models_are_in_memory_at_once(own, register, monkeypatch) -> None:
    alive: list[Any] = []

    def alone(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(**arguments: Any) -> Any:
            assert not [name() for name in alive if name() is not None]
            one = make(**arguments)
            alive.append(weakref.ref(one))
            return one

        return made

    list(models)
    register(None)
    monkeypatch.setitem(models._found, "hf-text", alone(HFText))
    monkeypatch.setitem(models._found, "hf-speech", alone(HFSpeech))
    said = own_words(ITEMS)
    monkeypatch.setitem(recognizers._found, "table", alone(lambda: Table(said)))
    run(own)
    assert len(alive) == 5  # recognizer and base are tried, then the speech model, the recognizer, the base


class Small(Table):
    """Has no room for more than three clips at once."""

    def transcribe(self, waves: Any) -> list[str]:
        import torch

        if len(waves) > 3:
            raise torch.cuda.OutOfMemoryError
        return super().transcribe(waves)


def test_where_memory_runs_out_the_recognizer_gets_fewer_clips_at_once() -> None:
    small = Small(own_words(ITEMS))
    done: list[int] = []
    with open_store(None, resume=False) as store:
        found = transcribe(ITEMS, small, None, 8, store, done.append)
    assert {name: seen.transcript for name, seen in found.items()} == {item.id: item.text for item in ITEMS}
    assert sum(done) == len(ITEMS)


class Counting(Table):
    """Says how many tenths of a second it heard."""

    max_seconds: float | None = 1.0

    def transcribe(self, waves: Any) -> list[str]:
        assert all(len(wave) <= 16_000 for wave in waves)
        self.calls += [str(len(wave)) for wave in waves]
        return [f"{len(wave)} " for wave in waves]


def test_a_recognizer_never_hears_more_than_its_window_nor_more_than_the_speech_model_hears() -> None:
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 16_000).astype(np.float32)
    encoded = encode(wave, 16_000, "wav")
    item = Item("t/0", "t", "words", clip_from_bytes(lambda: encoded, "x"), "", "c", "t")
    for heard, frames in ((None, 48_000), (2.5, 40_000)):
        with open_store(None, resume=False) as store:
            found = transcribe([item], Counting({}), heard, 2, store)["t/0"].transcript
        assert sum(map(int, str(found).split(" "))) == frames


# -------------------------------------------------------------------------------------------------- before anything is run


def test_a_dry_run_counts_the_companions_and_writes_nothing(own, register, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    register(Table(own_words(ITEMS)))
    settings = {"tasks": TASKS, "limit": LIMIT, "conditions": ["text", "speech"], "metrics": [], "device": "cpu", "batch_size": 5}
    told = dry_run(**settings, systems=ALL, base_args={"pretrained": str(own)}, recognizer="table", output_path="auto")
    forms = len({item.text for item in ITEMS})
    assert told.forwards["base"] == -(-forms // 5)
    assert told.forwards["cascade"] == told.forwards["recognizer"] == -(-len(ITEMS) // 5)
    assert "forwards, recognizer" in told.table()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"systems": ["bse"]}, "no system is called 'bse'; did you mean 'base'?"),
        ({"systems": ["lslm"], "base_args": {"pretrained": "x"}}, "add --systems base,cascade,lslm"),
        ({"systems": ["base"], "recognizer_args": {"pretrained": "x"}}, "add --systems base,cascade,lslm"),
        ({"systems": ["base"], "model_args": {"pretrained": "x/y"}}, "need a base; add --base_args pretrained=NAME, such as"),
        ({"systems": ["base"], "base": "hf-txt", "base_args": {}}, "no model is called 'hf-txt'; did you mean 'hf-text'"),
        ({"systems": ["cascade"], "recognizer": "hf-as"}, "no recognizer is called 'hf-as'"),
        ({"systems": ["base"], "base_args": {"pretrained": "no/such place"}}, "cannot be loaded as a causal language model"),
        ({"systems": ["base"], "base_args": {"pretrained": "x", "colour": 3}}, "--base_args: "),
        ({"systems": ["cascade"], "recognizer_args": {"pretrained": "no/such place"}}, "cannot be loaded as a speech recognizer"),
        ({"model": "hf-text", "model_args": {"pretrained": "OWN"}}, "reads and does not hear; give it as --base"),
    ],
)
def test_what_is_wrong_with_a_companion_is_said_before_the_speech_model_is_loaded(settings, line, own, tmp_path, monkeypatch) -> None:
    def never(*arguments: Any, **more: Any) -> None:
        raise AssertionError("the speech model was loaded")

    list(models)
    monkeypatch.setitem(models._found, "hf-speech", never)
    settings = json.loads(json.dumps(settings).replace("OWN", str(own)))
    if "cascade" in settings.get("systems", ()):
        settings["base_args"] = {"pretrained": str(own)}
    with pytest.raises(UsageError) as caught:
        evaluate(tasks=["lsgap_mini_days"], limit=1, device="cpu", output_path=tmp_path / "run", **settings)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_embedded_models_companions_need_no_arguments_and_are_missed_by_name(own, register, monkeypatch, tmp_path) -> None:
    register(Table(own_words(ITEMS)))
    monkeypatch.setattr(systems, "DEMO_BASE", own)
    quick = {"tasks": TASKS[:1], "limit": 2, "conditions": ["text"], "metrics": [], "device": "cpu", "systems": ["base"]}
    assert evaluate(**quick).record.overall.erosion.value == 0
    monkeypatch.setattr(systems, "DEMO_BASE", tmp_path / "demo_base")
    with pytest.raises(UsageError, match=r"demo_base is missing.*--base_args pretrained=NAME"):
        evaluate(**quick)


def test_a_word_that_the_base_does_not_know_is_refused_or_left_out_of_both(own, register, monkeypatch) -> None:
    register(Table(own_words(ITEMS)))
    lost = ITEMS[0].text
    monkeypatch.setattr(HFText, "unknown_words", lambda self, text: ["word"] if text == lost else [])
    with pytest.raises(UsageError, match="no token for 'word'"):
        run(own)
    done = run(own, skip_bad_items=True)
    silent = sum(item.text == lost for item in ITEMS)
    assert done.record.overall.erosion.n == done.record.overall.cascade.n == len(ITEMS) - silent
    assert done.record.overall.scores["text"].n == len(ITEMS)
    assert done.record.systems["base"]["left_out"] == silent


def test_text_tasks_alone_have_no_spoken_side_for_a_cascade(own, register, tmp_path) -> None:
    register(Table({}))
    (tmp_path / "plain.jsonl").write_text(json.dumps({"q": "Is a frog larger than a whale?", "gold": 1}) + "\n")
    config = {
        "task": "plain",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(tmp_path / "plain.jsonl")}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{q}}",
        "doc_to_choice": ["yes", "no"],
        "doc_to_target": "gold",
        "metric_list": [{"metric": "acc"}],
    }
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(UsageError, match="leave out --systems"):
        run(own, tasks=["plain"], include_path=[tmp_path])


def test_without_systems_nothing_is_said_of_them() -> None:
    done = demo_run.evaluation()
    assert done.record.systems == {}
    assert done.record.overall.base.why == "this system was not run"
    assert "recovery" not in done.table()
    assert dataclasses.asdict(done.record)["systems"] == {}
    assert DEMO_MODEL.is_dir()
