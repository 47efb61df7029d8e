"""Models that do not hear, that know the question by other ways, that mix up a batch or cut a clip: each is found."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import demo_run
import numpy as np
import pytest
import soundfile
import torch
from demo_run import Wrapped, items, observe, plan

from lsgap_bench.checks import (
    absent_answers,
    batch_invariance_check,
    collect_checks,
    other_clip_check,
    short_clips,
    silence_check,
)
from lsgap_bench.models.adapter import Batch, Content, OptionScores, Prefill
from lsgap_bench.observe import observations_by_item
from lsgap_bench.schema import Item, Observation, Pair, Verdict
from lsgap_bench.scorers import get
from lsgap_bench.speech.clips import clip_from_bytes

COUNTS = {"truncated_clips": 0, "skipped_items": 0}
CHOICES = demo_run.TASKS[:2]


def pairs_of(some: Sequence[Item], model: Any = None, *conditions: str, canary: int = 99) -> list[Pair]:
    found = observations_by_item(observe(some, plan(*(conditions or ("speech",)), canary=canary), model))
    rule = get("choice")
    return [
        Pair(
            item,
            found[item.id],
            {c: rule(o.answer, {"id": item.id, "target": item.target, "options": item.options}) for c, o in found[item.id].items()},
        )
        for item in some
    ]


def collected(model: Any, pairs: Sequence[Pair]) -> Mapping[str, Any]:
    return collect_checks(model, {"t": pairs}, [4], COUNTS)


class _Deaf(Wrapped):
    """Hears silence, whatever is played."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        heard = [c if isinstance(c, str) else np.zeros_like(c) for c in contents]
        encoded: Batch = self.inner.encode(heard, systems)
        return encoded


class _Leaky(Wrapped):
    """Knows that the first option is right, without listening."""

    def score_options(self, prefill: Prefill, options: Sequence[Sequence[Sequence[int]]]) -> list[OptionScores]:
        return [OptionScores(tuple(-float(k) for k in range(len(o))), (1,) * len(o), (False,) * len(o)) for o in options]


class _Mixing(Wrapped):
    """Attends to the padding of its batch."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        encoded: Batch = self.inner.encode(contents, systems)
        mask = torch.ones_like(encoded.inputs["attention_mask"])
        return dataclasses.replace(encoded, inputs={**encoded.inputs, "attention_mask": mask})


class _Cutting(Wrapped):
    """Its processor keeps the first second of a clip without a word."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        encoded: Batch = self.inner.encode([c if isinstance(c, str) else c[:16_000] for c in contents], systems)
        return encoded


def test_the_embedded_model_passes_every_check() -> None:
    checks = collected(demo_run.model(), pairs_of(items(4, CHOICES)))
    assert all(checks[name]["passed"] for name in ("silence", "other_clip", "batch_invariance"))
    assert checks["placeholder_mismatch"] == 0
    assert checks["warnings"] == []
    assert checks["sampling_rate"] == {"model": 16_000, "clips": [16_000], "resampled": False}


def test_a_deaf_model_is_found_by_bit_equal_logits() -> None:
    check = silence_check(pairs_of(items(4, CHOICES), _Deaf()))
    assert not check["passed"]
    assert check["bit_equal"] == check["n"] == 8
    assert "deaf" in check["note"]


def test_the_record_of_a_deaf_model_warns() -> None:
    checks = collected(_Deaf(), pairs_of(items(2, CHOICES), _Deaf()))
    assert any("deaf" in line for line in checks["warnings"])


def test_a_model_that_knows_the_answer_without_the_clip_is_found() -> None:
    always_first = [dataclasses.replace(item, target=item.options[0]) for item in items(8, CHOICES)]
    pairs = pairs_of(always_first, _Leaky())
    check = other_clip_check(pairs)
    assert not check["passed"]
    assert check["score"] == 1.0
    assert check["chance"] == pytest.approx(np.mean([1 / len(i.options) for i in always_first]))
    assert "leaks" in check["note"]


def made_pair(number: int, score: float, chance: float | None = 0.5, donor: str | None = "t/9") -> Pair:
    item = dataclasses.replace(items(1)[0], id=f"t/{number}", cluster=str(number), chance=chance)
    seen = Observation(item.id, "speech=other", "a", "", 1, "0", partners={"clip": donor} if donor else {})
    return Pair(item, {"speech=other": seen}, {"speech=other": Verdict("a", score, None, True)})


def test_scores_at_chance_pass_and_scores_above_it_do_not() -> None:
    half = [made_pair(k, float(k % 2)) for k in range(100)]
    assert other_clip_check(half)["passed"]
    most = [made_pair(k, float(k % 4 != 0)) for k in range(100)]
    assert not other_clip_check(most)["passed"]


def test_where_chance_is_not_known_it_is_not_shown_and_what_was_assumed_is_said() -> None:
    pairs = [*(made_pair(k, 1.0, chance=None) for k in range(7)), *(made_pair(k, 1.0) for k in range(7, 30))]
    check = other_clip_check(pairs)
    assert (check["passed"], check["chance"]) == (False, None)
    assert "7 items with no known chance counted as 0" in check["note"]
    assert "no known chance" not in other_clip_check(pairs[7:])["note"]


