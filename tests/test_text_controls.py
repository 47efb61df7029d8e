"""Text controls: what the model reads, what is not asked twice, and whole runs with them and with variants."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import companions
import demo_run
import pytest
from companions import Table, own_words
from demo_run import Counted, model, plan

from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedTask
from lsgap_bench.observe import Observer
from lsgap_bench.records import derive, read_record, read_tables, to_plain
from lsgap_bench.registry import recognizers
from lsgap_bench.run import Evaluation, dry_run, evaluate
from lsgap_bench.schema import Condition, Item, Observation
from lsgap_bench.settings import Settings
from lsgap_bench.store import Store, open_store
from lsgap_bench.systems import Companions, Transcribed, transcribe
from lsgap_bench.text_controls import NO_SPOKEN_FORM, observe_text_controls, with_known_spoken_words

TASKS = demo_run.TASKS[:2]
LIMIT = 4
SPOKEN, TRANSCRIPT = Condition.parse("text=spoken_form"), Condition.parse("text=transcript")


def with_spoken(item: Item) -> Item:
    """The first task's clips have a spoken form: of its first question another one than its text; the others' are recordings."""
    if item.task != TASKS[0]:
        return item
    return dataclasses.replace(item, spoken=item.text.replace("?", " ?") if item.text == ITEMS[0].text else item.text)


ITEMS = demo_run.items(LIMIT, TASKS)
SAID = [with_spoken(item) for item in ITEMS]
MISHEARD, UNHEARD = ITEMS[0].text, ITEMS[4].text


def misheard(text: str) -> str:
    return {MISHEARD: "monday", UNHEARD: " "}.get(text, text)


def heard(store: Store[Observation]) -> Transcribed:
    return Transcribed(transcribe(SAID, Table(own_words(ITEMS, misheard)), None, 4, store))


def controlled(*controls: Condition, with_model: Any = None, store: Store[Observation] | None = None) -> dict[tuple[str, str], Observation]:
    store = Store() if store is None else store
    asked = plan("text")
    plain = Observer(SAID, with_model or model(), asked).observe(store)
    return {**plain, **observe_text_controls(controls, SAID, with_model or model(), asked, plain, heard(store), store)}


def answer(seen: Observation) -> Any:
    return seen.answer, seen.option_logprobs, seen.logits_sha256


def test_a_control_is_answered_as_an_item_with_that_text_is() -> None:
    seen = controlled(SPOKEN, TRANSCRIPT)
    for control, text in ((SPOKEN, SAID[0].spoken), (TRANSCRIPT, "monday")):
        (by_hand,) = demo_run.observe([dataclasses.replace(SAID[0], text=str(text))], plan("text")).values()
        assert seen[SAID[0].id, control.name].prompt == by_hand.prompt == seen[SAID[0].id, "text"].prompt.replace(SAID[0].text, str(text))
        assert seen[SAID[0].id, control.name].option_logprobs == pytest.approx(by_hand.option_logprobs, abs=1e-4)
    assert answer(seen[SAID[0].id, TRANSCRIPT.name]) != answer(seen[SAID[0].id, "text"])


def test_a_text_that_was_read_already_is_not_read_again() -> None:
    counted = Counted()
    controlled(with_model=counted)
    before = sum(counted.written)
    seen = controlled(SPOKEN, TRANSCRIPT, with_model=counted)
    forms = {SAID[0].spoken, "monday", ""}
    assert sum(counted.written) - 2 * before == len(forms)
    for item in SAID[2:4]:
        assert answer(seen[item.id, "text"]) == answer(seen[item.id, SPOKEN.name]) == answer(seen[item.id, TRANSCRIPT.name])


def test_a_recording_has_no_spoken_form_and_says_so() -> None:
    seen = controlled(SPOKEN)
    assert {seen[item.id, SPOKEN.name].absent for item in SAID} == {None, NO_SPOKEN_FORM}
    assert all((seen[item.id, SPOKEN.name].absent is None) == (item.spoken is not None) for item in SAID)


def test_what_a_recognizer_does_not_understand_is_an_empty_question_and_every_transcript_is_kept() -> None:
    seen = controlled(TRANSCRIPT)
    for item in SAID:
        of = seen[item.id, TRANSCRIPT.name]
        assert of.transcript == misheard(item.text).strip()
        assert of.prompt == seen[item.id, "text"].prompt.replace(item.text, of.transcript)
        assert of.absent is None


def test_controls_go_on_where_a_run_stopped(tmp_path: Path) -> None:
    with open_store(tmp_path, resume=True) as store:
        first = controlled(SPOKEN, TRANSCRIPT, store=store)
    counted = Counted()
    with open_store(tmp_path, resume=True) as store:
        assert controlled(SPOKEN, TRANSCRIPT, with_model=counted, store=store) == first
    assert counted.written == []


def test_a_spoken_word_that_the_tokenizer_does_not_know_is_refused_or_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unlettered(demo_run.Wrapped):
        def unknown_words(self, text: str) -> list[str]:
            return ["?"] if " ?" in text else []

    with pytest.raises(UsageError, match=f"{SAID[0].id}: the model's tokenizer has no token for '\\?'"):
        with_known_spoken_words([SPOKEN], SAID, Unlettered(), False)
    kept = with_known_spoken_words([SPOKEN], SAID, Unlettered(), True)
    assert [item.id for item in kept.items] == [item.id for item in SAID if " ?" not in (item.spoken or "")]
    assert len(kept.bad) == len(SAID) - len(kept.items) == 2
    assert list(with_known_spoken_words([TRANSCRIPT], SAID, Unlettered(), False).items) == SAID


# -------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("asked", "run"),
    [
        (["text=transcript"], ["text", "text=transcript"]),
        (["speech={noise10,fast}"], ["speech", "speech=noise10", "speech=fast"]),
        (["speech=fast", "text=spoken_form"], ["text", "speech", "speech=fast", "text=spoken_form"]),
        (["speech=silence"], ["speech=silence"]),
    ],
)
def test_what_a_condition_is_compared_with_is_run_too(asked: list[str], run: list[str]) -> None:
    assert [condition.name for condition in Settings(conditions=asked).parsed_conditions()] == run


def test_a_recognizer_is_asked_for_by_the_cascade_or_by_transcripts() -> None:
    assert Settings(conditions=["text=transcript"], recognizer_args={"pretrained": "x"}).companions() == ()
    assert not Settings(conditions=["text=spoken_form"]).transcribes
    with pytest.raises(UsageError, match=r"add --systems base,cascade,lslm or --conditions text=transcript"):
        Settings(conditions=["speech=fast"], recognizer_args={"pretrained": "x"}).companions()


def test_a_recognizer_that_cannot_be_loaded_is_said_before_anything_runs() -> None:
    def missing() -> Any:
        raise UsageError("no such recognizer")

    asked = Companions((), lambda: pytest.fail("no base was asked for"), missing, transcribes=True)
    with pytest.raises(UsageError, match="no such recognizer"):
        asked.check([])


# -------------------------------------------------------------------------------------------------- whole runs


@pytest.fixture(scope="module")
def table() -> Any:
    """The recognizer of the run below."""
    return Table(own_words(ITEMS, misheard))


@pytest.fixture(scope="module")
def finished(table: Any, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """A whole run of two tasks, with a cascade beside it, the first task's clips having spoken forms."""
    base = companions.own_language_model(tmp_path_factory.mktemp("own") / "own")
    list(recognizers)
    patch = pytest.MonkeyPatch()
    patch.setitem(recognizers._found, "table", lambda: table)
    item = PairedTask.item
    patch.setattr(PairedTask, "item", lambda self, doc, number: with_spoken(item(self, doc, number)))
    try:
        return evaluate(
            tasks=TASKS,
            limit=LIMIT,
            conditions=["text=spoken_form", "text=transcript", "speech=noise0"],
            metrics=[],
            device="cpu",
            recognizer="table",
            systems=["cascade"],
            base_args={"pretrained": str(base)},
            output_path=tmp_path_factory.mktemp("finished") / "run",
        )
    finally:
        patch.undo()


