"""The default log: one SQLite file per segment in `<project>/log`, one writing connection, one lock per project.

`append`, `settle` and `retain` belong to one thread; `read`, `head`, `first` and `backup` may run beside it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace

from swerve.errors import LogFailed, StorageFull
from swerve.log import backup, opening, reader, segment
from swerve.log.active import ActiveSegment
from swerve.log.codec import decode_stub, own_of
from swerve.log.config import DAY_S, LogConfig
from swerve.log.dedupe import Dedupe, number
from swerve.log.files import storage_error, sync_directory
from swerve.log.ids import Ids
from swerve.log.lock import LOCK, DirectoryLock
from swerve.log.recovery import LOG
from swerve.log.segments import Segments, Span
from swerve.log.watermark import Watermark
from swerve.protocols import Clock
from swerve.types import Appended, Batch, Record

MARK_SYNC_S = 1.0
"""The watermark is synced this often: after a power cut it is at most this old."""


class SqliteLog:
    """The log of the project at `directory` (made when absent), with times from `clock`.

    Raises DirectoryInUse when another process has it, LogDamaged when acknowledged records cannot be read (nothing is
    changed then), SwerveError (`newer_format`) for a log of a newer version.
    """

    durability: str
    """`fsync` or `os`, as configured."""
    report: list[str]
    """What opening found and did, one sentence each; empty = nothing."""

    def __init__(self, directory: Path, config: LogConfig, clock: Clock) -> None:
        self.durability, self.report = config.durability, []
        self._config, self._clock, self._folder = config, clock, directory / LOG
        self._failed: LogFailed | None = None
        self._closed = False
        self._copying = threading.Lock()
        self._folder.mkdir(parents=True, exist_ok=True)
        sync_directory(directory)
        with suppress(PermissionError):  # the entry of a project that was made just now; not ours to sync otherwise
            sync_directory(directory.absolute().parent)
        self._lock = DirectoryLock(directory / LOCK)
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        """Commit all batches as one group, in order; one answer a batch. Raises LogFailed, StorageFull, LogDamaged."""
        self.settle()
        with self._ending():
            return self._append(batches)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Records with start <= offset < stop, in order, without those a repair lost. Raises LogDamaged.

        Offsets below `first()` were dropped: reading begins there.
        """
        return self._read(start, self._head if stop is None else min(stop, self._head))

    def head(self) -> int:
        """The offset the next new record will get."""
        return self._head

    def first(self) -> int:
        """The first offset that is kept."""
        return self._segments.first()

    def settle(self) -> None:
        """Do the housekeeping that is due: call it when idle, so that no append has to. Raises LogFailed."""
        if self._failed is not None or self._closed:
            why = "the log failed before and takes nothing any more" if self._failed else "the log is closed"
            raise LogFailed(why, field="log") from self._failed
        with self._ending():
            self._settle(self._clock())

    def retain(self, before: int) -> int:
        """Drop the oldest full segments that nobody needs, and count them. Raises LogFailed.

        They lie wholly below `before` (what a snapshot has folded), are older than the dedupe window, and beyond
        `keep_segments` and `keep_days` where those are set; with neither set everything is kept. While a backup runs
        nothing is dropped.
        """
        first = self._droppable(before)
        if first <= self.first() or not self._copying.acquire(blocking=False):
            return 0
        try:
            with self._ending():
                return self._drop(first)
        finally:
            self._copying.release()

    def backup(self, to: Path) -> int:
        """Copy the log, while it is written, into the new project directory `to`; verified, opens like any other.

        Returns the offset after the last record copied. Raises LogDamaged, FileExistsError, StorageFull, LogFailed.
        """
        with self._copying:
            live = self._segments.live.base
            full = [span.base for span in self._segments.full if span.base < live]
            try:
                return backup.copy(self._folder, to / LOG, full, live)
            except FileExistsError:
                raise
            except (sqlite3.Error, OSError) as error:
                raise storage_error(error, "the backup") from error

    def close(self) -> None:
        """Release files and locks; safe to call twice. Raises LogFailed when the last write does not reach the disk."""
        if self._closed:
            return
        self._closed = True
        try:
            self._segments.close(failed=self._failed is not None)
            if self._failed is None:
                self._sync_watermark(self._clock())
        finally:
            self._dedupe.ids.close()
            self._watermark.close()
            self._lock.release()

    def _open(self) -> None:
        found = opening.prepare(self._folder, self._config.verify, self.report.append)
        *full, last = found.parts
        live = ActiveSegment(segment.path_of(self._folder, last.base), self.durability)
        self._segments = Segments(self._folder, live, self.report.append)
        with ExitStack() as undo:
            undo.callback(self._segments.close, failed=True)
            self._head, self._own = found.end, found.own
            weak, serial = self.durability == "os", found.mark.serial + 1
            mark = replace(found.mark, acked=self._head, own=self._own, weak=weak, serial=serial)
            self._watermark = Watermark(self._folder, mark)
            undo.callback(self._watermark.close)
            self._synced = self._clock()
            for part in full:
                self._segments.add(Span(part.base, part.end, part.seal.newest if part.seal else None))
                if part.seal is None:
                    self._segments.seal(part.base, part.end, part.own)
            ids = Ids(self._folder, self._config.dedupe_window_s)
            self.report += ids.open(self.first(), self._head, self._clock(), self._known)
            self._dedupe = Dedupe(ids, self._fetch, self._config.dedupe_window_s)
            undo.pop_all()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """A write or sync that failed is the last thing this log does."""
        try:
            yield
        except LogFailed as failure:
            self._failed = failure
            raise

    def _settle(self, now: float) -> None:
        live = self._segments.live
        if self._head - live.base >= self._config.segment_events:
            self._roll()
        elif live.due():
            live.checkpoint()
        self._dedupe.ids.settle(now)
        if self._watermark.unsynced and abs(now - self._synced) >= MARK_SYNC_S:
            self._sync_watermark(now)

    def _append(self, batches: Sequence[Batch]) -> list[Appended]:
        rows, answers = number(self._dedupe.sort(batches, self._clock()), self._head, self._own)
        if rows:
            self._segments.live.append(rows)
            offset, crc, _ = rows[-1]
            try:
                self._watermark.advance(offset + 1, own_of(crc))
            except OSError as error:
                raise LogFailed(f"writing the watermark failed: {error}", field="log") from error
            self._head, self._own = offset + 1, own_of(crc)
            self._dedupe.take(answers, self._head)
        return answers

    def _read(self, start: int, stop: int) -> Iterator[Record]:
        for chunk in self._segments.rows(start, stop):
            for offset, _, payload in chunk:
                if payload:
                    yield reader.record_of(offset, payload)

    def _fetch(self, offset: int) -> Record | None:
        """The record at `offset`; None when it was dropped or is a tombstone: then its event may be sent again."""
        row = self._segments.fetch(offset)
        return reader.record_of(offset, row[2]) if row is not None and row[2] else None

    def _known(self, start: int, stop: int) -> Iterator[tuple[str, int]]:
        """The event ids of the records start <= offset < stop."""
        for chunk in self._segments.rows(start, stop):
            for offset, _, payload in chunk:
                if payload and (name := decode_stub(payload).event.event_id):
                    yield name, offset

    def _roll(self) -> None:
        """Begin a new segment; put off while a reader keeps the write-ahead log, or the disk is full."""
        if not self._segments.live.checkpoint(empty=True):
            return
        path = segment.path_of(self._folder, self._head)
        try:
            segment.build(path)
        except (sqlite3.Error, OSError) as error:
            failure = storage_error(error, "beginning a segment")
            if isinstance(failure, StorageFull):
                return
            raise failure from error
        self._segments.roll(ActiveSegment(path, self.durability), self._own)

    def _drop(self, first: int) -> int:
        try:
            # Said first: when the process dies in between, opening knows that the rest may go.
            self._watermark.drop(first)
            count = self._segments.drop(first)
            sync_directory(self._folder)
            self._dedupe.ids.drop(first)
        except OSError as error:
            raise LogFailed(f"dropping old segments failed: {error}", field="log") from error
        return count

    def _droppable(self, before: int) -> int:
        """The offset below which segments may be dropped."""
        keep, days = self._config.keep_segments, self._config.keep_days
        full, first = self._segments.full, self.first()
        youngest = self._clock() - max(self._config.dedupe_window_s, days * DAY_S)
        for count, span in enumerate(full if keep or days else ()):
            left = len(full) - count - 1
            if span.end > before or left < keep or span.newest is None or span.newest > youngest:
                break
            first = span.end
        return first

    def _sync_watermark(self, now: float) -> None:
        try:
            self._watermark.sync()
        except OSError as error:
            raise LogFailed(f"syncing the watermark failed: {error}", field="log") from error
        self._synced = now
