"""Is the measurement sound? The audio canary, batch invariance, sampling rates, clip lengths: what goes into a record's `checks`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lsgap_bench.hearing import heard_wave
from lsgap_bench.lacking import NO_STATES
from lsgap_bench.models.adapter import Content, SpeechLM, gives
from lsgap_bench.prompt_pair import prompts_check
from lsgap_bench.schema import Item, Observation, Pair
from lsgap_bench.stats import difference, mean_estimate

TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-1, "float16": 1e-2, "8 bit": 1e-1}
"""Largest relative difference between batched and single that rounding explains, by dtype; 8-bit products round by the whole batch.

In bfloat16 a decoder of 32 layers and width 4,096 with random weights came to 0.05 (tests/benchmarks/bench_gpu.py).
"""
INVARIANCE_ITEMS = 3
NOT_CHECKED = f"not checked: {NO_STATES}"


def silence_check(pairs: Sequence[Pair]) -> dict[str, Any]:
    """A model whose logits do not change by one bit when the clip falls silent does not hear. Over the canary items.

    Where there are no logits, the answers are compared: the check fails where all of them stay the same.
    """
    both = [p.observations for p in pairs if {"speech", "speech=silence"} <= p.observations.keys()]
    seen = [o for o in both if o["speech"].pcm_sha256 != o["speech=silence"].pcm_sha256]  # a clip that is silence itself proves nothing
    if seen and not any(o["speech"].logits_sha256 for o in seen):
        return _silence_by_answers([(o["speech"], o["speech=silence"]) for o in seen])
    equal = sum(o["speech"].logits_sha256 == o["speech=silence"].logits_sha256 for o in seen)
    note = f"{equal} of {len(seen)} items gave bit-equal logits for the clip and for silence: the model is deaf to them" if equal else None
    return {"n": len(seen), "bit_equal": equal, "passed": not equal if seen else None, "note": note or _none(seen)}


def _silence_by_answers(seen: Sequence[tuple[Observation, Observation]]) -> dict[str, Any]:
    """seen: (with the clip, with silence)."""
    both = [(own, silent) for own, silent in seen if own.absent is None and silent.absent is None]
    equal = sum(own.answer == silent.answer for own, silent in both)
    deaf = bool(both) and equal == len(both)
    note = (
        f"all {equal} answers are the same for the clip and for silence: the model may be deaf (equal answers prove less than equal logits)"
    )
    return {"n": len(both), "equal_answers": equal, "passed": not deaf if both else None, "note": note if deaf else _none(both)}


def other_clip_check(pairs: Sequence[Pair]) -> dict[str, Any]:
    """With another item's clip the score (a fraction) must fall to about chance; else the question reaches the model by another way.

    Fails where the 95 % interval of (score - chance) lies above zero. An item of unknown chance counts with chance 0, and the chance of
    the check is then not known; an item for which the run holds no other clip does not count.
    """
    seen = [p for p in pairs if "speech=other" in p.verdicts and "clip" in p.observations["speech=other"].partners]
    score = np.array([p.score("speech=other") for p in seen])
    chances = [p.item.chance for p in seen]
    chance = np.array([of or 0.0 for of in chances])
    clusters = [p.item.cluster for p in seen]
    excess = difference(score, chance, clusters) if seen else None
    decided = excess is not None and math.isfinite(excess.low)
    leaks = decided and excess is not None and excess.low > 0
    value = None if not seen else mean_estimate(score, clusters).value
    note = f"another item's clip still scores {value:.1f} points: the question leaks past the clip" if leaks and value is not None else None
    return {
        "n": len(seen),
        "score": None if value is None else value / 100,
        "chance": None if not seen or None in chances else float(chance.mean()),
        "passed": not leaks if decided else None,
        "note": note or _none(seen) or (None if decided else "not checked: too few items to tell"),
    }


def batch_invariance_check(model: SpeechLM, items: Sequence[Item]) -> dict[str, Any]:
    """Largest relative difference between a batch of mixed lengths and its items alone: content states of every layer, last logits."""
    if not gives(model, "states"):
        return {"value": None, "tolerance": None, "passed": None, "note": NOT_CHECKED}
    by_length = sorted(items, key=lambda i: i.clip.seconds)
    mixed = [by_length[round(k * (len(by_length) - 1) / max(INVARIANCE_ITEMS - 1, 1))] for k in range(min(INVARIANCE_ITEMS, len(items)))]
    texts: list[Content] = [item.text for item in mixed]
    waves: list[Content] = [heard_wave(item.clip, model) for item in mixed]
    systems = [item.system for item in mixed]
    value = max(batch_difference(model, contents, systems) for contents in (texts, waves))
    tolerance = tolerance_of(model)
    note = f"batched and single differ by {value:.1e} (relative), more than {tolerance:.0e}: run with --batch_size 1"
    return {"value": value, "tolerance": tolerance, "passed": value <= tolerance, "note": None if value <= tolerance else note}


def tolerance_of(model: SpeechLM) -> float:
    """What rounding explains of a model's difference between batched and single; float16's where its numbers are not known."""
    dtype, *quantization = str(model.info.get("dtype")).split(", ")
    known = [TOLERANCE.get(dtype, TOLERANCE["float16"]), *(TOLERANCE["8 bit"] for held in quantization if held.endswith("8 bit"))]
    return max(known)


def batch_difference(model: SpeechLM, contents: Sequence[Content], systems: Sequence[str | None]) -> float:
    """Largest relative difference between the batch of `contents` and each of them alone, in content states of all layers and last logits.

    Relative to the largest magnitude of the single run's layer.
    """
    batched = _states(model, contents, systems)
    worst = 0.0
    for row, (content, system) in enumerate(zip(contents, systems, strict=True)):
        for together, alone in zip(batched[row], _states(model, [content], [system])[0], strict=True):
            if alone.numel():
                worst = max(worst, relative_difference(together, alone))
    return worst


def absent_answers(pairs: Sequence[Pair]) -> list[str]:
    """One line for each reason for which a condition gave no answer: how many items, and under which conditions."""
    found: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs:
        for condition, seen in pair.observations.items():
            if seen.absent is not None:
                found.setdefault(seen.absent, []).append((pair.item.id, condition))
    lines = []
    for why, places in found.items():
        items, conditions = (list(dict.fromkeys(of)) for of in zip(*places, strict=True))
        more = f" and {len(conditions) - 3} more" if len(conditions) > 3 else ""
        lines.append(f"no answer for {len(items)} items (the first is {items[0]}) under {', '.join(conditions[:3])}{more}: {why}")
    return lines


def short_clips(model: SpeechLM, pairs: Sequence[Pair]) -> list[str]:
    """Ids of the items whose clip took another number of speech positions than its length calls for."""
    found = []
    for pair in pairs:
        tokens = pair.observations["speech"].content_tokens if "speech" in pair.observations else None
        if tokens is not None:
            heard = min(pair.item.clip.seconds, model.max_seconds or math.inf)
            if not expected_positions(tokens, model.expected_tokens(heard)):
                found.append(pair.item.id)
    return found


def expected_positions(actual: int, expected: int) -> bool:
    """Whether a clip took as many speech positions as its length calls for; convolutions round by a token or two."""
    return abs(actual - expected) <= 2 + 0.02 * expected


def collect_checks(
    model: SpeechLM, pairs: Mapping[str, Sequence[Pair]], batch_sizes: Sequence[int], counts: Mapping[str, int], known: Sequence[str] = ()
) -> dict[str, Any]:
    """All checks of a run. `warnings` are the lines that a reader must see; passed is None where a check could not be made.

    counts: what the clip policy skipped and cut. known: warnings from before the pass. The canary and the sampling rate are there only
    where clips were played.
    """
    everyone = [pair for of_task in pairs.values() for pair in of_task]
    rates = sorted({pair.item.clip.sampling_rate for pair in everyone})
    short = short_clips(model, everyone)
    spoken = any(name.startswith("speech") for pair in everyone for name in pair.observations)
    checks: dict[str, Any] = {"batch_invariance": batch_invariance_check(model, [pair.item for pair in everyone])}
    if spoken:
        checks |= {
            "prompts": prompts_check(everyone),
            "silence": silence_check(everyone),
            "other_clip": other_clip_check(everyone),
            "sampling_rate": {"model": model.sampling_rate, "clips": rates, "resampled": rates != [model.sampling_rate]},
        }
    mismatch = len(short) if gives(model, "states") else {"passed": None, "note": NOT_CHECKED}
    checks |= {"placeholder_mismatch": mismatch, "batch_sizes": list(batch_sizes), **counts}
    warnings = [*known]
    warnings += [c["note"] for c in checks.values() if isinstance(c, dict) and c.get("passed") is False]
    if short:
        warnings.append(f"{len(short)} clips took another number of speech positions than their length calls for, such as {short[0]}")
    warnings += absent_answers(everyone)
    if counts.get("truncated_clips"):
        warnings.append(f"{counts['truncated_clips']} clips were cut to what the model hears, their texts were not")
    return {**checks, "warnings": warnings}


def relative_difference(one: Tensor, other: Tensor) -> float:
    """Largest difference over the largest magnitude of the other; infinite where either side holds what is no number."""
    difference = float((one - other).abs().max() / other.abs().max().clamp_min(1e-12))
    return difference if math.isfinite(difference) else math.inf


def _states(model: SpeechLM, contents: Sequence[Content], systems: Sequence[str | None]) -> list[list[Tensor]]:
    """Per content: its states at every layer, (tokens, D), and the last logits (V,), in float32."""
    batch = model.encode(contents, systems)
    layers: list[Tensor] = []
    prefill = model.prefill(batch, lambda layer, hidden: layers.append(batch.content(hidden).float()))
    return [
        [*(layer[row][batch.content_mask[row]] for layer in layers), torch.as_tensor(prefill.last_logits[row])]
        for row in range(len(contents))
    ]


def _none(seen: Sequence[Any]) -> str | None:
    return None if seen else "not checked: the run holds no item for it"