def test_no_clip_is_transcribed_twice_for_the_cascade_and_the_control(finished: Evaluation, table: Any) -> None:
    assert sorted(table.calls) == sorted(table.said)
    for pair in (pair for of_task in finished.pairs.values() for pair in of_task):
        assert pair.verdicts["text=transcript"] == pair.verdicts["cascade"]  # the same language model on the same words
        assert pair.observations["text=transcript"].transcript == pair.observations["cascade"].transcript


def test_samples_hold_what_was_read_and_heard(finished: Evaluation) -> None:
    rows = [json.loads(line) for line in (Path(str(finished.folder)) / "samples.jsonl").read_text().splitlines()]
    by = {(row["item"], row["condition"]): row for row in rows if row["system"] == "lslm"}
    assert by[ITEMS[0].id, "text=transcript"]["transcript"] == "monday"
    assert by[ITEMS[0].id, "text=transcript"]["clip"]["sha256"] == ITEMS[0].clip.sha256
    assert by[ITEMS[0].id, "text=transcript"]["word_errors"] > 0
    assert by[ITEMS[0].id, "text=spoken_form"]["prompt"] != by[ITEMS[0].id, "text"]["prompt"]
    assert by[ITEMS[0].id, "speech=noise0"]["pcm_sha256"] != by[ITEMS[0].id, "speech"]["pcm_sha256"]
    assert by[ITEMS[4].id, "text=spoken_form"]["why"] == NO_SPOKEN_FORM
    assert by[ITEMS[4].id, "text=spoken_form"]["score"] is None


