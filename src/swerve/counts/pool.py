"""Many small hash tables in one pool of arrays: sparse integer rows that are updated thousands of entries at a time.

Row `a` owns a run of the pool, a power of two long, and keeps its entries there by open addressing (linear probing,
at most 3/4 full). All rows are probed together, so adding n pairs costs a few passes over n numbers however long
the rows are. Rows that outgrow their run move to the pool's end; the pool is compacted when it is full.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swerve.types import Rows

Ints = NDArray[np.int64]
FREE = -1
"""Column of a slot that holds nothing."""
KNUTH = 2654435769
"""Multiplicative hash (Knuth, TAOCP 3, 6.4): 2^32 / golden ratio."""


def ragged(starts: Ints, lengths: Ints) -> Ints:
    """Indices start, start + 1, … of every (start, length) run, one after the other: (sum of lengths,) int64."""
    if len(starts) == 1:
        return np.arange(starts[0], starts[0] + lengths[0])
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - ends + lengths, lengths) + np.arange(total)


def room_for(lengths: Ints) -> Ints:
    """Slots for rows of these lengths: a power of two that leaves them at most 3/4 full."""
    rooms: Ints = 1 << np.ceil(np.log2(lengths * 4 / 3 + 1)).astype(np.int64)
    return rooms


class Pool:
    """The tables: for each (row, column) two int32 values, `weights` and `hits`."""

    def __init__(self) -> None:
        self.start = np.zeros(0, np.int64)
        self.room = np.zeros(0, np.int64)
        """Slots of each row: 0 or a power of two."""
        self.length = np.zeros(0, np.int64)
        """Entries of each row."""
        self.columns = np.full(1024, FREE, np.int32)
        self.weights = np.zeros(1024, np.int32)
        self.hits = np.zeros(1024, np.int32)
        self._used = 0

    def ensure(self, rows: int) -> None:
        """Make room for rows below `rows`."""
        if rows > len(self.start):
            more = max(rows, len(self.start) * 2, 256) - len(self.start)
            self.start, self.room, self.length = (np.pad(a, (0, more)) for a in (self.start, self.room, self.length))

    def find(self, rows: Ints, columns: Rows) -> Ints:
        """Slot of each (row, column), or -1: (n,) int64."""
        slots = np.full(len(rows), -1, np.int64)
        start, mask = self.start[rows], self.room[rows] - 1
        probe = (columns.astype(np.int64) * KNUTH >> 8) & mask
        open_ = np.flatnonzero(mask >= 0)
        while len(open_):
            at = start[open_] + probe[open_]
            held = self.columns[at]
            same = held == columns[open_]
            slots[open_[same]] = at[same]
            open_ = open_[(held != FREE) & ~same]
            probe[open_] = (probe[open_] + 1) & mask[open_]
        return slots

    def slot(self, row: int, column: int) -> tuple[int, bool]:
        """Slot of one (row, column) and whether it is there; else the free slot it would take (-1 in an empty row)."""
        start, mask = int(self.start[row]), int(self.room[row]) - 1
        if mask < 0:
            return -1, False
        at = start + ((column * KNUTH >> 8) & mask)
        while (held := self.columns[at]) != column:
            if held == FREE:
                return at, False
            at = start + ((at - start + 1) & mask)
        return at, True

    def insert_one(self, row: int, column: int, slot: int) -> int:
        """Put a pair that `slot` did not find where it said, or elsewhere if the row is full; its slot, zeroed."""
        length = int(self.length[row]) + 1
        if length * 4 > int(self.room[row]) * 3:
            self._grow(np.array([row]), np.array([length]))
            slot, _ = self.slot(row, column)
        self.length[row] = length
        self.columns[slot] = column
        self.weights[slot] = self.hits[slot] = 0
        return slot

    def insert(self, rows: Ints, columns: Rows) -> Ints:
        """Slots for distinct (row, column) pairs that are not there yet; `rows` sorted. Their values are unset."""
        if len(rows) == 0:
            return np.empty(0, np.int64)
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        owners, counts = rows[first], np.diff(np.append(first, len(rows)))
        self._grow(owners, self.length[owners] + counts)
        self.length[owners] += counts
        return self._place(rows, columns)

    def _place(self, rows: Ints, columns: Rows) -> Ints:
        """Claim a free slot for each pair. Several may try one slot: the last written has it, the others go on."""
        slots = np.empty(len(rows), np.int64)
        start, mask = self.start[rows], self.room[rows] - 1
        probe = (columns.astype(np.int64) * KNUTH >> 8) & mask
        open_ = np.arange(len(rows))
        while len(open_):
            at = start[open_] + probe[open_]
            free = self.columns[at] == FREE
            self.columns[at[free]] = columns[open_[free]]
            placed = free & (self.columns[at] == columns[open_])
            slots[open_[placed]] = at[placed]
            open_ = open_[~placed]
            probe[open_] = (probe[open_] + 1) & mask[open_]
        return slots

    def _grow(self, rows: Ints, lengths: Ints) -> None:
        """Move rows that would be more than 3/4 full to runs of at least 4/3 of `lengths`."""
        tight = lengths * 4 > self.room[rows] * 3
        if tight.any():
            rows, lengths = rows[tight], lengths[tight]
            self.rebuild(rows, self.entries(rows), room_for(lengths))

    def entries(self, rows: Ints) -> tuple[Ints, Ints]:
        """(owner, slot) of every entry of these rows, in row order: (m,), (m,)."""
        at = ragged(self.start[rows], self.room[rows])
        held = self.columns[at] != FREE
        return np.repeat(rows, self.room[rows])[held], at[held]

    def rebuild(self, rows: Ints, entries: tuple[Ints, Ints], rooms: Ints) -> None:
        """Give rows new runs of `rooms` slots and put these entries there; whatever else they held is gone."""
        owners, old = entries
        columns, weights, hits = self.columns[old], self.weights[old], self.hits[old]
        self.columns[ragged(self.start[rows], self.room[rows])] = FREE
        self.room[rows] = 0
        self._reserve(int(rooms.sum()))
        self.start[rows] = self._used + np.cumsum(rooms) - rooms
        self.room[rows] = rooms
        self._used += int(rooms.sum())
        self.length[rows] = np.bincount(np.searchsorted(rows, owners), minlength=len(rows))
        slots = self._place(owners, columns)
        self.weights[slots], self.hits[slots] = weights, hits

    def _reserve(self, need: int) -> None:
        """Make `need` free slots at the pool's end: close the gaps, then grow if that was not enough."""
        if self._used + need <= len(self.columns):
            return
        live = np.flatnonzero(self.room)
        used = int(self.room[live].sum())
        size = len(self.columns)
        while size < (used + need) * 1.2:
            size = size * 3 // 2
        old = ragged(self.start[live], self.room[live])
        for name, empty in (("columns", FREE), ("weights", 0), ("hits", 0)):
            values = np.full(size, empty, np.int32)
            values[:used] = getattr(self, name)[old]
            setattr(self, name, values)
        self.start[live] = np.cumsum(self.room[live]) - self.room[live]
        self._used = used
