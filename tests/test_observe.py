"""The fused pass against transformers alone, one item at a time, with states taken and metrics computed by hand."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import demo_run
import numpy as np
import pytest
import torch
from demo_run import Counted, Wrapped, items, model, observe, plan
from numpy.typing import NDArray
from scipy.stats import spearmanr

from lsgap_bench import layer_hooks
from lsgap_bench import observe as observe_module
from lsgap_bench.errors import UsageError
from lsgap_bench.layer_hooks import Measure
from lsgap_bench.models.adapter import Batch, Content
from lsgap_bench.observe import Observer
from lsgap_bench.registry import REPRESENTATION, metrics
from lsgap_bench.schema import SIDES, Item, Observation
from lsgap_bench.speech.clips import decode, pcm_sha256
from lsgap_bench.store import open_store
from lsgap_bench.text_states import form_of

Floats = NDArray[np.float64]
METRICS = ("pooled_cosine", "pooled_euclidean", "alignment_path_score", "alignment_path_score_euclidean", "path_consistency")
TEXT, SPEECH = "<|user|>{}<|answer|>", "<|user|><|audio_bos|><|AUDIO|><|audio_eos|><|answer|>"
INNER = 2


# -------------------------------------------------------------------------------------------------- transformers alone


class Alone(NamedTuple):
    """One item run on its own. states: per layer (N, D) of the content; inputs: of the forward; content: positions."""

    states: list[Floats]
    hidden: list[torch.Tensor]
    logits: torch.Tensor
    inputs: dict[str, Any]
    content: list[int]


@torch.no_grad()
def alone(item: Item, spoken: bool, answer: str = "") -> Alone:
    processor = model().processor
    if spoken:
        wave = decode(item.clip, 16_000)
        inputs = dict(processor(text=SPEECH + answer, audio=wave, sampling_rate=16_000, return_tensors="pt"))
        content = (inputs["input_ids"][0] == model().model.config.audio_token_id).nonzero()[:, 0].tolist()
    else:
        inputs = dict(processor.tokenizer(TEXT.format(item.text) + answer, return_tensors="pt"))
        after = len(processor.tokenizer("<|answer|>" + answer, add_special_tokens=False)["input_ids"])
        content = list(range(1, inputs["input_ids"].shape[1] - after))
    output = model().model(**inputs, output_hidden_states=True)
    hidden = list(output.hidden_states)
    return Alone([h[0, content].double().numpy() for h in hidden], hidden, output.logits[0], inputs, content)


def cosine(a: Floats, b: Floats) -> float:
    return float(a @ b / (math.sqrt(a @ a) * math.sqrt(b @ b)))


def by_hand(metric: str, speech: Floats, text: Floats) -> float:
    if metric == "pooled_cosine":
        return cosine(speech.mean(0), text.mean(0))
    if metric == "pooled_euclidean":
        return float(np.linalg.norm(speech.mean(0) - text.mean(0)))
    cosines = [[cosine(s, t) for s in speech] for t in text]
    distances = [[float(np.linalg.norm(s - t)) for s in speech] for t in text]
    if metric == "alignment_path_score":
        return float(np.mean([max(row) for row in cosines]))
    if metric == "alignment_path_score_euclidean":
        return float(np.mean([min(row) for row in distances]))
    assert metric == "path_consistency"
    return float(np.mean([np.argmax(c) == np.argmin(d) for c, d in zip(cosines, distances, strict=True)]))


@pytest.fixture(scope="module")
def seen() -> dict[tuple[str, str], Observation]:
    """Two batches of mixed lengths with partners from all tasks."""
    return observe(items(), plan("text", "speech", metrics=METRICS, batch_size=5))


@pytest.mark.parametrize("task", demo_run.TASKS)
def test_every_layer_of_every_metric_and_null_is_that_of_the_item_run_alone(task: str, seen: dict[tuple[str, str], Observation]) -> None:
    by_id = {item.id: item for item in items()}
    item = by_id[f"{task}/1"]
    observed = seen[(item.id, "speech")]
    speech = alone(item, spoken=True).states
    assert set(observed.partners) == {"other_task", "same_task"}
    texts = {"matched": item, **{side: by_id[partner] for side, partner in observed.partners.items()}}
    for side, other in texts.items():
        text = alone(other, spoken=False).states
        for metric in METRICS:
            expected = [by_hand(metric, s, t) for s, t in zip(speech, text, strict=True)]
            assert len(expected) == model().num_layers + 1
            assert observed.curves[metric][side] == pytest.approx(expected, rel=1e-4, abs=1e-4), (metric, side)


def test_the_pooled_monotonicity_is_that_of_the_paths_of_layers_1_to_L_of_the_item_run_alone() -> None:
    some = items(3, demo_run.TASKS[:1])
    found = observe(some, plan("text", "speech", metrics=["path_monotonicity_pooled"]))[(some[0].id, "speech")]
    speech, order, positions = alone(some[0], spoken=True).states[1:], [], []
    for s, t in zip(speech, alone(some[0], spoken=False).states[1:], strict=True):
        order += range(len(t))
        positions += [max(range(len(s)), key=lambda i: (cosine(s[i], token), -i)) for token in t]
    curve = found.curves["path_monotonicity_pooled"]
    assert curve["matched"] == pytest.approx((spearmanr(order, positions).statistic,))
    assert set(curve) == {"matched", "other_task", "same_task"}


@pytest.mark.parametrize("spoken", [False, True])
def test_option_loglikelihoods_and_the_answer_are_those_of_each_option_run_alone(
    spoken: bool, seen: dict[tuple[str, str], Observation]
) -> None:
    for item in items(2, demo_run.TASKS[:1]):
        prompt = alone(item, spoken)
        start = prompt.inputs["input_ids"].shape[1]
        totals = []
        for option in item.options:
            ids = model().tokenizer(option, add_special_tokens=False)["input_ids"]
            logits = prompt.logits[-1:]
            if len(ids) > 1:
                logits = alone(item, spoken, option).logits[-len(ids) - 1 : -1]
            totals.append(sum(float(row.double().log_softmax(-1)[i]) for row, i in zip(logits, ids, strict=True)))
        observed = seen[(item.id, "speech" if spoken else "text")]
        assert observed.option_logprobs == pytest.approx(totals, abs=1e-4)
        assert observed.answer == item.options[int(np.argmax(totals))]
        assert observed.content_tokens == len(prompt.content)
        assert start == len(prompt.content) + (4 if spoken else 2)


@torch.no_grad()
def test_a_free_answer_is_what_greedy_generation_of_transformers_writes(seen: dict[tuple[str, str], Observation]) -> None:
    for item in items(2, demo_run.TASKS[2:]):
        for spoken in (False, True):
            inputs = alone(item, spoken).inputs
            ids = model().model.generate(**inputs, max_new_tokens=item.generation.max_new_tokens, do_sample=False)
            expected = model().tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()
            assert seen[(item.id, "speech" if spoken else "text")].answer == expected


# -------------------------------------------------------------------------------------------------- interventions


def edited_by_hand(item: Item, layer: int, count: int | None) -> torch.Tensor:
    """Logits after the prompt (V,) when `count` worst aligned tokens (None: all) give their speech states the text direction at `layer`."""
    speech, text = alone(item, spoken=True), alone(item, spoken=False)
    s, t = speech.states[layer], text.states[layer]
    best = [max((cosine(state, token), -i) for i, state in enumerate(s)) for token in t]  # the first of equal ones
    chosen = sorted(range(len(t)), key=lambda j: best[j][0])[: count or len(t)]
    hidden = speech.hidden[layer].clone()
    for j in sorted(chosen, key=lambda j: best[j][0]):  # where tokens share a state the best aligned one writes last
        i = -best[j][1]
        edited = t[j] / np.linalg.norm(t[j]) * np.linalg.norm(s[i])
        hidden[0, speech.content[i]] = torch.from_numpy(edited).float()
    return _forward_from(hidden, layer, speech.inputs)


@torch.no_grad()
def _forward_from(hidden: torch.Tensor, layer: int, inputs: dict[str, Any]) -> torch.Tensor:
    if layer == 0:
        return model().model(inputs_embeds=hidden, attention_mask=inputs["attention_mask"]).logits[0, -1]
    block = model().model.get_decoder().layers[layer]
    handle = block.register_forward_pre_hook(lambda module, args, kwargs: ((hidden, *args[1:]), kwargs), with_kwargs=True)
    try:
        return model().model(**inputs).logits[0, -1]
    finally:
        handle.remove()


@pytest.mark.parametrize(("selection", "count"), [("all", None), ("bottom3", 3)])
@pytest.mark.parametrize("layer", [0, INNER])
def test_an_intervention_gives_the_logits_of_states_edited_by_hand(layer: int, selection: str, count: int | None) -> None:
    some = items(2, demo_run.TASKS[:2])
    name = f"speech+angle_projection:{selection}@{layer}"
    found = observe(some, plan("speech", name, batch_size=4))
    changed = False
    for item in some[::2]:
        ids = [model().tokenizer(option, add_special_tokens=False)["input_ids"][0] for option in item.options]
        expected = edited_by_hand(item, layer, count).double().log_softmax(-1)[ids].tolist()
        assert found[(item.id, name)].option_logprobs == pytest.approx(expected, abs=1e-4)
        changed |= found[(item.id, "speech")].option_logprobs != pytest.approx(expected, abs=1e-2)
    assert changed, "the edit must matter, or this test could not fail"


@pytest.mark.parametrize("place", ["all@0", f"all@{INNER}", "all@all", "bottom3@0"])
def test_the_identity_changes_no_bit_of_the_logits_at(place: str) -> None:
    name = f"speech+identity:{place}"
    found = observe(items(), plan("speech", name, batch_size=5))
    for item in items():
        plain, control = found[(item.id, "speech")], found[(item.id, name)]
        assert control.logits_sha256 == plain.logits_sha256
        assert control.option_logprobs == plain.option_logprobs
        assert control.answer == plain.answer
        assert control.replaced is not None
        assert control.replaced >= 1


class _Kept(Wrapped):
    """Keeps the speech states before and after an edit."""

    def prefill(self, batch: Batch, hook: Any = None) -> Any:
        if hook is None:
            return self.inner.prefill(batch)

        def both(layer: int, hidden: torch.Tensor) -> torch.Tensor | None:
            edited = hook(layer, hidden)
            if edited is not None:
                self.before, self.after, self.mask = batch.content(hidden), batch.content(edited), batch.content_mask
                self.outside = torch.equal(hidden[:, -1], edited[:, -1])
            return edited  # type: ignore[no-any-return]

        return self.inner.prefill(batch, both)


def test_length_normalization_changes_norms_and_no_direction() -> None:
    watched = _Kept()
    observe(items(3, demo_run.TASKS[:1]), plan("speech+length_normalization:all@0"), watched)
    before, after = watched.before[watched.mask], watched.after[watched.mask]
    assert torch.allclose(torch.cosine_similarity(before, after, dim=-1), torch.ones(len(before)), atol=1e-5)
    assert not torch.allclose(before.norm(dim=-1), after.norm(dim=-1), rtol=1e-2)
    assert watched.outside


def test_an_edit_at_every_layer_counts_its_positions_at_every_layer() -> None:
    (item,) = items(1, demo_run.TASKS[:1])
    found = observe([item], plan("speech+angle_projection:all@0", "speech+angle_projection:all@all"))
    speech, text = alone(item, spoken=True).states[0], alone(item, spoken=False).states[0]
    distinct = {int(np.argmax([cosine(s, t) for s in speech])) for t in text}
    assert found[(item.id, "speech+angle_projection:all@0")].replaced == len(distinct)
    everywhere = found[(item.id, "speech+angle_projection:all@all")]
    assert everywhere.replaced is not None
    assert 1 <= everywhere.replaced <= len(text)
    assert everywhere.logits_sha256 != found[(item.id, "speech+angle_projection:all@0")].logits_sha256


# -------------------------------------------------------------------------------------------------- what it costs


def test_a_batch_costs_one_forward_per_condition_and_voices_share_the_written_one() -> None:
    counted = Counted()
    some = items(4, demo_run.TASKS[:2])  # 8 clips of 4 questions
    observe(some, plan("text", "speech", demo_run.INTERVENTION, metrics=METRICS, batch_size=4), counted)
    assert counted.written == [4]
    assert counted.spoken == [4] * 2 * 2  # two spoken conditions, two batches


def test_the_canary_costs_two_forwards_on_its_own_items_only() -> None:
    counted = Counted()
    some = items(4, demo_run.TASKS[:2])
    found = observe(some, plan("speech", batch_size=4, canary=3), counted)
    assert sorted(counted.spoken) == [1, 3, 3, 3, 4]
    assert sum(condition == "speech=silence" for _, condition in found) == 3
    assert sum(condition == "speech=other" for _, condition in found) == 3


def test_layers_that_are_reduced_together_give_what_each_gives_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [name for name in metrics if metrics[name].needs in REPRESENTATION]
    some, wanted = items(4, demo_run.TASKS[:2]), plan("speech", metrics=every)
    alone = observe(some, wanted)
    monkeypatch.setattr(layer_hooks, "_together", lambda batch, texts: 3)  # of five layers, as on a GPU
    for place, together in observe(some, wanted).items():
        assert together.curves.keys() == alone[place].curves.keys()
        for name, sides in together.curves.items():
            for side, curve in sides.items():
                assert curve == pytest.approx(alone[place].curves[name][side], rel=1e-5, abs=1e-6, nan_ok=True)


def test_the_measuring_hook_keeps_one_number_per_metric_item_and_side() -> None:
    some = items(3, demo_run.TASKS[:1])
    observer = Observer(some, model(), plan("speech", metrics=METRICS))
    kept: list[Measure] = []

    class Spied(Wrapped):
        def prefill(self, batch: Batch, hook: Any = None) -> Any:
            if isinstance(hook, Measure):
                kept.append(hook)
            return self.inner.prefill(batch, hook)

    observer.model = Spied()
    with open_store(None, resume=True) as store:
        observer.observe(store)
    (measure,) = kept
    assert [tuple(v.shape) for v in measure._values] == [(1, len(METRICS), 3 * len(SIDES))] * (model().num_layers + 1)
    others = [v for k, v in vars(measure).items() if k != "_values" and torch.is_tensor(v)]
    assert not others


def test_a_batch_and_its_partners_need_the_states_of_few_groups_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """All the texts of a long run do not fit in memory; what a batch needs must lie close together, and its clips be of like length."""
    monkeypatch.setattr(observe_module, "WINDOW", 32)
    rng, size, many = random.Random(0), 16, []
    for k in range(640):
        words = rng.randrange(3, 40)
        text = " ".join(rng.choice(("one", "two", "three", "four", "five")) for _ in range(words)) + f" {k}"
        clip = dataclasses.replace(items(1)[0].clip, frames=int(words * 5000 * rng.uniform(0.8, 1.25)))
        many.append(dataclasses.replace(items(1)[0], id=f"t/{k}", text=text, cluster=str(k), family=str(k % 3), clip=clip))
    observer = Observer(many, model(), plan("speech"))
    group = {form: k // size for k, form in enumerate(observer._forms)}
    needed, padding = [], []
    for batch in observer._batches(size):
        partners = [p for i in batch for p in (observer.partners[i.id].other_task, observer.partners[i.id].same_task) if p]
        needed.append(len({group[form_of(i)] for i in [*batch, *partners]}))
        seconds = [i.clip.seconds for i in batch]
        padding.append(max(seconds) / np.mean(seconds))
    assert np.mean(needed) < 8  # of 40
    assert np.mean(padding) < 1.25


# -------------------------------------------------------------------------------------------------- what must not matter


def like(a: Observation, b: Observation) -> bool:
    """Equal but for rounding."""
    same = (a.answer, a.partners, a.prompt, a.content_tokens, a.pcm_sha256) == (
        b.answer,
        b.partners,
        b.prompt,
        b.content_tokens,
        b.pcm_sha256,
    )
    numbers = [(a.option_logprobs, b.option_logprobs), *((a.curves[m][s], b.curves[m][s]) for m in a.curves for s in a.curves[m])]
    return same and all(x == pytest.approx(y, rel=1e-4, abs=1e-4, nan_ok=True) for x, y in numbers)


WHOLE = ("text", "speech", "speech+angle_projection:random3@0")


@pytest.mark.parametrize("size", [1, 32])
def test_the_batch_size_does_not_matter(size: int) -> None:
    first, second = (observe(items(), plan(*WHOLE, metrics=METRICS, batch_size=b, canary=3)) for b in (4, size))
    assert first.keys() == second.keys()
    assert all(like(first[key], second[key]) for key in first)


def test_the_order_of_the_items_changes_no_bit() -> None:
    wanted = plan(*WHOLE, metrics=METRICS, canary=3)
    assert observe(items(), wanted) == observe(items()[::-1], wanted)


class _Stopping(Wrapped):
    """Is interrupted, as by Ctrl-C, at one of its forwards."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def prefill(self, batch: Batch, hook: Any = None) -> Any:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return self.inner.prefill(batch, hook)


