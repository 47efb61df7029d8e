"""Controls of an intervention in the fused pass, against states taken and edited by hand, one item at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import demo_run
import numpy as np
import pytest
import torch
from demo_run import Wrapped, items, model, observe, plan
from test_observe import _forward_from, alone, cosine

from lsgap_bench import keys
from lsgap_bench.keys import Asked, decisive
from lsgap_bench.models.adapter import Batch
from lsgap_bench.partners import Partners
from lsgap_bench.protocols import DEFAULT, PROTOCOLS, observed_otherwise
from lsgap_bench.schema import Condition, Item, Observation

ANGLE, LENGTH = "speech+angle_projection:all@{}", "speech+length_normalization:all@{}"
WRONG, RANDOM = "=wrong_transcript", "=random_direction"


def logits_with_text_of(item: Item, other: Item, layer: int, path: str = "cosine", shared: str = "best") -> tuple[torch.Tensor, int]:
    """Logits (V,) when every token of another text gives its direction to the state it is closest to; how many states those are."""
    speech, text = alone(item, spoken=True), alone(other, spoken=False)
    s, t = speech.states[layer], text.states[layer]
    near = cosine if path == "cosine" else lambda a, b: -float(np.linalg.norm(a - b))
    best = [max((near(state, token), -i) for i, state in enumerate(s)) for token in t]
    hidden = speech.hidden[layer].clone()
    writes_last = {"best": lambda j: best[j][0], "first": lambda j: -j, "last": lambda j: j}[shared]
    for j in sorted(range(len(t)), key=writes_last):
        i = -best[j][1]
        hidden[0, speech.content[i]] = torch.from_numpy(t[j] / np.linalg.norm(t[j]) * np.linalg.norm(s[i])).float()
    return _forward_from(hidden, layer, speech.inputs), len({i for _, i in best})


@pytest.mark.parametrize("layer", [0, 2])
def test_the_wrong_transcript_is_the_same_task_partners_in_path_and_edit(layer: int) -> None:
    some = items(4, demo_run.TASKS[:2])
    by_id = {item.id: item for item in some}
    name = ANGLE.format(layer) + WRONG
    found = observe(some, plan("speech", ANGLE.format(layer), name, batch_size=4))
    differing = 0
    for item in some[::2]:
        seen = found[(item.id, name)]
        assert set(seen.partners) == {"same_task"}
        partner = by_id[seen.partners["same_task"]]
        assert (partner.task, partner.text != item.text, partner.cluster != item.cluster) == (item.task, True, True)
        logits, replaced = logits_with_text_of(item, partner, layer)
        ids = [model().tokenizer(option, add_special_tokens=False)["input_ids"][0] for option in item.options]
        assert seen.option_logprobs == pytest.approx(logits.double().log_softmax(-1)[ids].tolist(), abs=1e-4)
        assert seen.replaced == replaced
        differing += seen.option_logprobs != pytest.approx(found[(item.id, ANGLE.format(layer))].option_logprobs, abs=1e-2)
    assert differing, "another text must matter, or this test could not fail"


@pytest.mark.parametrize("made", [{"path": "euclidean"}, {"shared_position": "first"}, {"shared_position": "last"}])
def test_the_choices_of_path_and_shared_position_reach_the_edit(made: dict[str, str]) -> None:
    some, name = items(2, demo_run.TASKS[:2])[::2], ANGLE.format(2)
    usual = observe(some, plan("speech", name, batch_size=4))
    asked = dataclasses.replace(plan("speech", name, batch_size=4), choices=PROTOCOLS[DEFAULT].settled(made))
    found, differing = observe(some, asked), 0
    for item in some:
        expected = logits_with_text_of(item, item, 2, made.get("path", "cosine"), made.get("shared_position", "best"))[0]
        ids = [model().tokenizer(option, add_special_tokens=False)["input_ids"][0] for option in item.options]
        assert found[(item.id, name)].option_logprobs == pytest.approx(expected.double().log_softmax(-1)[ids].tolist(), abs=1e-4)
        differing += found[(item.id, name)].logits_sha256 != usual[(item.id, name)].logits_sha256
    assert differing, "the choice must matter, or this test could not fail"


class _Everywhere(Wrapped):
    """Keeps which content positions of an only item each layer's edit changed, (L + 1, positions)."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[torch.Tensor] = []

    def prefill(self, batch: Batch, hook: Any = None) -> Any:
        def watched(layer: int, hidden: torch.Tensor) -> torch.Tensor | None:
            edited = hook(layer, hidden)
            if edited is not None:
                self.rows.append(changed(batch.content(hidden)[0], batch.content(edited)[0]))
            return edited  # type: ignore[no-any-return]

        return self.inner.prefill(batch, watched if hook else None)


