"""The newest available rows, kept in order while items arrive, change and go.

A sorted pool of the best few thousand is enough: what falls below it is forgotten, and fetched again from the
columns when so many have gone that the pool runs low. So a change costs O(log pool), a refill once in many.
"""

from __future__ import annotations

import bisect

import numpy as np

from swerve.catalog.columns import Columns
from swerve.types import Rows


class Newest:
    """Rows by publishing time, newest first; equal times by lower row. One thread changes it, any may read."""

    def __init__(self, keep: int, columns: Columns) -> None:
        self._keep = keep
        self._columns = columns
        self._pool: list[tuple[float, int]] = []
        """(published, -row) ascending: exactly the best `len(pool)` available rows."""
        self._complete = True
        """The pool holds every available row."""
        self._changes = 0
        self._answer: tuple[int, int, Rows] = (-1, 0, np.empty(0, np.int32))

    def add(self, row: int, published: float) -> None:
        """A row that became available, or has another time (after `remove`)."""
        key = (published, -row)
        pool = self._pool
        if not self._complete and key < pool[0]:
            return
        if pool and key < pool[-1]:
            bisect.insort(pool, key)
        else:
            pool.append(key)
        if len(pool) > 4 * self._keep:
            self._pool = pool[-2 * self._keep :]
            self._complete = False
        self._changes += 1

    def remove(self, row: int, published: float, size: int) -> None:
        """A row that is no longer available (the columns say so already), with the time it was added with."""
        key = (published, -row)
        place = bisect.bisect_left(self._pool, key)
        if place == len(self._pool) or self._pool[place] != key:
            return
        del self._pool[place]
        if not self._complete and len(self._pool) < self._keep:
            self.refill(size)
        self._changes += 1

    def refill(self, size: int) -> None:
        """Read the pool anew from the columns of `size` rows: O(size)."""
        rows = self._best(2 * self._keep + 1, size).tolist()
        self._complete = len(rows) <= 2 * self._keep
        published = self._columns.published
        self._pool = [(float(published[row]), -row) for row in reversed(rows[: 2 * self._keep])]
        self._changes += 1

    def first(self, k: int, size: int) -> Rows:
        """The k newest rows, fewer when fewer are available. Shared between callers: read only."""
        changes, pool = self._changes, self._pool
        if self._answer[:2] == (changes, k):
            return self._answer[2]
        if k <= len(pool) or self._complete:
            rows = np.array([-key[1] for key in reversed(pool[max(len(pool) - k, 0) :])], np.int32)
        else:
            rows = self._best(k, size)
        rows.flags.writeable = False
        self._answer = (changes, k, rows)
        return rows

    def _best(self, k: int, size: int) -> Rows:
        rows = np.flatnonzero(self._columns.available[:size])
        times = self._columns.published[rows]
        if len(rows) > k:
            least = np.partition(times, len(rows) - k)[len(rows) - k]
            rows, times = rows[times >= least], times[times >= least]
        best: Rows = rows[np.lexsort((rows, -times))][:k].astype(np.int32)
        return best
