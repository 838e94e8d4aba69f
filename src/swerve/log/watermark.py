"""How far acks have come, kept outside the database: what tells a torn tail from a lost acknowledged record.

SQLite drops everything behind a damaged place of its write-ahead log without a word. The watermark remembers what
must still be there. It has two slots, written in turn, each with its own checksum: a torn write costs one step,
never the file. It is written after each commit and synced lazily, so it may lag behind the records, never lead.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from zlib import crc32

import msgspec

from swerve.log.files import write_durably

NAME = "watermark"
_SLOT = struct.Struct("<8sQQQIII")
_SEAL = struct.Struct("<I")
_MAGIC = b"swerveW1"
_SPACING = 4096
"""Bytes between the slots: two pages, so that no single torn page hits both."""
WEAK = 1


class Mark(msgspec.Struct, frozen=True):
    """One state of the watermark."""

    first: int = 0
    """First offset that must be there; older ones were dropped by retention."""
    acked: int = 0
    """Every offset below this was committed before its ack."""
    own: int = 0
    """Own checksum of the record at `acked - 1`."""
    weak: bool = False
    """True when commits were not synced (`os`): after a power cut, acked records may be missing without damage."""
    serial: int = 0
    """Grows by one with each write; the readable slot with the higher one counts."""


def _pack(mark: Mark) -> bytes:
    body = _SLOT.pack(_MAGIC, mark.serial, mark.first, mark.acked, mark.own, WEAK if mark.weak else 0, 0)
    return body + _SEAL.pack(crc32(body))


def _unpack(data: bytes) -> Mark | None:
    body, sealed = data[: _SLOT.size], data[_SLOT.size : _SLOT.size + _SEAL.size]
    if len(sealed) < _SEAL.size or _SEAL.unpack(sealed)[0] != crc32(body):
        return None
    magic, serial, first, acked, own, flags, _ = _SLOT.unpack(body)
    if magic != _MAGIC:
        return None
    return Mark(first=first, acked=acked, own=own, weak=bool(flags & WEAK), serial=serial)


def load(folder: Path) -> tuple[Mark | None, list[str]]:
    """The newest readable mark (None: no file, or neither slot is readable) and what is wrong with the file."""
    path = folder / NAME
    if not path.exists():
        return None, ["the watermark is missing"]
    data = path.read_bytes()
    slots = [_unpack(data[start : start + _SPACING]) for start in (0, _SPACING)]
    notes = [f"slot {place} of the watermark is unreadable" for place, slot in enumerate(slots) if slot is None]
    readable = [slot for slot in slots if slot is not None]
    return max(readable, key=lambda mark: mark.serial, default=None), notes


def store(folder: Path, mark: Mark) -> None:
    """Write a whole new file with `mark` in both slots, durably."""
    slot = _pack(mark).ljust(_SPACING, b"\0")
    write_durably(folder / NAME, slot, slot)


class Watermark:
    """The open file of a live log."""

    def __init__(self, folder: Path, mark: Mark) -> None:
        self.mark = mark
        self.unsynced = False
        path = folder / NAME
        if not path.exists() or path.stat().st_size < 2 * _SPACING:
            store(folder, mark)
        self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._put(mark)  # in place: that works on a full disk too
            self.sync()
        except OSError:
            self.close()
            raise

    def advance(self, acked: int, own: int) -> None:
        """Note that everything below `acked` is committed. Not synced; raises OSError."""
        self._put(msgspec.structs.replace(self.mark, acked=acked, own=own, serial=self.mark.serial + 1))

    def drop(self, first: int) -> None:
        """Note, durably, that offsets below `first` may be absent from now on. Raises OSError."""
        self._put(msgspec.structs.replace(self.mark, first=first, serial=self.mark.serial + 1))
        self.sync()

    def sync(self) -> None:
        """Make what was noted durable. Raises OSError."""
        if self.unsynced:
            os.fsync(self._fd)
            self.unsynced = False

    def close(self) -> None:
        """Release the file; safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _put(self, mark: Mark) -> None:
        place = (mark.serial & 1) * _SPACING
        data = _pack(mark)
        while data:
            written = os.pwrite(self._fd, data, place)
            data, place = data[written:], place + written
        self.mark = mark
        self.unsynced = True