@pytest.mark.parametrize("selection", ["bottom3", "random3"])
def test_the_tokens_of_layer_0_are_edited_in_every_layer_if_that_is_the_choice(selection: str) -> None:
    rows = {}
    for choice in ("each", "first"):
        watched, name = _Everywhere(), f"speech+angle_projection:{selection}@all"
        asked = dataclasses.replace(plan(name), choices=PROTOCOLS[DEFAULT].settled({"edited_selection": choice}))
        observe(items(1, demo_run.TASKS[:1]), asked, watched)
        rows[choice] = torch.stack(watched.rows)
    assert len(rows["first"]) == model().num_layers + 1
    assert torch.equal(rows["first"], rows["first"][:1].expand_as(rows["first"]))
    assert torch.equal(rows["each"][0], rows["first"][0])
    assert not torch.equal(rows["each"], rows["first"])


def test_without_the_final_norm_the_last_layer_is_the_last_blocks_output() -> None:
    item, seen = items(1, demo_run.TASKS[:1])[0], []
    handle = model().blocks[-1].register_forward_hook(lambda block, given, output: seen.append(output[0].numpy()))
    try:
        sides = [alone(item, spoken=spoken) for spoken in (False, True)]
    finally:
        handle.remove()
    text, speech = (output[side.content].mean(0) for output, side in zip(seen, sides, strict=True))

    def curve(**made: str) -> tuple[float, ...]:
        asked = dataclasses.replace(plan("text", "speech", metrics=["pooled_cosine"]), choices=PROTOCOLS[DEFAULT].settled(made))
        return observe([item], asked)[(item.id, "speech")].curves["pooled_cosine"]["matched"]

    usual, before = curve(), curve(final_norm="excluded")
    assert before[-1] == pytest.approx(cosine(speech, text), abs=1e-5)
    assert usual[:-1] == before[:-1]
    assert usual[-1] != pytest.approx(before[-1], abs=1e-3)


def test_the_partner_is_the_one_of_the_null() -> None:
    name = ANGLE.format(0) + WRONG
    found = observe(items(), plan("speech", name, metrics=["pooled_cosine"]))
    for item in items():
        assert found[(item.id, name)].partners["same_task"] == found[(item.id, "speech")].partners["same_task"]


@pytest.mark.parametrize("number", [1, 2], ids=["one item", "one question in two voices"])
def test_without_a_partner_there_is_no_answer_but_a_reason(number: int) -> None:
    name = ANGLE.format(0) + WRONG
    for seen in observe(items(number, demo_run.TASKS[:1]), plan("speech", name, ANGLE.format(0) + RANDOM)).values():
        if seen.condition == name:
            assert seen.absent is not None
            assert "no other item of the same task" in seen.absent
            assert (seen.answer, seen.option_logprobs, seen.replaced, seen.partners) == ("", (), None, {})
        else:
            assert seen.absent is None
            assert seen.answer


class _Kept(Wrapped):
    """Keeps the content states before and after the edits of the batch that was run last, and which rows are content."""

    before: torch.Tensor
    after: torch.Tensor

    def prefill(self, batch: Batch, hook: Any = None) -> Any:
        def both(layer: int, hidden: torch.Tensor) -> torch.Tensor | None:
            edited = hook(layer, hidden)
            if edited is not None:
                self.before, self.after = (batch.content(h)[batch.content_mask] for h in (hidden, edited))
            return edited  # type: ignore[no-any-return]

        return self.inner.prefill(batch, both if hook else None)


