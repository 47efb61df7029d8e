"""Utterances by espeak-ng in a process of its own: JSON requests on stdin, one a line; on stdout times and 16-bit samples of each.

espeak-ng carries state from one utterance to the next, so only a fresh process says the same words the same way each time: one request a
process where an utterance must be known by itself, many where only the whole series must. The parent runs this file by its path and it
needs nothing but the standard library, which keeps the start at some ten milliseconds.
"""

from __future__ import annotations

import ctypes
import json
import struct
import sys
from typing import Any

UNKNOWN_VOICE = 3  # exit status
NO_DATA = 4  # exit status
HEADER = struct.Struct("=III")  # sampling rate in Hz, bytes of times (JSON), bytes of samples
# From espeak-ng's speak_lib.h:
_SYNCHRONOUS, _PHONEME_EVENTS, _DONT_EXIT = 2, 0x0001, 0x8000
_UTF8, _END_PAUSE = 1, 0x1000
_RATE, _PITCH = 1, 3
_END_OF_LIST, _WORD, _PHONEME = 0, 1, 7


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("phoneme", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


class Engine:
    """espeak-ng, once per process. Ends the process with a status of its own for absent data or an unknown voice.

    data: the folder that holds `espeak-ng-data`.
    """

    def __init__(self, library: str, data: str) -> None:
        self._espeak = ctypes.CDLL(library)
        self.sampling_rate = int(self._espeak.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT | _PHONEME_EVENTS))
        if self.sampling_rate <= 0:
            sys.exit(NO_DATA)
        self._samples = bytearray()
        self._times: list[tuple[int, int]] = []
        # kept as an attribute: the library holds only the address
        self._callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))(self._keep)
        self._espeak.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: str, rate: int, pitch: int, seed: int) -> tuple[bytes, list[tuple[int, int]]]:
        """(mono 16-bit samples in the machine's byte order, times). rate: words per minute; pitch: 0..99; seed: of breathy variants' noise.

        times: (sample, character of `text` where the word begins, counted from 1), or (sample, 0) where a pause begins.
        """
        self._espeak.espeak_ng_SetRandSeed(ctypes.c_long(seed))  # else from the clock, and breathy variants such as f3 change every second
        if self._espeak.espeak_SetVoiceByName(voice.encode()) != 0:
            sys.exit(UNKNOWN_VOICE)
        self._espeak.espeak_SetParameter(_RATE, rate, 0)
        self._espeak.espeak_SetParameter(_PITCH, pitch, 0)
        self._samples, self._times = bytearray(), []
        said = text.encode() + b"\0"
        self._espeak.espeak_Synth(said, ctypes.c_size_t(len(said)), 0, 1, 0, _UTF8 | _END_PAUSE, None, None)
        self._espeak.espeak_Synchronize()
        return bytes(self._samples), self._times

    def _keep(self, wave: int | None, frames: int, events: Any) -> int:
        if wave and frames > 0:
            self._samples.extend(ctypes.string_at(wave, 2 * frames))
        number = 0
        while events and events[number].type != _END_OF_LIST:
            event = events[number]
            if event.type == _WORD:
                self._times.append((event.sample, event.text_position))
            elif event.type == _PHONEME and event.id.phoneme.startswith(b"_"):
                self._times.append((event.sample, 0))
            number += 1
        return 0


def version(library: str) -> str:
    """espeak-ng's version, such as 1.52.0."""
    info = ctypes.CDLL(library).espeak_Info
    info.restype = ctypes.c_char_p
    return str(info(None).decode()).split()[0]


if __name__ == "__main__":
    engine = Engine(*json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        pcm, times = engine.say(**json.loads(line))
        told = json.dumps(times).encode()
        sys.stdout.buffer.write(HEADER.pack(engine.sampling_rate, len(told), len(pcm)) + told + pcm)
