"""Which row stands for which item id, and when the row of a deleted item may stand for another.

Histories name items by id, but counters, vectors and candidates on their way name rows. A freed row therefore waits:
until `reuse_after` more item events have been applied (a count from the log, so every replay decides alike), or until
somebody who knows better calls `release`. Knows nothing else about items.
"""

from __future__ import annotations

from collections import deque

import msgspec


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A freed row that may not be used again yet."""

    row: int
    offset: int
    """Of the record that deleted its item."""
    due: int
    """Number of item events after which it is free."""


class Naming:
    """Ids <-> rows. The row of an id never changes while the item exists."""

    def __init__(self, max_rows: int, reuse_after: int, remember_deleted: int) -> None:
        self._max_rows = max_rows
        self._reuse_after = reuse_after
        self._remember_deleted = remember_deleted
        self.ids: list[str] = []
        """Id of each row; "" = the row is free."""
        self.rows: dict[str, int] = {}
        self.waiting: deque[Waiting] = deque()
        """Freed rows in the order they were freed."""
        self.free: deque[int] = deque()
        """Rows that may be used at once."""
        self.deleted: dict[str, None] = {}
        """Ids deleted and not announced again, oldest first."""
        self.applied = 0
        """Item events so far: the clock of the waiting rows."""

    def take(self, item_id: str) -> int:
        """A row for a new id; -1 when all are in use or waiting."""
        if not self.free and self.waiting and self.waiting[0].due <= self.applied:
            self.free.append(self.waiting.popleft().row)
        if self.free:
            row = self.free.popleft()
            self.ids[row] = item_id
        elif (row := len(self.ids)) < self._max_rows:
            self.ids.append(item_id)
        else:
            return -1
        self.rows[item_id] = row
        self.deleted.pop(item_id, None)
        return row

    def drop(self, item_id: str, offset: int) -> int:
        """Free the row of an id and remember that the item was deleted; -1 when it had none."""
        if self._remember_deleted:
            self.deleted.pop(item_id, None)
            self.deleted[item_id] = None
            if len(self.deleted) > self._remember_deleted:
                del self.deleted[next(iter(self.deleted))]
        row = self.rows.pop(item_id, -1)
        if row >= 0:
            self.ids[row] = ""
            self.waiting.append(Waiting(row, offset, self.applied + self._reuse_after))
        return row

    def release(self, before_offset: int) -> None:
        """Rows whose item was deleted before this offset may be used again at once."""
        while self.waiting and self.waiting[0].offset < before_offset:
            self.free.append(self.waiting.popleft().row)
