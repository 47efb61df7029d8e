"""Clips on their own: silent, clipped, off centre, too long, quiet at the ends; rates and channels that the reader of clips changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsgap_bench.schema import Item
from lsgap_bench.speech.clip_faults import ClipFacts, require_audible
from lsgap_bench.speech.clips import mono, recording
from lsgap_bench.validation.findings import Finding

USUAL_SECONDS = 30.0  # the window of Whisper's encoder, and so of most models
_CHECK_RATE = 16_000  # Hz: what most models hear
_USUAL_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000)
_SOME_CLIPPED = 0.01  # share of the samples; espeak's voices have it at 6 dB over full scale
_OFF_CENTRE = 0.02  # of full scale
_LONG_QUIET = 3.0  # seconds


def look(item: Item) -> ClipFacts:
    """The facts of an item's clip. UsageError for a clip that a run would refuse."""
    sound = recording(item.clip)
    mono(sound, _CHECK_RATE)
    return require_audible(sound)


def clip_findings(items: Sequence[Item], facts: Sequence[ClipFacts], source: str, max_seconds: float | None) -> Iterator[Finding]:
    """What is odd about the clips of one task. facts: of `look`, one per item. max_seconds: of the model, None where it is not known."""
    for item, found in zip(items, facts, strict=True):
        yield from (Finding(f"{source}: {item.id}: {line}", problem) for line, problem in _told(item, found, max_seconds))
    yield from _handled(items, facts, source)


def _told(item: Item, facts: ClipFacts, max_seconds: float | None) -> Iterator[tuple[str, bool]]:
    seconds = item.clip.seconds
    if max_seconds is not None and seconds > max_seconds:
        yield f"its clip of {seconds:.1f} s is longer than max_seconds {max_seconds:g}; cut it, or run with --long_clips skip", True
    elif max_seconds is None and seconds > USUAL_SECONDS:
        yield (
            f"its clip of {seconds:.1f} s is longer than the {USUAL_SECONDS:g} s that most models hear; see --long_clips of lsgap run",
            False,
        )
    if facts.clipped >= _SOME_CLIPPED:
        yield f"{facts.clipped:.1%} of its clip's samples are at full scale; record it again at a lower level", False
    if facts.offset >= _OFF_CENTRE:
        yield f"its clip is off centre by {facts.offset:.3f} of full scale; remove the DC offset", False
    for where, quiet in (("first", facts.lead), ("last", facts.tail)):
        if quiet >= _LONG_QUIET:
            yield f"the {where} {quiet:.1f} of its clip's {seconds:.1f} s are quiet; cut them off, or is a part missing?", False


def _handled(items: Sequence[Item], facts: Sequence[ClipFacts], source: str) -> Iterator[Finding]:
    """One line for all clips of a kind: nothing has to be done about them."""
    odd = [item for item in items if item.clip.sampling_rate not in _USUAL_RATES]
    if odd:
        rate = odd[0].clip.sampling_rate
        yield Finding(f"{source}: {_such_as(odd)}: {rate} Hz; every clip is resampled, but is the rate in the file's header right?")
    wide = [(item, found.channels) for item, found in zip(items, facts, strict=True) if found.channels > 1]
    if wide:
        such = _such_as([item for item, _ in wide])
        yield Finding(f"{source}: {such}: {wide[0][1]} channels; models hear their mean, so see that one person speaks in all of them")


def _such_as(items: Sequence[Item]) -> str:
    return f"{len(items)} clips, such as {items[0].id}" if len(items) > 1 else f"the clip of {items[0].id}"
