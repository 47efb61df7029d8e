"""What a clip shows of its recording: how loud it is, clipped, off centre, quiet at its ends; and which clips no model may get."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsgap_bench.errors import UsageError
from lsgap_bench.speech.clips import Recording, mono

SILENT = 1e-3  # of full scale, -60 dB: a clip that never gets louder says nothing
MOSTLY_CLIPPED = 0.1  # share of the samples; espeak's voices have it at 15 dB over full scale, .015 at 6 dB
_FULL_SCALE = 32_766 / 32_768  # 16-bit files end at 32,767
_QUIET = 1e-2  # of the clip's own peak, -40 dB


@dataclass(frozen=True)
class ClipFacts:
    """Measured before resampling, on the mean of the channels, but for `clipped`, which is of the worst channel.

    peak, offset (of the mean from 0): of full scale. clipped: share of the samples at full scale. lead, tail: seconds of quiet at the ends.
    channels: their number.
    """

    peak: float
    offset: float
    clipped: float
    lead: float
    tail: float
    channels: int


def facts_of(recording: Recording) -> ClipFacts:
    """Look at every sample once."""
    wave = mono(recording, recording.sampling_rate)
    size = np.abs(wave)
    peak = float(size.max())
    loud = np.flatnonzero(size > _QUIET * peak)
    first, last = (int(loud[0]), int(loud[-1])) if loud.size else (0, len(wave) - 1)
    return ClipFacts(
        peak=peak,
        offset=abs(float(wave.mean())),
        clipped=float((np.abs(recording.channels) >= _FULL_SCALE).mean(axis=0).max()),
        lead=first / recording.sampling_rate,
        tail=(len(wave) - 1 - last) / recording.sampling_rate,
        channels=recording.channels.shape[1],
    )


def require_audible(recording: Recording) -> ClipFacts:
    """The facts; UsageError for a clip that says nothing, or of which clipping has left little."""
    facts = facts_of(recording)
    if facts.peak < SILENT:
        raise UsageError(f"{recording.name}: the clip is silent (peak {facts.peak:.4f} of full scale); record it again or leave it out")
    if facts.clipped >= MOSTLY_CLIPPED:
        raise UsageError(
            f"{recording.name}: the clip is clipped ({facts.clipped:.0%} of its samples are at full scale); record it again more quietly"
        )
    return facts