def test_an_interrupted_run_goes_on_where_it_stopped_and_changes_no_bit(tmp_path: Any) -> None:
    wanted = plan(*WHOLE, metrics=METRICS, canary=3)
    whole = Counted()
    expected = observe(items(), wanted, whole)
    with pytest.raises(KeyboardInterrupt):
        observe(items(), wanted, _Stopping(at=5), tmp_path)
    rest = Counted()
    assert observe(items(), wanted, rest, tmp_path) == expected
    done = len(whole.spoken) - len(rest.spoken)
    assert 0 < done < len(whole.spoken)
    nothing = Counted()
    assert observe(items(), wanted, nothing, tmp_path) == expected
    assert nothing.spoken == nothing.written == []


# -------------------------------------------------------------------------------------------------- memory


class _Small(Counted):
    """Has memory for so many items per forward."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def prefill(self, batch: Batch, hook: Any = None) -> Any:
        if len(batch) > self.room:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return super().prefill(batch, hook)


def test_where_memory_runs_out_the_batches_become_smaller_and_nothing_is_run_twice() -> None:
    small, done = _Small(room=3), []
    observer = Observer(items(), small, plan(*WHOLE, metrics=METRICS, batch_size=8))
    with open_store(None, resume=True) as store:
        found = observer.observe(store, done.append)
    assert observer.batch_sizes == [8, 4, 2]
    assert sum(done) == len(items())
    assert min(done) >= 0
    assert sum(small.spoken) == 2 * len(items())
    expected = observe(items(), plan(*WHOLE, metrics=METRICS, batch_size=2))
    assert all(like(found[key], expected[key]) for key in expected)


def test_memory_that_runs_out_late_costs_only_the_unfinished_batches() -> None:
    class Tired(Counted):
        def prefill(self, batch: Batch, hook: Any = None) -> Any:
            if len(batch) > 2 and len(self.spoken) >= 2:
                raise torch.cuda.OutOfMemoryError("out of memory")
            return super().prefill(batch, hook)

    tired, done = Tired(), []
    observer = Observer(items(), tired, plan("text", "speech", batch_size=4))
    with open_store(None, resume=True) as store:
        observer.observe(store, done.append)
    assert observer.batch_sizes == [4, 2]
    assert sum(tired.spoken) == len(items()) == sum(done)


def test_a_model_without_memory_for_one_item_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match="does not fit on cpu with even one item per batch") as caught:
        observe(items(1), plan("speech", batch_size=2), _Small(room=0))
    assert "\n" not in str(caught.value)


# -------------------------------------------------------------------------------------------------- small runs


def test_only_text_runs_no_clip() -> None:
    counted = Counted()
    found = observe(items(), plan("text", metrics=METRICS), counted)
    assert {condition for _, condition in found} == {"text"}
    assert counted.spoken == []


def test_speech_alone_is_measured_against_the_text_it_does_not_report(seen: dict[tuple[str, str], Observation]) -> None:
    found = observe(items(), plan("speech", metrics=METRICS, batch_size=5))
    assert {condition for _, condition in found} == {"speech"}
    assert all(like(found[key], seen[key]) for key in found)


def test_answers_alone_run_no_text_for_its_states() -> None:
    counted = Counted()
    found = observe(items(), plan("speech"), counted)
    assert counted.written == []
    assert all(o.curves == {} and o.partners == {} for o in found.values())


def test_one_task_has_no_null_of_other_tasks() -> None:
    some = items(4, demo_run.TASKS[:1])
    for observed in observe(some, plan("speech", metrics=METRICS)).values():
        assert set(observed.partners) == {"same_task"}
        for sides in observed.curves.values():
            assert all(math.isnan(v) for v in sides["other_task"])
            assert not any(math.isnan(v) for v in sides["matched"] + sides["same_task"])


@pytest.mark.parametrize("some", [items(1, demo_run.TASKS[:1]), items(2, demo_run.TASKS[:1])], ids=["one item", "one question, two voices"])
def test_items_without_partners_have_values_and_no_nulls(some: Sequence[Item]) -> None:
    found = observe(some, plan("speech", metrics=METRICS, canary=1))
    observed = found[(some[0].id, "speech")]
    assert observed.partners == {}
    for sides in observed.curves.values():
        assert not any(math.isnan(v) for v in sides["matched"])
        assert all(math.isnan(v) for v in sides["other_task"] + sides["same_task"])
    others = [o for (_, condition), o in found.items() if condition == "speech=other"]
    assert all("clip" not in o.partners for o in others)


def test_the_other_clip_is_the_partners_and_as_long_as_the_own_one() -> None:
    by_id = {item.id: item for item in items()}
    found = observe(items(), plan("speech=other", "speech=silence"))
    for item in items():
        own, other = decode(item.clip, 16_000), found[(item.id, "speech=other")]
        partner = by_id[other.partners["clip"]]
        assert partner.cluster != item.cluster
        assert other.pcm_sha256 == pcm_sha256(np.resize(decode(partner.clip, 16_000), len(own)))
        assert found[(item.id, "speech=silence")].pcm_sha256 == pcm_sha256(np.zeros_like(own))


# -------------------------------------------------------------------------------------------------- keys


class _Else(Wrapped):
    """The same model with other weights, or of another dtype."""

    fingerprint = "of other weights"


def keys(
    of: Sequence[Item], conditions: Sequence[str], seed: int = 0, with_model: Any = None, **options: Any
) -> dict[tuple[str, str], str]:
    wanted = plan(*conditions, seed=seed, **options)
    observer = Observer(of, with_model or model(), wanted)
    return {(i.id, c.name): observer._key(i, c) for i in of for c in wanted.conditions}


PLACES = ("text", "speech", "speech=other", "speech+angle_projection:bottom3@0", "speech+angle_projection:random3@0")
SOME = items(2)
BASE = keys(SOME, PLACES, metrics=METRICS)


def changed(new: dict[tuple[str, str], str], item: Item = SOME[0]) -> set[str]:
    """The conditions of an item under which it must be observed anew."""
    return {condition for condition in PLACES if new[(item.id, condition)] != BASE[(item.id, condition)]}


SPOKEN = set(PLACES) - {"text"}
CLIP = dataclasses.replace(SOME[0].clip, sha256="another")
FREE = SOME[-2]


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({"text": "Which day comes after Monday?"}, set(PLACES)),
        ({"system": "Answer in one word."}, set(PLACES)),
        ({"options": ("a", "b")}, set(PLACES)),
        ({"clip": CLIP}, SPOKEN),
        ({"generation": dataclasses.replace(SOME[0].generation, max_new_tokens=9)}, set()),  # an item with options generates nothing
        ({"target": "b", "chance": 0.1}, set()),  # verdicts are always made anew
    ],
)
def test_what_changes_of_an_item_decides_what_is_observed_anew(change: dict[str, Any], anew: set[str]) -> None:
    item = dataclasses.replace(SOME[0], **change)
    new = Observer([item, *SOME[1:]], _NoSystem(), plan(*PLACES, metrics=METRICS))
    assert {c.name for c in new.plan.conditions if new._key(item, c) != BASE[(item.id, c.name)]} == anew


class _NoSystem(Wrapped):
    """Takes a system turn, which the embedded template has no place for."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        encoded: Batch = self.inner.encode(contents, [None] * len(contents))
        return encoded