def test_a_chance_that_is_not_known_is_shown_as_absent_and_not_as_zero() -> None:
    assert other_clip_check([made_pair(1, 0.0, chance=0.5), made_pair(2, 0.0, chance=None)])["chance"] is None
    assert other_clip_check([made_pair(1, 0.0, chance=0.5), made_pair(2, 0.0, chance=0.25)])["chance"] == 0.375


def test_an_item_that_was_given_no_other_clip_does_not_count() -> None:
    check = other_clip_check([made_pair(1, 1.0), made_pair(2, 0.0, donor=None)])
    assert check["n"] == 1
    assert other_clip_check([made_pair(2, 0.0, donor=None)])["note"] == "not checked: the run holds no item for it"


def test_a_model_that_attends_to_padding_fails_the_batch_check_and_the_embedded_one_does_not() -> None:
    some = items(4)
    assert batch_invariance_check(demo_run.model(), some)["passed"]
    check = batch_invariance_check(_Mixing(), some)
    assert not check["passed"]
    assert check["value"] > check["tolerance"] == 1e-4
    assert "--batch_size 1" in check["note"]


def test_states_that_are_no_numbers_fail_the_batch_check() -> None:
    class Poisoned(demo_run.Wrapped):
        def prefill(self, batch: Batch, hook: Any = None) -> Prefill:
            def poisoned(layer: int, hidden: torch.Tensor) -> Any:
                return hook(layer, hidden * float("nan") if len(batch) > 1 else hidden) if hook else None

            return demo_run.model().prefill(batch, poisoned)

    check = batch_invariance_check(Poisoned(), items(4))
    assert check["value"] == math.inf
    assert not check["passed"]


def test_one_item_cannot_decide_whether_the_question_leaks() -> None:
    check = other_clip_check([made_pair(1, 1.0)])
    assert check["passed"] is None
    assert "not checked" in check["note"]


def test_a_clip_that_is_silence_itself_is_not_taken_for_deafness() -> None:
    heard = Observation("t/1", "speech", "a", "", 1, "logits", pcm_sha256="zeros")
    seen = {"speech": heard, "speech=silence": dataclasses.replace(heard, condition="speech=silence")}
    pair = dataclasses.replace(made_pair(1, 0.0), observations=seen)
    assert silence_check([pair])["bit_equal"] == 0


def test_a_processor_that_cuts_clips_is_found_by_its_placeholders() -> None:
    some = items(4, CHOICES)
    long = [item.id for item in some if item.clip.seconds > 1.5]
    assert long, "the test needs clips that are cut"
    pairs = pairs_of(some, _Cutting(), canary=0)
    found = short_clips(demo_run.model(), pairs)
    assert set(long) <= set(found)
    checks = collected(demo_run.model(), pairs)
    assert checks["placeholder_mismatch"] == len(found)
    assert any("speech positions" in line for line in checks["warnings"])


def test_a_clip_cut_by_the_policy_is_expected_to_be_as_long_as_the_window() -> None:
    class Window(Wrapped):
        max_seconds = 1.0

    pairs = pairs_of(items(2, CHOICES), Window(), canary=0)
    assert short_clips(Window(), pairs) == []


def test_clips_of_another_rate_are_resampled_and_said_to_be() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.random.default_rng(0).normal(0, 0.1, 33_075).astype(np.float32), 22_050, format="WAV")
    item = dataclasses.replace(items(1, CHOICES)[0], clip=clip_from_bytes(buffer.getvalue, "tone"))
    pairs = pairs_of([item])
    assert short_clips(demo_run.model(), pairs) == []
    assert collected(demo_run.model(), pairs)["sampling_rate"] == {"model": 16_000, "clips": [22_050], "resampled": True}


def test_a_run_of_text_alone_has_no_checks_of_clips_and_no_warning() -> None:
    checks = collected(demo_run.model(), pairs_of(items(2, CHOICES), None, "text", canary=0))
    assert "silence" not in checks
    assert "other_clip" not in checks
    assert checks["warnings"] == []


def test_cut_clips_are_a_warning() -> None:
    checks = collect_checks(demo_run.model(), {"t": pairs_of(items(1, CHOICES), canary=0)}, [4], {**COUNTS, "truncated_clips": 2})
    assert any("2 clips were cut" in line for line in checks["warnings"])


def test_conditions_without_an_answer_are_one_warning_with_the_reason() -> None:
    some = items(2, CHOICES)  # one question a task, so that no item has a partner in its task
    names = [f"speech+angle_projection:all@{layer}=wrong_transcript" for layer in range(5)]
    found = observations_by_item(observe(some, plan(*names)))
    lines = absent_answers([Pair(item, found[item.id], {}) for item in some])
    assert len(lines) == 1
    assert f"no answer for 4 items (the first is {some[0].id}) under {', '.join(names[:3])} and 2 more: the run holds no other" in lines[0]
    heard = observations_by_item(observe(some, plan("speech")))
    assert absent_answers([Pair(item, heard[item.id], {}) for item in some]) == []
