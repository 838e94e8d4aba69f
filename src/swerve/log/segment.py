"""One segment: a SQLite file that holds the records from its base offset on, and the seal written when it is full.

`<base>.db` is named by the offset of its first record. A new file is built under another name and renamed, so a
segment that exists is complete. `<base>.seal` carries the checksum of the whole file once nothing is added to it
any more, so opening can verify a full segment at the speed of the disk.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from swerve.errors import SwerveError
from swerve.log.codec import Row
from swerve.log.files import sync_directory, write_durably

FORMAT = 1
APPLICATION = 0x53575200 + FORMAT
"""Says the format a second time, so that a flipped bit is not taken for a newer version."""
PAGE = 4096
SCHEMA = "CREATE TABLE records(offset INTEGER PRIMARY KEY, crc INTEGER NOT NULL, payload BLOB NOT NULL)"
INSERT = "INSERT INTO records VALUES(?, ?, ?)"
SELECT = "SELECT offset, crc, payload FROM records WHERE offset >= ? AND offset < ? ORDER BY offset"
LAST = 2**63 - 1
_CHUNK = 2**20
_MODE_AT, _WAL_MODE = 18, b"\2\2"
"""Where a database says that it is written through a write-ahead log, and how."""


class Seal(msgspec.Struct, frozen=True):
    """What is known of a full segment without reading it."""

    base: int
    end: int
    """Offset after the last record."""
    own: int | None
    """Own checksum of the last record; None when that is a tombstone."""
    newest: float
    """When the last record was received, Unix seconds."""
    size: int
    """Bytes of the file."""
    crc: int
    """CRC32 of the whole file."""


def path_of(folder: Path, base: int) -> Path:
    """Where the segment that begins at `base` lives."""
    return folder / f"{base:020d}.db"


def seal_path(segment: Path) -> Path:
    """Where the seal of a segment lives."""
    return segment.with_suffix(".seal")


def bases(folder: Path) -> list[int]:
    """Base offsets of the segments in `folder`, ascending."""
    return sorted(int(path.stem) for path in folder.glob("*.db") if path.stem.isdigit())


def build(path: Path, rows: Iterator[Row] | None = None) -> None:
    """Make a segment file with `rows` under its final name, durably. Raises sqlite3.Error, OSError."""
    passing = path.with_suffix(".new")
    for leftover in path.parent.glob(f"{passing.name}*"):
        leftover.unlink()
    connection = sqlite3.connect(passing, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=OFF")  # the finished file is synced as a whole
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(f"PRAGMA page_size={PAGE}")
        connection.execute("BEGIN")
        connection.execute(f"PRAGMA application_id={APPLICATION}")
        connection.execute(f"PRAGMA user_version={FORMAT}")
        connection.execute(SCHEMA)
        if rows is not None:
            connection.executemany(INSERT, rows)
        connection.execute("COMMIT")
    finally:
        connection.close()
    with passing.open("r+b", buffering=0) as file:
        # `PRAGMA journal_mode=WAL` would say nothing when the disk fails under it; these two bytes are all it does.
        file.seek(_MODE_AT)
        file.write(_WAL_MODE)
        os.fsync(file.fileno())
    passing.replace(path)
    sync_directory(path.parent)


def open_writer(path: Path, synchronous: str) -> sqlite3.Connection:
    """The one connection that writes and checkpoints. Usable from any one thread at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA fullfsync=1")  # without it a Mac's fsync stops at the drive's cache
        # An automatic checkpoint swallows its errors and would try a failed fsync again: ours are explicit.
        connection.execute("PRAGMA wal_autocheckpoint=0")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def is_still(path: Path) -> bool:
    """True when nothing of the segment is in a write-ahead log. Only for files that nobody writes."""
    wal = Path(f"{path}-wal")
    return not wal.exists() or wal.stat().st_size == 0


def open_reader(path: Path, *, still: bool) -> sqlite3.Connection:
    """A connection that cannot write. `still`: nobody writes this file any more, so it needs no locks.

    Raises sqlite3.Error.
    """
    if path.exists() and path.stat().st_size < PAGE:
        # SQLite takes an empty file for a new database and removes the write-ahead log beside it, even when reading.
        raise sqlite3.DatabaseError("the file is too short to be a database")
    mode = "mode=ro&immutable=1" if still else "mode=ro"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, check_same_thread=False, timeout=5.0)
    connection.text_factory = bytes
    return connection


def check_form(connection: sqlite3.Connection, path: Path, *, thorough: bool) -> str:
    """Empty when the file is one of ours and sound as a database, else what is wrong. Raises sqlite3.Error, OSError.

    `thorough` also walks the whole tree: an append to a page with a damaged header could overwrite its records.
    Only for files that nobody writes: closing a file makes the system forget the locks SQLite has on it.
    """
    with path.open("rb") as file:
        file.seek(_MODE_AT)
        if file.read(len(_WAL_MODE)) != _WAL_MODE:
            return "the file header is damaged"
    names = ("application_id", "user_version")
    application, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    if version > FORMAT and application - version == APPLICATION - FORMAT:
        raise SwerveError("this log was written by a newer version of swerve", code="newer_format", field="log")
    if (application, version) != (APPLICATION, FORMAT):
        return "the file header is damaged"
    if connection.execute("SELECT sql FROM sqlite_schema").fetchall() != [(SCHEMA.encode(),)]:
        return "the table definition is damaged"
    if not thorough:
        return ""
    found: bytes = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return "" if found == b"ok" else f"the database structure is damaged ({found.decode('utf-8', 'replace')})"


def remove(path: Path) -> None:
    """Remove a segment and all that belongs to it; not durable before the directory is synced. Raises OSError."""
    for part in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), seal_path(path)):
        part.unlink(missing_ok=True)


def digest(path: Path) -> tuple[int, int]:
    """Size and CRC32 of a file that no connection writes."""
    size = crc = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return size, crc


def write_seal(path: Path, end: int, own: int | None, newest: float) -> Seal:
    """Seal a full segment. Raises OSError."""
    size, crc = digest(path)
    sealed = Seal(base=int(path.stem), end=end, own=own, newest=newest, size=size, crc=crc)
    body = msgspec.json.encode(sealed)
    write_durably(seal_path(path), b"%08x\n" % zlib.crc32(body), body)
    return sealed


def read_seal(path: Path) -> Seal | None:
    """The seal of a segment; None when there is none or it cannot be read."""
    try:
        check, _, body = seal_path(path).read_bytes().partition(b"\n")
        if check != b"%08x" % zlib.crc32(body):
            return None
        return msgspec.json.decode(body, type=Seal)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