@pytest.mark.usefixtures("drawn")
def test_a_run_with_conditions_draws_them(finished: Evaluation, tmp_path: Path) -> None:
    assert (finished.save(tmp_path / "run") / "conditions.png").is_file()


def test_the_record_holds_every_condition_and_can_be_derived_again(finished: Evaluation) -> None:
    folder = Path(str(finished.folder))
    record = read_record(folder / "record.json")
    assert to_plain(record) == to_plain(finished.record)
    assert to_plain(derive(record, read_tables(folder, {name: task.version for name, task in record.tasks.items()}))) == to_plain(record)
    assert record.provenance["recognizer"]["name"] == "table"
    assert record.provenance["plan"]["conditions"] == ["text", "speech", "text=spoken_form", "text=transcript", "speech=noise0"]
    spoken = [of.conditions["text=spoken_form"].difference for of in (*record.tasks.values(), record.overall)]
    assert [of.why for of in spoken[1:]] == [NO_SPOKEN_FORM, f"{TASKS[1]}: {NO_SPOKEN_FORM}"]
    assert spoken[0].n == LIMIT
    assert any(NO_SPOKEN_FORM in line for line in record.checks["warnings"])
    shown = finished.table()
    assert "text=transcript" in shown
    assert "verbalisation" in shown


def test_a_run_without_any_spoken_form_is_refused_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"condition 'text=spoken_form': no task of the run has spoken forms"):
        evaluate(tasks=TASKS[:1], limit=2, conditions=["text=spoken_form"], metrics=[], device="cpu", output_path=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_dry_run_counts_the_controls_and_the_recognizer(monkeypatch: pytest.MonkeyPatch, table: Any) -> None:
    monkeypatch.setitem(recognizers._found, "table", lambda: table)
    asked: dict[str, Any] = {"tasks": TASKS[:1], "limit": 4, "batch_size": 2, "metrics": [], "device": "cpu", "recognizer": "table"}
    told = dry_run(conditions=["text=transcript", "speech=noise0"], **asked)
    assert told.forwards["text=transcript"] == 2  # four transcripts, at worst all different, two to a forward
    assert told.forwards["recognizer"] == 2
    assert told.forwards["text"] == 1  # four items, two questions