@pytest.mark.parametrize("change", [{"max_new_tokens": 9}, {"until": (".",)}, {"do_sample": True}])
def test_generation_settings_decide_a_free_answer(change: dict[str, Any]) -> None:
    other = dataclasses.replace(FREE, generation=dataclasses.replace(FREE.generation, **change))
    assert changed(keys([*SOME[:-2], other, SOME[-1]], PLACES, metrics=METRICS), FREE) == set(PLACES)


def test_the_seed_decides_partners_and_random_draws_only() -> None:
    assert changed(keys(items(2), PLACES, seed=1, metrics=METRICS)) >= {"speech+angle_projection:random3@0"}
    assert not changed(keys(items(2), PLACES, seed=1, metrics=METRICS)) & {"text", "speech+angle_projection:bottom3@0"}


def test_a_sampled_answer_depends_on_the_seed() -> None:
    sampled = dataclasses.replace(FREE, generation=dataclasses.replace(FREE.generation, do_sample=True))
    first, second = (keys([sampled], ["text", "speech"], seed=seed) for seed in (0, 1))
    assert not set(first.values()) & set(second.values())


def test_other_weights_decide_everything() -> None:
    assert changed(keys(SOME, PLACES, metrics=METRICS, with_model=_Else())) == set(PLACES)


