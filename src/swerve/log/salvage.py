"""Reading records out of a damaged segment, page by page, past what SQLite itself gives up on.

SQLite refuses a file with one bad page and drops a write-ahead log from its first bad frame on. Here every page of
both files is looked at, and a record counts when its own checksum fits its bytes and its offset. That is safe
because records never change: any intact copy is the right one (where two histories left one each, the neighbour's
link decides). The page layout is SQLite's file format, sections 1.6 and 2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from zlib import crc32

from swerve.log.codec import LINK, OWN, TOMBSTONE, Row, seal
from swerve.log.segment import PAGE

_LEAF = 0x0D
_FRAME = 24
_WAL_HEADER = 32
_FILE_HEADER = 100
_MOST_LOCAL = PAGE - 35
_LEAST_LOCAL = (PAGE - 12) * 32 // 255 - 23
_OVERFLOW = PAGE - 4
_BLOB = 12
_ZERO = 8
"""Kinds 8 and 9 are the numbers 0 and 1, without bytes."""
_INT_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_LARGEST = 2**28
"""A cell that claims more bytes than this is not read: its header is damaged."""


def collect(path: Path, start: int, stop: int) -> dict[int, list[Row]]:
    """Every intact record with start <= offset < stop found in the segment at `path` and its write-ahead log."""
    pages = _Pages(path)
    found: dict[int, list[Row]] = {}
    for page in pages.all():
        for row in _rows(page, pages):
            if start <= row[0] < stop:
                copies = found.setdefault(row[0], [])
                if row not in copies:
                    copies.append(row)
    return found


def choose(found: Mapping[int, list[Row]], start: int, stop: int) -> dict[int, bytes]:
    """One payload for each offset that can be saved: of several copies the one that its successor links to."""
    chosen: dict[int, bytes] = {}
    link = -1
    for offset in range(stop - 1, start - 1, -1):
        copies = found.get(offset, [])
        # A lone copy is taken even when the link says otherwise: the link itself may be what was damaged.
        row = next((row for row in copies if row[1] & LINK == link), copies[0] if copies else None)
        if row is not None:
            chosen[offset] = row[2]
        link = -1 if row is None else row[1] >> 32
    return chosen


def rebuilt(saved: Mapping[int, bytes], start: int, stop: int, previous: int) -> Iterator[Row]:
    """Rows start..stop in a new chain: what was saved, and a tombstone for each record that was not."""
    for offset in range(start, stop):
        payload = saved.get(offset, TOMBSTONE)
        yield offset, seal(payload, offset, previous), payload
        previous = crc32(payload, offset)


def ranges(offsets: list[int]) -> list[tuple[int, int]]:
    """Ascending offsets as (first, last) ranges."""
    spans: list[tuple[int, int]] = []
    for offset in offsets:
        if spans and offset == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], offset)
        else:
            spans.append((offset, offset))
    return spans


class _Pages:
    """All copies of all pages of a database: those of its write-ahead log (latest first), then the file's own."""

    def __init__(self, path: Path) -> None:
        wal = Path(f"{path}-wal")
        self._file = path.read_bytes() if path.exists() else b""
        self._wal = wal.read_bytes() if wal.exists() else b""
        self._frames: dict[int, list[int]] = {}
        for start in range(_WAL_HEADER, len(self._wal) - _FRAME, _FRAME + PAGE):
            number = int.from_bytes(self._wal[start : start + 4], "big")
            self._frames.setdefault(number, []).append(start + _FRAME)

    def all(self) -> Iterator[bytes]:
        for starts in self._frames.values():
            for start in reversed(starts):
                yield self._wal[start : start + PAGE]
        for start in range(0, len(self._file), PAGE):
            yield self._file[start : start + PAGE]

    def copies(self, number: int) -> list[bytes]:
        logged = [self._wal[start : start + PAGE] for start in reversed(self._frames.get(number, []))]
        return [*logged, self._file[max(number - 1, 0) * PAGE : number * PAGE]]


def _rows(page: bytes, pages: _Pages) -> Iterator[Row]:
    """The intact records of one page; none when it is not a table leaf."""
    for header in (0, _FILE_HEADER):  # page 1 begins after the file header
        if len(page) < header + 8 or page[header] != _LEAF:
            continue
        count = int.from_bytes(page[header + 3 : header + 5], "big")
        for at in range(header + 8, min(header + 8 + 2 * count, len(page) - 1), 2):
            row = _cell(page, int.from_bytes(page[at : at + 2], "big"), pages)
            if row is not None:
                yield row


def _cell(page: bytes, at: int, pages: _Pages) -> Row | None:
    try:
        size, at = _varint(page, at)
        offset, at = _varint(page, at)
        if size > _LARGEST:
            return None
        local = _local(size)
        body = page[at : at + local]
        if local == size:
            return _record(body, offset)
        (following,) = struct.unpack_from(">I", page, at + local)
        latest = _record(body + _tail(following, size - local, pages, 0), offset)
        return latest or _record(body + _tail(following, size - local, pages, -1), offset)
    except (IndexError, struct.error):
        return None


def _local(size: int) -> int:
    """How many of a record's bytes lie in the leaf page itself."""
    if size <= _MOST_LOCAL:
        return size
    kept = _LEAST_LOCAL + (size - _LEAST_LOCAL) % _OVERFLOW
    return kept if kept <= _MOST_LOCAL else _LEAST_LOCAL


def _tail(number: int, missing: int, pages: _Pages, copy: int) -> bytes:
    """The rest of a record from overflow page `number` on, reading one copy (0 latest, -1 oldest) of each page."""
    parts = []
    while missing > 0:
        page = pages.copies(number)[copy]
        if len(page) < PAGE:
            return b""
        parts.append(page[4 : 4 + min(missing, _OVERFLOW)])
        number, missing = int.from_bytes(page[:4], "big"), missing - _OVERFLOW
    return b"".join(parts)


def _record(body: bytes, offset: int) -> Row | None:
    """A row from the bytes of a database record, when its checksum fits."""
    header, at = _varint(body, 0)
    key, at = _varint(body, at)
    kind, at = _varint(body, at)
    blob, _ = _varint(body, at)
    width = _INT_BYTES.get(kind, 0)
    crc = int.from_bytes(body[header : header + width], "big") if width else kind - _ZERO
    payload = body[header + width : header + width + (blob - _BLOB) // 2]
    if (
        key != 0
        or crc < 0
        or blob < _BLOB
        or len(payload) != (blob - _BLOB) // 2
        or crc32(payload, offset) != crc & OWN
    ):
        return None
    return offset, crc, payload


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(at, at + 8):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9
