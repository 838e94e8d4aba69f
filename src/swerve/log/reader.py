"""Reading records back, verified, beside an append: short queries on a connection that cannot write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from swerve.errors import LogDamaged
from swerve.log import segment
from swerve.log.codec import BrokenChainError, Row, decode, walk
from swerve.types import Record

CHUNK = 1024
"""Records taken by one query: a long one would keep the write-ahead log from being emptied."""
_QUERY = f"{segment.SELECT} LIMIT {CHUNK}"


def rows(path: Path, start: int, stop: int, *, still: bool) -> Iterator[list[Row]]:
    """The rows start <= offset < stop of one segment, verified, in chunks. Raises LogDamaged."""
    own = None
    try:
        with closing(segment.open_reader(path, still=still)) as connection:
            while start < stop:
                chunk = connection.execute(_QUERY, (start, stop)).fetchall()
                end, own = walk(chunk, start, own)
                if end == start:
                    raise BrokenChainError(start, f"the record at offset {start} is missing")
                yield chunk
                start = end
    except (BrokenChainError, sqlite3.Error) as error:
        first = error.offset if isinstance(error, BrokenChainError) else start
        raise damaged(path, first, min(start + CHUNK, stop) - 1, str(error)) from error


def record_of(offset: int, payload: bytes) -> Record:
    """Decode one payload. Raises LogDamaged: its checksum fits, so it was written by something else than this code."""
    try:
        return decode(payload, offset)
    except msgspec.DecodeError as error:
        raise LogDamaged(f"offset {offset}: {error}", segment="", first=offset, last=offset) from error


def damaged(path: Path, first: int, last: int, what: str) -> LogDamaged:
    """The error that names the place."""
    message = f"{path.name}, offsets {first} to {last}: {what}; `swerve doctor` tells more"
    return LogDamaged(message, segment=path.name, first=first, last=last)
