"""Text controls: the model reads an item as it was said, or as a recognizer heard it, by the code that has it read the item's own text."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tqdm import tqdm

from lsgap_bench.answers import without_answer
from lsgap_bench.errors import UsageError
from lsgap_bench.forecast import Forecast, spread
from lsgap_bench.models.adapter import SpeechLM, chunks, gives
from lsgap_bench.observe import TEXT, Observer, Plan
from lsgap_bench.reading import with_known_words
from lsgap_bench.schema import Condition, Item, Observation
from lsgap_bench.sieve import Sieved
from lsgap_bench.store import Store, open_store
from lsgap_bench.systems import Companions, Transcribed, recognized, release
from lsgap_bench.text_states import form_of, of_one_kind

NO_SPOKEN_FORM = "the clip is a recording: no voice was given a text"
Found = dict[tuple[str, str], Observation]


def transcribes(controls: Sequence[Condition]) -> bool:
    """Whether one of the conditions needs a recognizer."""
    return any(control.read == "transcript" for control in controls)


def with_known_spoken_words(controls: Sequence[Condition], items: Sequence[Item], model: SpeechLM, skip_bad_items: bool) -> Sieved:
    """`with_known_words` of what was said, where a control reads it.

    UsageError, too, where no item has such a text.
    """
    control = next((control for control in controls if control.read == "spoken_form"), None)
    said = [replace(item, text=item.spoken) for item in items if item.spoken is not None]
    if control is None or not items:
        return Sieved(items, ())
    if not said:
        raise UsageError(
            f"condition '{control.name}': no task of the run has spoken forms, as its clips are recordings; leave the condition out, or "
            "choose tasks whose clips a voice made"
        )
    legible = with_known_words(said, model, skip_bad_items)
    lost = {item.id for item in said} - {item.id for item in legible.items}
    return Sieved([item for item in items if item.id not in lost], legible.bad)


def observe_text_controls(
    controls: Sequence[Condition],
    items: Sequence[Item],
    model: SpeechLM,
    plan: Plan,
    plain: Mapping[tuple[str, str], Observation],
    heard: Transcribed,
    store: Store[Observation],
) -> Found:
    """(item id, condition name) -> observation, for every item and control.

    plain: of `text`, by the same keys. heard: the transcripts, where a control reads them. The same words are not asked twice: where a
    control reads what `text` or another control has read, it has the same answer.
    """
    answered = {(item.id, item.text): plain[item.id, TEXT.name] for item in items if (item.id, TEXT.name) in plain}
    reading, found = replace(plan, conditions=(TEXT,), metrics=(), canary=0), {}
    for control in controls:
        texts = {item.id: _text(item, control, heard) for item in items}
        asked = [replace(i, text=text) for i in items if (text := texts[i.id]) is not None and (i.id, text) not in answered]
        if asked:
            with tqdm(total=len(asked), unit="item", desc=control.name) as bar:
                seen = Observer(asked, model, reading).observe(store, bar.update)
            answered |= {(item.id, item.text): seen[item.id, TEXT.name] for item in asked}
        for item in items:
            text = texts[item.id]
            found[item.id, control.name] = (
                without_answer(item, control, NO_SPOKEN_FORM)
                if text is None
                else _as_read(answered[item.id, text], control, heard.transcripts.get(item.id))
            )
    return found


def forecast_text_controls(
    controls: Sequence[Condition], told: Forecast, items: Sequence[Item], model: SpeechLM, plan: Plan, companions: Companions
) -> Forecast:
    """The forecast with the forwards and the time of the controls, measured on as many items as it was."""
    if not controls:
        return told
    size = plan.batch_size if gives(model, "states") else 1
    said = [replace(item, text=item.spoken) for item in items if item.spoken not in (None, item.text)]
    forms = {"spoken_form": list({form_of(item) for item in said}), "transcript": list(map(form_of, items))}  # at worst no two are alike
    forwards = dict(told.forwards)
    for control in controls:
        forwards[control.name] = len(of_one_kind(sorted(forms[control.read], key=lambda form: not form.options), size))
    if transcribes(controls):
        forwards["recognizer"] = len(list(chunks(len(items), plan.batch_size)))
    if not told.sampled:
        return replace(told, forwards=forwards)
    sample = spread(items, told.sampled)
    started = time.perf_counter()
    with open_store(None, resume=False) as store:
        heard = transcripts(controls, companions, sample, plan, model.max_seconds, store)
        observe_text_controls(controls, sample, model, plan, {}, heard, store)
    taken = time.perf_counter() - started
    return replace(told, forwards=forwards, seconds=told.seconds + taken * len(items) / len(sample))


def transcripts(
    controls: Sequence[Condition],
    companions: Companions,
    items: Sequence[Item],
    plan: Plan,
    max_seconds: float | None,
    store: Store[Observation],
) -> Transcribed:
    """What the recognizer makes of the items, where a control reads it; it is gone again when this returns."""
    if not transcribes(controls):
        return Transcribed()
    heard = recognized(companions, items, plan.batch_size, max_seconds, store)
    release()
    return heard


def _text(item: Item, control: Condition, heard: Transcribed) -> str | None:
    """What a control has the model read; None where there is no such text."""
    return item.spoken if control.read == "spoken_form" else heard.transcripts[item.id].transcript or ""


def _as_read(answer: Observation, control: Condition, said: Observation | None) -> Observation:
    named = replace(answer, condition=control.name)
    if control.read != "transcript" or said is None:
        return named
    return replace(named, transcript=said.transcript, pcm_sha256=said.pcm_sha256)
