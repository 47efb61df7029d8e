"""One utterance by espeak-ng in a process of its own: a JSON request on stdin, 16-bit samples on stdout.

espeak-ng carries state from one utterance to the next, so only a fresh process says the same words the same way each time. The parent runs
this file by its path and it needs nothing but the standard library, which keeps the start at some ten milliseconds.
"""

from __future__ import annotations

import ctypes
import json
import sys

UNKNOWN_VOICE = 3  # exit status
NO_DATA = 4  # exit status
# From espeak-ng's speak_lib.h:
_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
_UTF8, _END_PAUSE = 1, 0x1000
_RATE, _PITCH = 1, 3


def say(library: str, data: str, text: str, voice: str, rate: int, pitch: int, seed: int) -> tuple[int, bytes]:
    """(sampling rate in Hz, mono 16-bit samples in the machine's byte order). rate: words per minute; pitch: 0..99.

    seed: of the noise in breathy variants.
    data: the folder that holds `espeak-ng-data`. Ends the process with a status of its own for an unknown voice or absent data.
    """
    espeak = ctypes.CDLL(library)
    sampling_rate = espeak.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT)
    if sampling_rate <= 0:
        sys.exit(NO_DATA)
    espeak.espeak_ng_SetRandSeed(ctypes.c_long(seed))  # else from the clock, and breathy variants such as f3 change every second
    if espeak.espeak_SetVoiceByName(voice.encode()) != 0:
        sys.exit(UNKNOWN_VOICE)
    espeak.espeak_SetParameter(_RATE, rate, 0)
    espeak.espeak_SetParameter(_PITCH, pitch, 0)
    samples = bytearray()

    def keep(wave: int | None, frames: int, _events: int | None) -> int:
        if wave and frames > 0:
            samples.extend(ctypes.string_at(wave, 2 * frames))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(keep)
    espeak.espeak_SetSynthCallback(callback)
    said = text.encode() + b"\0"
    espeak.espeak_Synth(said, ctypes.c_size_t(len(said)), 0, 1, 0, _UTF8 | _END_PAUSE, None, None)
    espeak.espeak_Synchronize()
    return int(sampling_rate), bytes(samples)


def version(library: str) -> str:
    """espeak-ng's version, such as 1.52.0."""
    info = ctypes.CDLL(library).espeak_Info
    info.restype = ctypes.c_char_p
    return str(info(None).decode()).split()[0]


if __name__ == "__main__":
    hertz, pcm = say(**json.load(sys.stdin))
    sys.stdout.buffer.write(hertz.to_bytes(4, sys.byteorder) + pcm)
