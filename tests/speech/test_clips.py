"""Reading clips, against closed forms: lengths after resampling, the frequency of a sine, and what must be refused."""

from __future__ import annotations

import hashlib
import io
import math
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lsgap_bench.errors import UsageError
from lsgap_bench.speech.clips import clip_from_bytes, clip_from_path, decode, encode, fit, pcm_sha256, silence

HERTZ = 440.0


def sine(rate: int, seconds: float = 0.5, hertz: float = HERTZ) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def as_file(wave: np.ndarray, rate: int, **how: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, rate, **how)
    return buffer.getvalue()


def loudest_frequency(wave: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), n=8 * len(wave)))
    return float(np.fft.rfftfreq(8 * len(wave), 1 / rate)[spectrum.argmax()])


def clip_of(encoded: bytes, name: str = "q1.wav"):
    return clip_from_bytes(lambda: encoded, name)


@pytest.mark.parametrize("native", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("wanted", [16000, 24000])
def test_decoding_keeps_duration_and_pitch_at_any_rate(native: int, wanted: int):
    clip = clip_of(as_file(sine(native), native, format="FLAC"))
    wave = decode(clip, wanted)
    assert (clip.sampling_rate, clip.frames) == (native, native // 2)
    assert clip.seconds == 0.5
    assert wave.dtype == np.float32
    assert abs(len(wave) - wanted / 2) <= 1
    assert loudest_frequency(wave, wanted) == pytest.approx(HERTZ, abs=1)


@pytest.mark.parametrize(("format", "loss"), [("wav", 2e-4), ("flac", 2e-4), ("vorbis", 0.1), ("opus", 0.1)])
def test_every_written_format_reads_back_as_the_same_sound(format: str, loss: float):
    wave = sine(16000)
    read = decode(clip_of(encode(wave, 16000, format)), 16000)
    assert len(read) == len(wave)
    assert np.sqrt(np.mean((read - wave) ** 2)) < loss


def test_stereo_becomes_the_mean_of_its_channels():
    left = sine(16000)
    stereo = as_file(np.stack([left, np.zeros_like(left)], axis=1), 16000, format="WAV", subtype="FLOAT")
    np.testing.assert_allclose(decode(clip_of(stereo), 16000), left / 2, atol=1e-7)


def test_opposite_channels_cancel():
    left = sine(16000)
    assert not decode(clip_of(as_file(np.stack([left, -left], axis=1), 16000, format="WAV", subtype="FLOAT")), 16000).any()


def test_a_clip_is_known_by_the_hash_of_its_file(tmp_path: Path):
    file = tmp_path / "a.flac"
    file.write_bytes(encode(sine(16000), 16000, "flac"))
    assert clip_from_path(file).sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_clip_reads_its_file_only_when_it_is_decoded(tmp_path: Path):
    file = tmp_path / "a.wav"
    file.write_bytes(encode(sine(16000), 16000, "wav"))
    clip = clip_from_path(file)
    file.write_bytes(encode(silence(sine(16000)), 16000, "wav"))
    assert not decode(clip, 16000).any()


def test_pcm_hash_ignores_the_container_and_sees_one_changed_sample():
    wave = decode(clip_of(encode(sine(16000), 16000, "wav")), 16000)
    assert pcm_sha256(wave) == pcm_sha256(decode(clip_of(encode(wave, 16000, "flac")), 16000))
    changed = wave.copy()
    changed[7] += 0.01
    assert pcm_sha256(changed) != pcm_sha256(wave)
    assert pcm_sha256(np.array([1.0], np.float32)) == hashlib.sha256(bytes([0, 0, 0x80, 0x3F])).hexdigest()


@pytest.mark.parametrize("format", ["wav", "flac", "vorbis", "opus"])
def test_encoding_twice_gives_the_same_bytes(format: str):
    assert encode(sine(16000), 16000, format) == encode(sine(16000), 16000, format)


def test_ogg_pages_carry_a_valid_checksum():
    page = encode(sine(16000, 0.05), 16000, "opus")[:47]  # the first page: 28 bytes of header, 19 of OpusHead
    stored = int.from_bytes(page[22:26], "little")
    plain = page[:22] + bytes(4) + page[26:]
    # Ogg's CRC is zlib's with bits and bytes mirrored and no inversion, so that zlib's can be turned into it
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in plain)
    crc = zlib.crc32(mirrored, 0xFFFFFFFF) ^ 0xFFFFFFFF
    assert stored == int(f"{crc:032b}"[::-1], 2)


def test_silence_is_as_long_as_the_clip_and_empty():
    wave = sine(16000)
    assert silence(wave).shape == wave.shape
    assert not silence(wave).any()


def test_fit_cuts_or_repeats_from_the_start():
    wave = np.array([1, 2, 3], np.float32)
    assert fit(wave, 2).tolist() == [1, 2]
    assert fit(wave, 7).tolist() == [1, 2, 3, 1, 2, 3, 1]


def nan_wav() -> bytes:
    wave = sine(16000)
    wave[3], wave[9] = math.nan, math.inf
    return as_file(wave, 16000, format="WAV", subtype="FLOAT")


@pytest.mark.parametrize(
    ("encoded", "complaint"),
    [
        (b"", "empty"),
        (b"this is no sound at all" * 40, "no audio"),
        (as_file(sine(16000), 16000, format="FLAC")[:20], "no audio"),
        (as_file(np.zeros(0, np.float32), 16000, format="WAV"), "0 frames"),
        (nan_wav(), "2 of 8000 samples are NaN or infinite"),
    ],
)
def test_bad_audio_is_refused_in_one_line_that_names_the_clip(encoded: bytes, complaint: str):
    with pytest.raises(UsageError, match=complaint) as refused:
        decode(clip_of(encoded, "data/q7.wav"), 16000)
    assert str(refused.value).startswith("data/q7.wav: ")
    assert "\n" not in str(refused.value)


def test_a_wav_that_is_cut_off_is_refused_and_one_whose_length_was_not_known_is_read():
    whole = as_file(sine(16_000), 16_000, format="WAV")
    with pytest.raises(UsageError, match=rf"q1.wav: the file is cut off \({len(whole) // 2} of {len(whole)} bytes\); copy it again"):
        clip_of(whole[: len(whole) // 2])
    for unknown in (0, 0x7FFFF024, 0xFFFFFFFF):  # as sox and ffmpeg write to a pipe
        assert clip_of(whole[:4] + unknown.to_bytes(4, "little") + whole[8:]).frames == 8_000


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=r"absent\.wav: the clip cannot be read \(No such file"):
        clip_from_path(tmp_path / "absent.wav")


def test_opus_at_a_rate_it_does_not_know_is_refused():
    with pytest.raises(UsageError, match="opus cannot be written at 22050 Hz"):
        encode(sine(22050), 22050, "opus")
