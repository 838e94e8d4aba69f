"""The segment that is being written: its one writing connection, commits, checkpoints.

A commit is durable when `append` returns (class `fsync`). Checkpoints are explicit so that their errors are seen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from swerve.errors import LogDamaged, LogFailed, StorageFull
from swerve.log import segment
from swerve.log.codec import Row
from swerve.log.files import storage_error

WAL_BYTES = 8 * 2**20
"""A write-ahead log of this size is copied into the segment: some 30 ms during which nothing is committed."""
_FRAME = segment.PAGE + 24


class ActiveSegment:
    """The open last segment of a log. Raises LogFailed, StorageFull from every method."""

    def __init__(self, path: Path, durability: str) -> None:
        self.path = path
        self.base = int(path.stem)
        self._pages = 0
        # Held open to the end: after a failure it keeps the writer from being the last connection to close, which
        # would make SQLite checkpoint, and so sync again what just failed to sync.
        self._reader: sqlite3.Connection | None = segment.open_reader(path, still=False)
        self._writer = segment.open_writer(path, "FULL" if durability == "fsync" else "NORMAL")
        try:
            self._reader.execute("SELECT offset FROM records LIMIT 1").fetchone()  # only now is the file really open
            self._check_writable()
            # What a killed process left may be visible but not yet on disk: a checkpoint syncs it.
            self.checkpoint(empty=True)
        except BaseException:
            self.close(failed=True)
            raise

    def append(self, rows: Sequence[Row]) -> None:
        """Commit rows as one transaction; after StorageFull nothing of them is stored."""
        writer = self._writer
        try:
            writer.execute("BEGIN IMMEDIATE")
            writer.executemany(segment.INSERT, rows)
            writer.execute("COMMIT")
        except sqlite3.Error as error:
            failure = storage_error(error, "the commit")
            if writer.in_transaction:
                self._roll_back(failure)
            raise failure from error
        self._pages += 2 + sum([len(row[2]) for row in rows]) // segment.PAGE

    def due(self) -> bool:
        """True when the write-ahead log is large enough to be worth a checkpoint."""
        return self._pages * _FRAME >= WAL_BYTES

    def checkpoint(self, *, empty: bool = False) -> bool:
        """Copy the write-ahead log into the segment; False when a reader, or a full disk, kept some of it.

        `empty` also cuts the file to nothing; otherwise its space is used again, which makes commits twice as fast.
        """
        try:
            mode = "TRUNCATE" if empty else "PASSIVE"
            busy, logged, copied = self._writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        except sqlite3.Error as error:
            failure = storage_error(error, "the checkpoint")
            if isinstance(failure, LogFailed):
                raise failure from error
            return False  # every commit stays safe in the write-ahead log
        self._pages = 0
        return not busy and logged == copied

    def fetch(self, offset: int) -> Row | None:
        """The row at `offset`."""
        try:
            row: Row | None = self._writer.execute(segment.SELECT, (offset, offset + 1)).fetchone()
        except sqlite3.DatabaseError as error:
            raise storage_error(error, "reading a record") from error
        return row

    def close(self, *, failed: bool = False) -> None:
        """Close; a clean close leaves no write-ahead log behind. Safe to call twice."""
        if self._reader is None:
            return
        first, second = (self._writer, self._reader) if failed else (self._reader, self._writer)
        self._reader = None
        first.close()
        second.close()

    def _check_writable(self) -> None:
        try:
            mode = self._writer.execute("PRAGMA journal_mode").fetchone()[0]
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise storage_error(error, "opening the log for writing") from error
        if mode != "wal":
            raise LogDamaged("the file header is damaged", segment=self.path.name, first=self.base, last=self.base)

    def _roll_back(self, failure: StorageFull | LogFailed) -> None:
        try:
            self._writer.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise LogFailed(f"rolling back after a failed commit failed: {error}", field="log") from failure
