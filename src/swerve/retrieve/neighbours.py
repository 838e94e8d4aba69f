"""Nearest items by content, remembered per item while the index has hardly changed."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from swerve.catalog.vectors import Vectors
from swerve.protocols import VectorIndex
from swerve.types import Floats, Rows

REMEMBERED = 20_000
"""Items whose neighbours are kept (about 500 bytes each)."""


class Neighbours:
    """Answers `of(row)` from a bounded memory, else by searching the index."""

    def __init__(self, index: VectorIndex, vectors: Vectors, k: int) -> None:
        self._index = index
        self._vectors = vectors
        self._k = k
        self._known: OrderedDict[int, tuple[int, Rows, Floats]] = OrderedDict()
        self._lock = threading.Lock()
        self._changes = 0
        self._size = 0

    def update(self, rows: Rows, vectors: Floats) -> None:
        """Put new or changed vectors (n, dim) into the store and the index."""
        self._vectors.put(rows, vectors)
        self._index.update(rows, vectors)
        with self._lock:
            self._changes += len(rows)
            self._size = max(self._size, int(rows.max()) + 1 if len(rows) else 0)
            for row in rows.tolist():
                self._known.pop(row, None)

    @property
    def encoder(self) -> str:
        """Name of the encoder whose vectors these are."""
        return self._vectors.name

    def vectors_of(self, rows: Rows) -> Floats:
        """(n, dim) float32; zeros for items that say nothing."""
        return self._vectors.get(rows)

    def of(self, row: int) -> tuple[Rows, Floats]:
        """Up to k other rows and their cosines, most similar first; empty for an item that says nothing."""
        with self._lock:
            known = self._known.get(row)
            # An answer may miss what arrived since; it is renewed once 1/32 of the items are newer than it.
            if known is not None and self._changes - known[0] <= max(8, self._size // 32):
                self._known.move_to_end(row)
                return known[1], known[2]
            changes = self._changes
        rows, cosines = self._search(row)
        with self._lock:
            self._known[row] = (changes, rows, cosines)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return rows, cosines

    def _search(self, row: int) -> tuple[Rows, Floats]:
        vector = self._vectors.get(np.array([row], np.int32))
        if not vector.any():
            return np.empty(0, np.int32), np.empty(0, np.float32)
        rows, cosines = self._index.search(vector, self._k + 1)
        keep = (rows[0] >= 0) & (rows[0] != row) & (cosines[0] > 0)
        return rows[0][keep][: self._k], cosines[0][keep][: self._k]
