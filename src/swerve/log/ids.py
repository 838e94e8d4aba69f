"""Which event ids are taken, and at which offset: an index derived from the log, and rebuilt from it when damaged.

An id is a 64-bit digest; what is found is a hint that must be checked against the record itself, so two ids with one
digest are never mixed up. The newest ids live in a dict. When it is full it becomes a run (a sorted file over a
range of offsets); eight runs of one level are merged into one of the next, so a lookup asks few runs however many
ids there are, and an append writes nothing but its records (a B-tree of random ids would cost a page per event).
Runs that are missing, damaged or short of the head are made again from the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

import numpy as np

from swerve.errors import StorageFull
from swerve.log import runs
from swerve.log.files import storage_error
from swerve.log.runs import Run

RUN_IDS = 65_536
RUN_RECORDS = 4 * RUN_IDS
"""A run is also written after this many records, so that opening never has to read more than these."""
FAN = 8
Known: TypeAlias = Callable[[int, int], Iterable[tuple[str, int]]]
"""(start, stop) -> the event ids of those records, with their offsets."""


def keys_of(event_ids: Sequence[str]) -> list[int]:
    """The 64-bit digest of each id: the same in every process, hard to steer from outside."""
    joined = b"".join([blake2b(event_id.encode(), digest_size=8).digest() for event_id in event_ids])
    keys: list[int] = np.frombuffer(joined, "<u8").tolist()
    return keys


class Ids:
    """The index of one log directory. Used by one thread."""

    def __init__(self, folder: Path, window_s: float) -> None:
        self._folder, self._window_s = folder, window_s
        self._young: dict[int, int] = {}
        self._runs: list[Run] = []
        self._covered = 0
        self._head = 0

    def open(self, first: int, head: int, now: float, known: Known) -> list[str]:
        """Load the runs and make what is missing from the records first <= offset < head. Returns what was wrong."""
        notes = []
        self._covered = first
        loaded = [(path, runs.load(path)) for path in self._folder.glob("ids-*.run")]
        for path, run in sorted(loaded, key=lambda pair: (pair[1].first, -pair[1].end) if pair[1] else (0, 0)):
            if run is None:
                notes.append(f"{path.name} is damaged: made again from the records")
            if run is None or run.end <= self._covered or run.end > head:
                path.unlink()  # damaged, merged into another one, or of records that were cut off: derived anyway
                continue
            self._catch_up(run.first, now, known)
            self._write(now)
            self._runs.append(run)
            self._covered = run.end
        self._catch_up(head, now, known)
        return notes

    def find(self, keys: Sequence[int], now: float) -> dict[int, list[int]]:
        """Offsets, newest first, of records whose id may have one of these keys; keys that are free are absent."""
        young = self._young
        found = {key: [young[key]] for key in keys if key in young}
        alive = [run for run in reversed(self._runs) if run.newest >= now - self._window_s]
        if alive and keys:
            wanted = np.array(keys, "<u8")
            for run in alive:
                for key, offset in run.find(wanted):
                    found.setdefault(key, []).append(offset)
        return found

    def add(self, pairs: Iterable[tuple[int, int]], head: int) -> None:
        """Note the (key, offset) of each new record that has an id; `head` is the offset after the new records."""
        self._young.update(pairs)
        self._head = head

    def settle(self, now: float) -> None:
        """Write a run when the dict is full, merge runs when there are many. Raises LogFailed."""
        if len(self._young) < RUN_IDS and self._head - self._covered < RUN_RECORDS:
            return
        try:
            self._write(now)
            while len(tail := self._runs[-FAN:]) == FAN and tail[0].level == tail[-1].level:
                self._runs[-FAN:] = [runs.merge(tail)]
        except OSError as error:
            failure = storage_error(error, "writing the id index")
            if not isinstance(failure, StorageFull):
                raise failure from error  # on a full disk the dict goes on growing until there is room

    def drop(self, first: int) -> None:
        """Forget runs that lie wholly below `first`."""
        for run in [run for run in self._runs if run.end <= first]:
            run.path.unlink(missing_ok=True)
            self._runs.remove(run)

    def close(self) -> None:
        """Release the mapped files; safe to call twice."""
        self._runs, self._young = [], {}

    def _catch_up(self, stop: int, now: float, known: Known) -> None:
        """Read the ids of the records up to `stop`, leaving at most a run's worth in the dict."""
        start = self._covered
        while start < stop:
            end = min(start + RUN_RECORDS, stop)
            pairs = list(known(start, end))
            keys = keys_of([event_id for event_id, _ in pairs])
            self.add(zip(keys, [offset for _, offset in pairs], strict=True), end)
            self.settle(now)
            start = end
        self._head = max(stop, self._covered)

    def _write(self, now: float) -> None:
        if self._head <= self._covered:
            return
        count = len(self._young)
        pairs = (np.fromiter(self._young.keys(), "<u8", count), np.fromiter(self._young.values(), "<u8", count))
        span = (self._covered, self._head)
        self._runs.append(runs.write(runs.name_of(self._folder, *span), span, now, 0, pairs))
        self._young, self._covered = {}, self._head
