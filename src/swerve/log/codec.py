"""How a record becomes the bytes of one row, and the checksum that ties rows together.

A row is `(offset, crc, payload)`. Bits 0-31 of `crc` are the record's own checksum, taken over its payload and its
offset; bits 32-62 repeat the low 31 bits of the previous record's own checksum. So each record can be verified
alone (a repair loses no neighbour of a damaged one), and a record from another history does not fit its place.
An empty payload is a tombstone: the place of a record that a repair could not save.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, TypeAlias
from zlib import crc32

import msgspec
from msgspec.structs import force_setattr

from swerve.types import Event, Record

OWN = 0xFFFFFFFF
LINK = 0x7FFFFFFF
Row: TypeAlias = tuple[int, int, bytes]
TOMBSTONE = b""


class _StubEvent(msgspec.Struct):
    event_id: str = ""


class Stub(msgspec.Struct):
    """What dedupe needs of a record: decoding only this is twice as fast."""

    event: _StubEvent
    received: float


encode = msgspec.msgpack.Encoder().encode
"""Anything of ours -> msgpack bytes."""
_decode = msgspec.msgpack.Decoder(Record).decode
_decode_event = msgspec.msgpack.Decoder(Event).decode
_encode_sorted = msgspec.msgpack.Encoder(order="deterministic").encode
decode_stub = msgspec.msgpack.Decoder(Stub).decode
"""Payload -> Stub."""


def decode(payload: bytes, offset: int) -> Record:
    """The record of a row."""
    record = _decode(payload)
    force_setattr(record, "offset", offset)  # ours alone until it is returned; a second construction costs 0.5 us
    return record


def canonical(event: Event) -> bytes:
    """Equal for two events exactly when a client said the same thing: key order and 5 versus 5.0 do not matter."""
    return _encode_sorted(_decode_event(encode(event)))


def seal(payload: bytes, offset: int, previous: int) -> int:
    """The `crc` of a row, given the own checksum of the row before it."""
    return crc32(payload, offset) | (previous & LINK) << 32


class BrokenChainError(Exception):
    """The rows stop making sense at `offset`."""

    def __init__(self, offset: int, what: str) -> None:
        super().__init__(what)
        self.offset = offset
        self.what = what


def walk(rows: Iterable[Any], start: int, previous: int | None) -> tuple[int, int | None]:
    """Verify rows from offset `start`; `previous` is the own checksum before it (None: unknown, not compared).

    Returns the offset after the last row and its own checksum (None when it is a tombstone: what was there is not
    known). Raises BrokenChainError at the first row that is missing, altered, out of its place or unreadable.
    """
    expected, own = start, previous
    payload: bytes | None = None
    link = -1 if previous is None else (previous & LINK) << 32
    try:
        for offset, crc, payload in rows:
            own = crc32(payload, offset)
            fits = crc == own | link if link >= 0 else crc & OWN == own
            if offset != expected or not fits:
                raise BrokenChainError(expected, _what(offset, expected, crc, own))
            link = (own & LINK) << 32
            expected += 1
    except (TypeError, sqlite3.Error) as error:
        raise BrokenChainError(expected, str(error)) from error
    return expected, None if payload == TOMBSTONE else own


def _what(offset: object, expected: int, crc: object, own: int) -> str:
    if offset != expected:
        return f"the record at offset {expected} is missing"
    if not isinstance(crc, int) or crc & OWN != own:
        return "the checksum does not fit the record"
    return "the record does not follow the one before it"


def own_of(crc: int) -> int:
    """The own checksum inside the `crc` of a row."""
    return crc & OWN


def tombstone_own(offset: int) -> int:
    """The own checksum of a tombstone at `offset`."""
    return crc32(TOMBSTONE, offset)