def edits(condition: str, seed: int = 0, some: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
    """The states of three items before and after an edit."""
    watched = _Kept()
    observe(some or items(3, demo_run.TASKS[:1]), plan(condition, seed=seed), watched)
    return watched.before, watched.after


def changed(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    return (before != after).any(1)


def test_a_random_direction_replaces_the_states_that_the_own_text_selects_and_keeps_their_norm() -> None:
    own, drawn = edits("speech+angle_projection:bottom3@2"), edits("speech+angle_projection:bottom3@2" + RANDOM)
    rows = changed(*own)
    assert 3 <= int(rows.sum()) <= 9
    assert torch.equal(changed(*drawn), rows)
    torch.testing.assert_close(drawn[1][rows].norm(dim=1), drawn[0][rows].norm(dim=1))
    # the cosine of two random directions in 160 dimensions has a standard deviation of 1 / sqrt(160) = .08
    for other in (drawn[0][rows], own[1][rows]):
        assert torch.cosine_similarity(drawn[1][rows], other).abs().max() < 0.4
    among = torch.cosine_similarity(drawn[1][rows][:, None], drawn[1][rows][None], dim=-1)
    assert (among - torch.eye(len(among))).abs().max() < 0.4


def test_a_random_direction_of_equal_norm_leaves_length_normalization_as_it_is() -> None:
    own, drawn = edits(LENGTH.format(0)), edits(LENGTH.format(0) + RANDOM)
    assert changed(*own).any()
    torch.testing.assert_close(drawn[1], own[1], rtol=1e-5, atol=1e-5)


def test_another_seed_draws_other_directions_and_every_layer_its_own() -> None:
    name = ANGLE.format(0) + RANDOM
    assert torch.equal(edits(name)[1], edits(name)[1])
    assert not torch.equal(edits(name)[1], edits(name, seed=1)[1])
    some = items(1, demo_run.TASKS[:1])
    directions = [torch.nn.functional.normalize(edits(ANGLE.format(k) + RANDOM, some=some)[1], dim=1) for k in (1, 2)]
    assert not torch.isclose((directions[0] * directions[1]).sum(1), torch.tensor(1.0), atol=1e-3).any()


CONTROLLED = (ANGLE.format(0) + WRONG, ANGLE.format("all") + RANDOM, "speech+angle_projection:random3@2" + RANDOM)


@pytest.mark.parametrize("size", [1, 32])
def test_batch_size_and_order_do_not_change_a_control(size: int) -> None:
    def answers(found: dict[tuple[str, str], Observation]) -> dict[tuple[str, str], Any]:
        return {key: (seen.answer, seen.partners, seen.replaced) for key, seen in found.items()}

    first, second = observe(items(), plan(*CONTROLLED, batch_size=4)), observe(items()[::-1], plan(*CONTROLLED, batch_size=size))
    assert answers(first) == answers(second)
    for key, seen in first.items():
        assert seen.option_logprobs == pytest.approx(second[key].option_logprobs, abs=1e-4)


# -------------------------------------------------------------------------------------------------- keys


def parts(condition: str, seed: int = 0, same_task: Item | None = None, **choices: str) -> dict[str, Any]:
    partners = Partners(items()[-1], same_task or items()[2])
    asked = Asked(items()[0], Condition.parse(condition), partners, seed, observed_otherwise(PROTOCOLS[DEFAULT].settled(choices)))
    return dict(decisive(asked, "weights", ()))


PLAIN = {"version", "item", "model", "condition", "text", "system", "options", "clip"}


def test_the_parts_of_an_intervention_without_control_are_those_of_version_0_1_0() -> None:
    for selection in ("all", "bottom3", "random3"):
        assert set(parts(f"speech+angle_projection:{selection}@0")) == PLAIN | {"intervention", "seed"}
    assert set(parts("speech")) == PLAIN
    assert set(parts("speech=other")) == PLAIN | {"other"}


def test_a_wrong_transcript_depends_on_its_partner_and_not_on_the_seed() -> None:
    name = ANGLE.format(0) + WRONG
    base = parts(name)
    assert set(base) == PLAIN | {"intervention", "seed", "control"}
    assert parts(name, seed=1) == base
    assert parts(name, same_task=items()[3]) != base
    for change in ({"text": "another question"}, {"id": f"{items()[2].task}/99"}, {"system": "be brief"}):
        assert parts(name, same_task=dataclasses.replace(items()[2], **change)) != base


def test_a_choice_that_decides_an_edit_is_a_part_of_its_key_only_where_it_is_not_at_its_default() -> None:
    name = ANGLE.format(0)
    assert parts(name, path="cosine", shared_position="best", layers="0..L") == parts(name)
    assert parts(name, path="euclidean") == {**parts(name), "choices": {"path": "euclidean"}}
    assert parts(name, shared_position="last") == {**parts(name), "choices": {"shared_position": "last"}}
    for plain in ("text", "speech", "speech=other"):
        assert parts(plain, path="euclidean", edited_selection="first") == parts(plain)


def test_the_final_norm_is_a_part_of_the_key_of_what_is_measured_or_edited() -> None:
    asked = Asked(items()[0], Condition.parse("speech"), Partners(items()[-1], items()[2]), 0, {"final_norm": "excluded"})
    usual = dataclasses.replace(asked, choices={})
    assert decisive(asked, "weights", ()) == decisive(usual, "weights", ())
    measured = ("pooled_cosine",)
    assert decisive(asked, "weights", measured) == {**decisive(usual, "weights", measured), "final_norm": "excluded"}
    assert parts(ANGLE.format(2), final_norm="excluded") == {**parts(ANGLE.format(2)), "choices": {"final_norm": "excluded"}}


def test_random_directions_depend_on_the_seed_and_not_on_a_partner() -> None:
    name = ANGLE.format(0) + RANDOM
    assert parts(name, seed=1) != parts(name)
    assert parts(name, same_task=items()[3]) == parts(name)


def test_edited_controls_are_made_anew_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("speech", ANGLE.format(0), ANGLE.format(0) + WRONG, ANGLE.format(0) + RANDOM)
    before = [parts(name) for name in names]
    monkeypatch.setattr(keys, "CONTROL_CODE", "of another version")
    assert [parts(name) == old for name, old in zip(names, before, strict=True)] == [True, True, False, False]