def test_the_metrics_decide_plain_speech_only() -> None:
    assert changed(keys(SOME, PLACES, metrics=METRICS[:2])) == {"speech"}


def test_a_partners_words_decide_the_plain_speech_whose_null_they_make() -> None:
    partner = Observer(SOME, model(), plan("speech")).partners[SOME[0].id].other_task
    assert partner is not None
    others = [dataclasses.replace(i, text=i.text + " now?") if i.text == partner.text else i for i in SOME]
    assert "speech" in changed(keys(others, PLACES, metrics=METRICS))
    assert "text" not in changed(keys(others, PLACES, metrics=METRICS))


def test_an_edited_plugin_decides_what_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    new = dataclasses.replace(metrics[METRICS[0]], compute=lambda layer: layer)
    monkeypatch.setitem(metrics._found, METRICS[0], new)
    assert changed(keys(SOME, PLACES, metrics=METRICS)) == {"speech"}


def test_the_batch_size_the_canary_and_one_more_condition_leave_the_keys_as_they_are() -> None:
    assert not changed(keys(SOME, [*PLACES, "speech=silence"], metrics=METRICS, batch_size=9, canary=2))


def test_all_keys_differ() -> None:
    assert len(set(BASE.values())) == len(BASE) == len(SOME) * len(PLACES)
