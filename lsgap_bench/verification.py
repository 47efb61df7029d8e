"""Does an adapter treat both modalities soundly? Every guard on a few embedded items, in a minute: what `lsgap verify` says of a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lsgap_bench.checks import TOLERANCE, batch_difference, expected_positions, relative_difference, tolerance_of
from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.harness import load_tasks
from lsgap_bench.hearing import heard_wave
from lsgap_bench.models.adapter import Batch, Content, Gift, SpeechLM, gives
from lsgap_bench.prompt_pair import taken_apart
from lsgap_bench.schema import Generation, Item
from lsgap_bench.speech.clips import silence

TASKS = ("lsgap_mini_sizes", "lsgap_mini_days", "lsgap_mini_owners")
"""Embedded tasks whose clips differ in length."""
LENGTHS = (1.0, 2.5, 6.0, 12.0, 25.0)  # seconds
ANSWER = Generation(max_new_tokens=8)
FAILED = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, NotImplementedError)


@dataclass(frozen=True)
class Finding:
    """One guard. passed: None where it could not be tried. figure: what was measured. advice: what to do; why it was not tried."""

    name: str
    passed: bool | None
    figure: str
    advice: str = ""


def embedded_items(model: SpeechLM) -> list[Item]:
    """One embedded item of each of TASKS whose words the model knows, of mixed clip length. UsageError where it knows the words of none."""
    found = []
    for task in load_tasks(TASKS).paired.values():
        known = (item for item in task.items(20) if not model.unknown_words(item.text))
        found += [item for item, _ in zip(known, range(1), strict=False)]
    if not found:
        raise UsageError(f"{model.name} knows the words of no embedded question; its tokenizer needs more than these")
    return found


def verify(model: SpeechLM, items: Sequence[Item]) -> list[Finding]:
    """Every guard in turn; one that raises has failed with what was raised. items: one or more, of mixed clip length.

    What needs more than the model gives is not tried.
    """
    hears = _hears if gives(model, "states") else _hears_by_answers
    guards: dict[str, tuple[Callable[[SpeechLM, Sequence[Item]], Finding], str]] = {
        "prompts": (_prompts, "the two prompts must differ in the content and its wrapper alone: mend the chat template"),
        "speech positions": (_positions, "the adapter cuts or pads clips without saying so: set its max_seconds, or its rate"),
        "hears the clip": (hears, "the answer does not depend on the clip: the waveform does not reach the model"),
        "batch = one by one": (_invariance, _leak(model)),
        "options, batch = one by one": (_options, "the prefix's cache is continued at the wrong positions"),
        "answers, batch = one by one": (_answers, "the prefix's cache is continued at the wrong positions"),
        "identity edit": (_identity, "the hooks change states that they should only show"),
        "edit of the content": (_edit, "the hooks do not reach the model: it goes on with states of its own"),
    }
    lacking = {name: what for name, what in _NEEDS.items() if not gives(model, what)}
    untried = {name: Finding(name, None, "not tried", _WITHOUT[what]) for name, what in lacking.items()}
    return [untried.get(name) or _tried(name, partial(guard, model, items), advice) for name, (guard, advice) in guards.items()]


# what a guard needs beside free answers, and why it is not tried without
_NEEDS: dict[str, Gift] = {
    **dict.fromkeys(("speech positions", "batch = one by one", "identity edit", "edit of the content"), "states"),
    "options, batch = one by one": "options",
    "answers, batch = one by one": "states",
}
_WITHOUT: dict[Gift, str] = {
    "states": "the model gives answers only, and shows neither positions nor states nor how it makes its batches",
    "options": "the model gives answers only, no loglikelihoods of options: it answers them freely",
}


def _leak(model: SpeechLM) -> str:
    """What to do where a batch differs from its items; coarse numbers alone may do that to a model that magnifies small differences."""
    if tolerance_of(model) == TOLERANCE["float32"]:
        return "padding leaks: run with --batch_size 1, or encode clips of one length together"
    return "padding leaks, or it is rounding: verify with --model_args dtype=float32 to tell; a leak needs --batch_size 1"


def _tried(name: str, guard: Callable[[], Finding], advice: str) -> Finding:
    try:
        found = guard()
    except FAILED as error:
        return Finding(name, False, with_kind(error), advice)
    return Finding(name, found.passed, found.figure, found.advice or ("" if found.passed else advice))


def _contents(model: SpeechLM, items: Sequence[Item]) -> tuple[list[Content], list[Content]]:
    return [item.text for item in items], [heard_wave(item.clip, model) for item in items]


def _encoded(model: SpeechLM, contents: Sequence[Content]) -> Batch:
    return model.encode(contents, [None] * len(contents))


def _prompts(model: SpeechLM, items: Sequence[Item]) -> Finding:
    written, spoken = (_encoded(model, [content]).prompts[0] for content in (items[0].text, heard_wave(items[0].clip, model)))
    apart = taken_apart(written, spoken, items[0].text)
    return Finding("", apart is not None, apart.shown if apart else f"{written!r} and {spoken!r}")


def _positions(model: SpeechLM, items: Sequence[Item]) -> Finding:
    noise, told, passed = np.random.default_rng(0), [], True
    for seconds in (length for length in LENGTHS if length <= (model.max_seconds or math.inf)):
        clip = (0.05 * noise.standard_normal(round(seconds * model.sampling_rate))).astype(np.float32)
        actual, expected = int(_encoded(model, [clip]).content_mask.sum()), model.expected_tokens(seconds)
        passed &= expected_positions(actual, expected)
        told.append(f"{seconds:g} s {actual} ({expected})")
    window = "no limit" if model.max_seconds is None else f"at most {model.max_seconds:g} s"
    return Finding("", passed, f"{', '.join(told)}; {model.sampling_rate} Hz, {window}")


def _hears(model: SpeechLM, items: Sequence[Item]) -> Finding:
    own = heard_wave(items[-1].clip, model)
    logits = [model.prefill(_encoded(model, [clip])).last_logits for clip in (own, silence(own))]
    change = relative_difference(logits[1], logits[0])
    return Finding("", change > 0 and math.isfinite(change), f"silence changes the logits by {change:.1e}")


def _hears_by_answers(model: SpeechLM, items: Sequence[Item]) -> Finding:
    own = [heard_wave(item.clip, model) for item in items]
    heard, silent = (
        model.generate(model.prefill(_encoded(model, waves)), [ANSWER] * len(items), [0] * len(items))
        for waves in (own, [silence(wave) for wave in own])
    )
    changed = sum(one != other for one, other in zip(heard, silent, strict=True))
    return Finding("", changed > 0, f"silence changes {changed} of {len(items)} answers; to the first clip it says {heard[0]!r}")


def _invariance(model: SpeechLM, items: Sequence[Item]) -> Finding:
    text, speech = (batch_difference(model, contents, [None] * len(items)) for contents in _contents(model, items))
    tolerance = tolerance_of(model)
    return Finding("", max(text, speech) <= tolerance, f"text {text:.1e}, speech {speech:.1e}, tolerance {tolerance:.0e}")


def _options(model: SpeechLM, items: Sequence[Item]) -> Finding:
    options = [[model.token_ids(word) for word in ("yes", "no", items[0].target)]] * len(items)
    worst = 0.0
    for contents in _contents(model, items):
        together = model.score_options(model.prefill(_encoded(model, contents)), options)
        for content, scores in zip(contents, together, strict=True):
            (alone,) = model.score_options(model.prefill(_encoded(model, [content])), options[:1])
            worst = max(worst, max(abs(a - b) / max(abs(b), 1.0) for a, b in zip(scores.logprobs, alone.logprobs, strict=True)))
    return Finding("", worst <= 10 * tolerance_of(model), f"largest relative difference {worst:.1e}")


def _answers(model: SpeechLM, items: Sequence[Item]) -> Finding:
    if tolerance_of(model) > TOLERANCE["float32"]:
        return Finding("", None, "not tried", "coarse numbers may decide between two words either way; verify in float32")
    same, number = 0, 2 * len(items)
    for contents in _contents(model, items):
        together = model.generate(model.prefill(_encoded(model, contents)), [ANSWER] * len(items), [0] * len(items))
        for content, answer in zip(contents, together, strict=True):
            same += answer == model.generate(model.prefill(_encoded(model, [content])), [ANSWER], [0])[0]
    return Finding("", same == number, f"{same} of {number} the same")


def _identity(model: SpeechLM, items: Sequence[Item]) -> Finding:
    equal = []
    for contents in _contents(model, items):
        batch = _encoded(model, contents)
        copied = model.prefill(batch, lambda layer, hidden, batch=batch: batch.with_content(hidden, batch.content(hidden)))  # type: ignore[misc]
        equal.append(torch.equal(copied.last_logits, model.prefill(batch).last_logits))
    return Finding("", all(equal), "logits bit-equal" if all(equal) else "logits differ")


def _edit(model: SpeechLM, items: Sequence[Item]) -> Finding:
    batch, layers = _encoded(model, _contents(model, items)[1]), []

    def zero(layer: int, hidden: Tensor) -> Tensor | None:
        layers.append(layer)
        return batch.with_content(hidden, torch.zeros_like(batch.content(hidden))) if layer == 1 else None

    change = relative_difference(model.prefill(batch, zero).last_logits, model.prefill(batch).last_logits)
    whole = layers == list(range(model.num_layers + 1))
    seen = f"layers 0..{model.num_layers} seen" if whole else f"layers {layers} seen of 0..{model.num_layers}"
    return Finding("", whole and change > 0 and math.isfinite(change), f"{seen}; without the clip's states logits change by {change:.1e}")
