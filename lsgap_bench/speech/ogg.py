"""Ogg files with a fixed stream serial number, so that encoding the same sound twice gives the same bytes.

libsndfile draws the serial at random. It stands in every page's header (RFC 3533, section 6), under a checksum that has to follow it.
"""

from __future__ import annotations

_SERIAL, _CHECKSUM, _SEGMENTS = 14, 22, 26  # byte offsets in a page's header
_POLYNOMIAL = 0x04C11DB7


def with_serial(encoded: bytes, serial: int) -> bytes:
    """The same Ogg file with `serial` (32 bits) as the number of its one stream."""
    file = bytearray(encoded)
    start = 0
    while start < len(file):
        segments = file[start + _SEGMENTS]
        end = start + _SEGMENTS + 1 + segments + sum(file[start + _SEGMENTS + 1 : start + _SEGMENTS + 1 + segments])
        file[start + _SERIAL : start + _SERIAL + 4] = serial.to_bytes(4, "little")
        file[start + _CHECKSUM : start + _CHECKSUM + 4] = bytes(4)
        file[start + _CHECKSUM : start + _CHECKSUM + 4] = _checksum(file[start:end]).to_bytes(4, "little")
        start = end
    return bytes(file)


def _checksum_table() -> list[int]:
    table = []
    for byte in range(256):
        remainder = byte << 24
        for _ in range(8):
            remainder = (remainder << 1) ^ (_POLYNOMIAL if remainder & 0x80000000 else 0)
        table.append(remainder & 0xFFFFFFFF)
    return table


_TABLE = _checksum_table()


def _checksum(page: bytes | bytearray) -> int:
    """CRC-32 as Ogg wants it: polynomial 0x04C11DB7, most significant bit first, start 0, no final inversion."""
    remainder = 0
    for byte in page:
        remainder = ((remainder << 8) & 0xFFFFFFFF) ^ _TABLE[(remainder >> 24) ^ byte]
    return remainder
