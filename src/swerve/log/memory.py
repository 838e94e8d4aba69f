"""The log without a disk: for tests, for trying things out, and for data that may be gone with the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from swerve.errors import LogFailed
from swerve.log.config import LogConfig
from swerve.log.dedupe import sort_out
from swerve.protocols import Clock
from swerve.types import Appended, Batch, Record


class MemoryLog:
    """An EventLog in a list. It grows with what is appended and says `memory` in every ack.

    `clock` is not read: event ids expire by the times in the records.
    """

    durability = "memory"
    report: Sequence[str] = ()
    """Nothing can be found wrong at opening."""

    def __init__(self, config: LogConfig, clock: Clock) -> None:
        self._window_s = config.dedupe_window_s
        self._records: list[Record] = []
        self._ids: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closed = False

    def append(self, batches: Sequence[Batch]) -> list[Appended]:
        """Take all batches as one group, in order; one answer a batch. Raises LogFailed once closed."""
        self.settle()
        with self._lock:
            answers = []
            for outcome in sort_out(batches, self._original):
                start = len(self._records)
                new = tuple(replace(record, offset=start + place) for place, record in enumerate(outcome.fresh))
                self._records.extend(new)
                answers.append(Appended(new, outcome.duplicates, outcome.conflicts))
                self._ids.update({name: record.offset for record in new if (name := record.event.event_id)})
            return answers

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Records with start <= offset < stop, in order."""
        end = self.head() if stop is None else min(stop, self.head())
        return (self._records[offset] for offset in range(max(start, 0), end))

    def head(self) -> int:
        """The offset the next new record will get."""
        return len(self._records)

    def first(self) -> int:
        """The first offset that is kept: everything is."""
        return 0

    def settle(self) -> None:
        """No housekeeping is due, ever. Raises LogFailed once closed."""
        if self._closed:
            raise LogFailed("the log is closed", field="log")

    def retain(self, before: int) -> int:
        """Nothing is dropped."""
        return 0

    def close(self) -> None:
        """Take nothing any more; safe to call twice."""
        self._closed = True

    def _original(self, record: Record) -> Record | None:
        offset = self._ids.get(record.event.event_id)
        before = None if offset is None else self._records[offset]
        return before if before is not None and record.received - before.received <= self._window_s else None
