"""All segments of an open log as one sequence of rows: found by offset, sealed in the background, dropped in front.

Changed by the writing thread only; `first` and `rows` may be called from any.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from swerve.errors import LogDamaged
from swerve.log import reader, segment
from swerve.log.active import ActiveSegment
from swerve.log.codec import Row, decode_stub

_OPEN_FILES = 8


class Span(NamedTuple):
    """A full segment: the records base <= offset < end."""

    base: int
    end: int
    newest: float | None
    """When its last record was received; None until it is sealed."""


class Segments:
    """The full segments of a log directory, oldest first, and the live one behind them."""

    def __init__(self, folder: Path, live: ActiveSegment, report: Callable[[str], None]) -> None:
        self.live = live
        self.full: tuple[Span, ...] = ()
        self._folder, self._report = folder, report
        self._readers: dict[int, sqlite3.Connection] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def first(self) -> int:
        """The first offset that is kept."""
        full = self.full
        return full[0].base if full else self.live.base

    def rows(self, start: int, stop: int) -> Iterator[list[Row]]:
        """Verified rows start <= offset < stop in chunks; what was dropped meanwhile is left out. Raises LogDamaged."""
        while (start := max(start, self.first())) < stop:
            live = self.live.base  # read first: a roll adds the old live segment to the full ones before it moves on
            span = next((span for span in self.full if span.end > start), None)
            base, end = (span.base, min(span.end, stop)) if span else (live, stop)
            try:
                yield from reader.rows(segment.path_of(self._folder, base), start, end, still=span is not None)
            except LogDamaged:
                if end > self.first():  # else it was dropped before it could be opened
                    raise
            start = end

    def fetch(self, offset: int) -> Row | None:
        """One row; None when it was dropped. For the writing thread. Raises LogDamaged."""
        if offset < self.first():
            return None
        base = next((span.base for span in self.full if offset < span.end), self.live.base)
        path = segment.path_of(self._folder, base)
        try:
            if base == self.live.base:
                return self.live.fetch(offset)
            row: Row | None = self._reader(base).execute(segment.SELECT, (offset, offset + 1)).fetchone()
        except sqlite3.Error as error:
            raise reader.damaged(path, offset, offset, str(error)) from error
        return row

    def roll(self, fresh: ActiveSegment, own: int) -> None:
        """Write to `fresh` from now on and seal the segment before it."""
        full = self.live
        self.add(Span(full.base, fresh.base, None))
        self.live = fresh
        full.close()
        self.seal(full.base, fresh.base, own)

    def add(self, span: Span) -> None:
        """Take in one more full segment."""
        with self._lock:
            self.full = (*self.full, span)

    def seal(self, base: int, end: int, own: int | None) -> None:
        """Seal a full segment in a thread of its own: reading a whole file must not hold up commits."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._seal, args=(base, end, own), name=f"seal-{base}")
        self._threads.append(thread)
        thread.start()

    def drop(self, first: int) -> int:
        """Remove the full segments that end at or before `first`, and count them. Raises OSError."""
        with self._lock:
            gone = [span for span in self.full if span.end <= first]
            self.full = self.full[len(gone) :]
        for span in gone:
            if kept := self._readers.pop(span.base, None):
                kept.close()
            segment.remove(segment.path_of(self._folder, span.base))
        return len(gone)

    def close(self, *, failed: bool) -> None:
        """Wait for seals under way and release files; safe to call twice."""
        for thread in self._threads:
            thread.join()
        while self._readers:
            self._readers.popitem()[1].close()
        self.live.close(failed=failed)

    def _reader(self, base: int) -> sqlite3.Connection:
        kept = self._readers.pop(base, None) or segment.open_reader(segment.path_of(self._folder, base), still=True)
        if len(self._readers) >= _OPEN_FILES:
            self._readers.pop(next(iter(self._readers))).close()
        self._readers[base] = kept
        return kept

    def _seal(self, base: int, end: int, own: int | None) -> None:
        path = segment.path_of(self._folder, base)
        try:
            newest = _newest(path)
            segment.write_seal(path, end, own, newest)
        except (OSError, sqlite3.Error) as error:
            # Opening verifies an unsealed segment record by record, so this costs time, not safety.
            self._report(f"{path.name} could not be sealed: {error}")
            return
        with self._lock:
            self.full = tuple(span._replace(newest=newest) if span.base == base else span for span in self.full)


def _newest(path: Path) -> float:
    """When the last record of a full segment was received; 0 when only tombstones are left."""
    query = "SELECT payload FROM records WHERE length(payload) > 0 ORDER BY offset DESC LIMIT 1"
    with closing(segment.open_reader(path, still=True)) as connection:
        row = connection.execute(query).fetchone()
    return decode_stub(row[0]).received if row else 0.0
