"""What the model hears of a clip: broken clips and clips beyond its window refused, left out or cut, and counted; then the waveform."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import SpeechLM, Waveform
from lsgap_bench.schema import Clip, Item
from lsgap_bench.sieve import Sieved, sieved
from lsgap_bench.speech.clip_faults import require_audible
from lsgap_bench.speech.clips import decode, mono, recording

SHORT = 0.5  # seconds: below this it is tried out whether a clip takes any speech position
POLICIES = ("refuse", "skip", "truncate")


@dataclass(frozen=True)
class Heard:
    """Items to run, one line for each that is skipped in both forms, and how many are run with a clip that is cut."""

    items: Sequence[Item]
    skipped: Sequence[str]
    truncated: int


def within_hearing(
    items: Sequence[Item], max_seconds: float | None, policy: str, played: Callable[[Item], float] = lambda item: item.clip.seconds
) -> Heard:
    """Apply the policy for clips beyond `max_seconds` (None: no limit). UsageError under `refuse`, and for an unknown policy.

    played: seconds of the longest form in which an item's clip is played; a slowed one passes the limit sooner.
    """
    if policy not in POLICIES:
        raise UsageError(f"long_clips '{policy}' is not known; write {', '.join(POLICIES)}")
    seconds = {item.id: played(item) for item in items} if max_seconds is not None else {}
    long = [item for item in items if max_seconds is not None and seconds[item.id] > max_seconds]
    if not long:
        return Heard(items, (), 0)
    if policy == "refuse":
        raise UsageError(
            f"the model hears {max_seconds:g} s, and {len(long)} of {len(items)} clips are longer, such as {long[0].id} with "
            f"{seconds[long[0].id]:.1f} s{_made_longer(long[0], seconds)}; add --long_clips skip or --long_clips truncate"
        )
    if policy == "truncate":
        return Heard(items, (), len(long))
    left_out = {
        i.id: f"{i.id}: {seconds[i.id]:.1f} s{_made_longer(i, seconds)} are longer than the {max_seconds:g} s that the model hears"
        for i in long
    }
    return Heard([item for item in items if item.id not in left_out], list(left_out.values()), 0)


def _made_longer(item: Item, seconds: Mapping[str, float]) -> str:
    return "" if seconds[item.id] == item.clip.seconds else " in its longest variant"


def with_sound(items: Sequence[Item], model: SpeechLM, skip_bad_items: bool) -> Sieved:
    """Decode every clip once, before anything is run or written.

    What does not decode, is silent or clipped, or is too short for one speech position is left out if `skip_bad_items`, else UsageError.
    """
    with tqdm(items, desc="checking clips", unit="clip", leave=False, disable=None) as checking:
        return sieved(checking, lambda item: _require_speech(item, model), skip_bad_items)


def _require_speech(item: Item, model: SpeechLM) -> None:
    sound = recording(item.clip)
    require_audible(sound)
    wave = mono(sound, model.sampling_rate)[: _frames(model.sampling_rate, model.max_seconds)]
    if len(wave) < SHORT * model.sampling_rate and not bool(model.encode([wave], [item.system]).content_mask.any()):
        raise UsageError(
            f"{item.id}: the model does not hear a clip of {item.clip.seconds:.2g} s at all, it gets no speech position; "
            "record it again or leave it out"
        )


def heard_wave(clip: Clip, model: SpeechLM) -> Waveform:
    """The waveform of a clip at the model's sampling rate, cut to what the model hears."""
    return heard_at(clip, model.sampling_rate, model.max_seconds)


def heard_at(clip: Clip, sampling_rate: int, max_seconds: float | None) -> Waveform:
    """The waveform of a clip at a sampling rate in Hz, cut after `max_seconds` unless that is None."""
    return decode(clip, sampling_rate)[: _frames(sampling_rate, max_seconds)]


def _frames(sampling_rate: int, max_seconds: float | None) -> int | None:
    return None if max_seconds is None else int(max_seconds * sampling_rate)


def heard_words(items: Sequence[Item], mask: Tensor, max_seconds: float | None) -> Tensor | None:
    """Which word is said at each speech position, int64 (B, Ts), -1 for none; None where no item has word times.

    mask: bool (B, Ts), True at speech. An item's positions share what is heard of its clip evenly; each belongs to the word that is being
    said at its middle.
    """
    if not any(item.words for item in items):
        return None
    found = torch.full(mask.shape, -1, dtype=torch.long)
    for row, (item, number) in enumerate(zip(items, mask.sum(dim=1).tolist(), strict=True)):
        seconds = min(item.clip.seconds, max_seconds or math.inf)
        middles = (torch.arange(number) + 0.5) * seconds / max(number, 1)
        for word, span in enumerate(item.words):
            if span is not None:
                found[row, :number][(middles >= span.start) & (middles < span.end)] = word
    return found.to(mask.device)
