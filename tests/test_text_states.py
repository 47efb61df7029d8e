from __future__ import annotations

import dataclasses
import random

import demo_run
import pytest
import torch
from demo_run import Counted, items

from lsgap_bench import text_states
from lsgap_bench.schema import Item
from lsgap_bench.text_states import Form, TextRun, form_of, of_one_kind, sorted_forms

ITEMS = items(8)
LENGTHS = {item.id: len(item.text.split()) for item in ITEMS}
FORMS = sorted_forms(ITEMS, LENGTHS)


def run_of(model: Counted, size: int = 4, wanted: bool = True) -> TextRun:
    return TextRun(model, FORMS, size, wanted, lambda forms, batch, prefill: None)


def alone(form: Form) -> torch.Tensor:
    """The content's states of one form run on its own: (L + 1, tokens, D)."""
    model = demo_run.model()
    batch = model.encode([form.text], [form.system])
    layers: list[torch.Tensor] = []
    model.prefill(batch, lambda layer, hidden: layers.append(batch.content(hidden)[0]))
    return torch.stack(layers)


def test_voices_of_one_question_are_one_form() -> None:
    assert len(FORMS) == len({item.text for item in ITEMS}) < len(ITEMS)


@pytest.mark.parametrize(
    "change", [{"system": "Be brief."}, {"options": ("a",)}, {"generation": dataclasses.replace(ITEMS[0].generation, max_new_tokens=9)}]
)
def test_what_changes_an_answer_makes_another_form(change: dict[str, object]) -> None:
    assert form_of(dataclasses.replace(ITEMS[0], **change)) != form_of(ITEMS[0])  # type: ignore[arg-type]


def test_forms_are_in_the_same_order_whatever_that_of_the_items() -> None:
    assert sorted_forms(random.Random(0).sample(ITEMS, len(ITEMS)), LENGTHS) == FORMS
    longest_first = [LENGTHS[next(i.id for i in ITEMS if i.text == form.text)] for form in FORMS if form.options]
    assert longest_first == sorted(longest_first, reverse=True)


@pytest.mark.parametrize("size", [1, 3, 5, 100])
def test_no_slice_mixes_items_with_options_and_items_without(size: int) -> None:
    ordered: list[Item] = sorted(ITEMS, key=lambda item: not item.options)
    parts = [ordered[part] for part in of_one_kind(ordered, size)]
    assert [item for part in parts for item in part] == ordered
    assert all(len({bool(item.options) for item in part}) == 1 and len(part) <= size for part in parts)


def test_a_stack_holds_the_states_of_each_form_and_nothing_where_there_is_none() -> None:
    wanted = [FORMS[-1], None, FORMS[0], FORMS[-1], None]
    stacked = run_of(Counted()).stack(wanted)
    for row, form in enumerate(wanted):
        if form is None:
            assert not stacked.mask[row].any()
        else:
            expected = alone(form)
            assert int(stacked.mask[row].sum()) == expected.shape[1]
            assert torch.allclose(stacked.states[:, row][:, stacked.mask[row]], expected, atol=1e-4, rtol=1e-4)


def test_every_group_is_run_once_however_often_it_is_asked_for() -> None:
    counted = Counted()
    run = run_of(counted)
    run.ensure(FORMS)
    run.ensure(FORMS)
    run.stack(FORMS)
    assert len(counted.written) == len(of_one_kind(FORMS, 4))
    assert sum(counted.written) == len(FORMS)


def test_answers_are_reported_once_per_group_even_when_its_states_are_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_states, "CPU_CACHE", 1)
    reported: list[Form] = []
    run = TextRun(Counted(), FORMS, 4, True, lambda forms, batch, prefill: reported.extend(forms))
    run.ensure(FORMS)
    run.stack(FORMS)
    assert reported == FORMS


def test_states_that_fell_out_of_the_cache_come_back_bit_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_of(Counted()).stack(FORMS)
    monkeypatch.setattr(text_states, "CPU_CACHE", 1)
    counted = Counted()
    run = run_of(counted)
    run.ensure(FORMS)
    again = run.stack(FORMS)
    assert len(counted.written) > len(of_one_kind(FORMS, 4))
    assert torch.equal(whole.states, again.states)
    assert torch.equal(whole.mask, again.mask)


def test_no_states_are_kept_where_none_are_wanted() -> None:
    run = run_of(Counted(), wanted=False)
    run.ensure(FORMS)
    assert not run._cache
