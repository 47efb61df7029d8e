"""Reading clips: encoded bytes to a lazy handle, a handle to the mono waveform a model wants, and a waveform back to bytes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from lsgap_bench.errors import UsageError
from lsgap_bench.schema import Clip
from lsgap_bench.speech.ogg import with_serial

Wave = NDArray[np.float32]
Format = Literal["wav", "wav-float", "flac", "vorbis", "opus"]

_STREAMED = 0x7FFFF000  # sizes from here on stand in headers that were written before the length was known
_CONTAINERS: dict[Format, tuple[str, str]] = {
    "wav": ("WAV", "PCM_16"),
    "wav-float": ("WAV", "FLOAT"),
    "flac": ("FLAC", "PCM_16"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}


@dataclass(frozen=True)
class NamedRead:
    """A clip's `read` that knows what to call the clip when it turns out to be bad."""

    read: Callable[[], bytes]
    name: str

    def __call__(self) -> bytes:
        """The encoded bytes."""
        return self.read()


def clip_from_path(path: str | Path) -> Clip:
    """The handle of an audio file; UsageError if it is missing, unreadable or empty."""
    return clip_from_bytes(Path(path).read_bytes, str(path))


def clip_from_bytes(read: Callable[[], bytes], name: str) -> Clip:
    """The handle of encoded bytes of any format that libsndfile reads; only the header is decoded and nothing is kept.

    name: what errors call the clip. Raises UsageError where the bytes cannot be had, are no audio, hold none, or are a WAV file cut off.
    """
    encoded = _bytes(read, name)
    _require_whole(encoded, name)
    try:
        header = soundfile.info(io.BytesIO(encoded))
    except soundfile.LibsndfileError as error:
        raise UsageError(f"{name}: this is no audio that can be read ({error.error_string}); give wav, flac, ogg or mp3") from None
    if header.frames <= 0:
        raise UsageError(f"{name}: the clip holds no sound (0 frames); record it again or leave it out")
    return Clip(hashlib.sha256(encoded).hexdigest(), header.samplerate, header.frames, NamedRead(read, name))


class Recording(NamedTuple):
    """A decoded file. channels: float32, (frames, channels), as recorded. sampling_rate: Hz, of the file. name: what errors call it."""

    channels: Wave
    sampling_rate: int
    name: str


def recording(clip: Clip) -> Recording:
    """The whole file, decoded. Raises UsageError where it cannot be, and for NaN or infinite samples."""
    name = clip.read.name if isinstance(clip.read, NamedRead) else f"clip {clip.sha256[:12]}"
    try:
        channels, native = soundfile.read(io.BytesIO(_bytes(clip.read, name)), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UsageError(f"{name}: the sound cannot be decoded ({error.error_string}); is the file whole?") from None
    bad = int(np.count_nonzero(~np.isfinite(channels)))
    if bad:
        raise UsageError(f"{name}: {bad} of {channels.size} samples are NaN or infinite; export the clip again")
    return Recording(channels, native, name)


def mono(sound: Recording, sampling_rate: int) -> Wave:
    """The waveform, float32, (frames,): mean of the channels, at `sampling_rate` Hz. Raises UsageError where no frame is left."""
    wave: Wave = sound.channels.mean(axis=1)
    if sound.sampling_rate != sampling_rate:
        wave = soxr.resample(wave, sound.sampling_rate, sampling_rate, quality="HQ")
    if not wave.size:
        raise UsageError(f"{sound.name}: the clip holds no sound (0 frames at {sampling_rate} Hz); record it again or leave it out")
    return wave


def decode(clip: Clip, sampling_rate: int) -> Wave:
    """The waveform, float32, (frames,), mono, at `sampling_rate` Hz; UsageError as for `recording` and `mono`."""
    return mono(recording(clip), sampling_rate)


def encode(wave: Wave, sampling_rate: int, format: Format, compression: float | None = None) -> bytes:
    """The waveform, (frames,) within -1..1 at `sampling_rate` Hz, as a file. The same input gives the same bytes.

    compression: 0 (largest) to 1 (smallest), as libsndfile maps it to the format; None: the format's default
    (wav knows no compression). Raises UsageError where the format does not take the rate (Opus: 8, 12, 16, 24 or 48 kHz).
    """
    container, subtype = _CONTAINERS[format]
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, wave, sampling_rate, format=container, subtype=subtype, compression_level=compression)
    except soundfile.LibsndfileError as error:
        what = f"{sampling_rate} Hz" + ("" if compression is None else f" with compression {compression}")
        raise UsageError(f"{format} cannot be written at {what} ({error.error_string}); change the rate or the format") from None
    encoded = buffer.getvalue()
    return with_serial(encoded, serial=0) if container == "OGG" else encoded


def pcm_sha256(wave: Wave) -> str:
    """The hash of decoded sound: of its float32 samples, little-endian. Unlike the file's hash it does not change with the container."""
    return hashlib.sha256(np.ascontiguousarray(wave, dtype="<f4").tobytes()).hexdigest()


def silence(like: Wave) -> Wave:
    """As many frames of nothing."""
    return np.zeros_like(like)


def fit(wave: Wave, frames: int) -> Wave:
    """The wave cut, or repeated from its start, to exactly `frames` frames."""
    return np.resize(wave, frames)


def _require_whole(encoded: bytes, name: str) -> None:
    """UsageError for a RIFF file with fewer bytes than its header says, which libsndfile reads as a shorter clip."""
    says = int.from_bytes(encoded[4:8], "little") + 8
    if encoded[:4] == b"RIFF" and len(encoded) < says < _STREAMED:
        raise UsageError(f"{name}: the file is cut off ({len(encoded)} of {says} bytes); copy it again or leave it out")


def _bytes(read: Callable[[], bytes], name: str) -> bytes:
    try:
        encoded = read()
    except OSError as error:
        raise UsageError(f"{name}: the clip cannot be read ({error.strerror or error}); check the path") from None
    if not encoded:
        raise UsageError(f"{name}: the file is empty (0 bytes); record it again or leave it out")
    return encoded
