"""Vectors of some rows, packed without gaps so that one multiplication goes over all, and the choice of the best.

Shared by the indexes; knows nothing of how they cut down what has to be multiplied.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swerve.errors import InvalidInput
from swerve.types import Floats, Rows

_FIRST = 1024
_EPSILON = float(np.finfo(np.float32).eps)
_AT_ONCE = 4096


class Packed:
    """(size, dim) vectors at places 0..size-1, in no order. Not for several threads at once."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.size = 0
        self.vectors: Floats = np.zeros((_FIRST, dim), np.float32)
        """(capacity, dim), of which the first `size` are in use."""
        self.rows: Rows = np.zeros(_FIRST, np.int32)
        """(capacity,) the row at each place."""
        self._places: Rows = np.full(_FIRST, -1, np.int32)
        """The place of each row, -1 = none."""

    def put(self, rows: Rows, vectors: Floats) -> NDArray[np.int64]:
        """Put vectors at distinct rows; the places where they now are."""
        self._know(int(rows.max()) + 1 if len(rows) else 0)
        places = self._places[rows].astype(np.int64)
        new = places < 0
        count = int(new.sum())
        self._reserve(self.size + count)
        places[new] = np.arange(self.size, self.size + count)
        self.size += count
        self._places[rows] = places
        self.rows[places] = rows
        self.vectors[places] = vectors
        return places

    def drop(self, row: int) -> tuple[int, int]:
        """Take a row out; the last place moves into its place: (from, to), or (-1, -1) when it was not there."""
        place = int(self._places[row]) if row < len(self._places) else -1
        if place < 0:
            return -1, -1
        last = self.size - 1
        self.vectors[place], self.rows[place] = self.vectors[last], self.rows[last]
        self._places[self.rows[place]] = place
        self._places[row] = -1
        self.size = last
        return last, place

    def best(self, query: Floats, k: int, at: NDArray[np.int64] | None = None) -> tuple[Rows, Floats]:
        """The k best rows for a query (dim,) among all places or those named; best first, ties by lower row.

        The score of a vector depends on it and the query alone, not on where it lies or what lies beside it.
        """
        vectors = self.vectors[: self.size] if at is None else self.vectors.take(at, axis=0)
        scores = vectors @ query
        if 0 < k < len(scores):
            # BLAS adds up in an order that depends on the place: keep whatever may belong to the best, then add again.
            error = 2.0 * self.dim * _EPSILON * float(np.sqrt(query @ query))
            near = np.flatnonzero(scores >= np.partition(scores, len(scores) - k)[len(scores) - k] - error)
            vectors, at = vectors[near], near if at is None else at[near]
        rows = self.rows[: self.size] if at is None else self.rows[at]
        exact = _products(vectors, query)
        order = np.lexsort((rows, -exact))[:k]
        return rows[order], exact[order]

    def _know(self, rows: int) -> None:
        if rows > len(self._places):
            grown = np.full(max(rows, 2 * len(self._places)), -1, np.int32)
            grown[: len(self._places)] = self._places
            self._places = grown

    def _reserve(self, size: int) -> None:
        if size > len(self.rows):
            capacity = max(size, 2 * len(self.rows))
            vectors, rows = np.empty((capacity, self.dim), np.float32), np.empty(capacity, np.int32)
            vectors[: self.size], rows[: self.size] = self.vectors[: self.size], self.rows[: self.size]
            self.vectors, self.rows = vectors, rows


def _products(vectors: Floats, query: Floats) -> Floats:
    wide = query.astype(np.float64)
    parts = [
        (vectors[start : start + _AT_ONCE].astype(np.float64) * wide).sum(axis=1)
        for start in range(0, len(vectors), _AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float32) if parts else np.empty(0, np.float32)


def checked_update(rows: Rows, vectors: Floats, dim: int) -> tuple[Rows, Floats]:
    """Distinct rows (n,) and their finite vectors (n, dim); of a row named twice the last. Raises InvalidInput."""
    rows, vectors = np.asarray(rows, np.int32), np.asarray(vectors, np.float32)
    if vectors.shape != (len(rows), dim):
        raise InvalidInput(f"expected one vector of {dim} numbers for each row", field="vectors")
    if len(rows) and rows.min() < 0:
        raise InvalidInput("expected rows >= 0", field="rows")
    if not np.isfinite(vectors).all():
        raise InvalidInput("expected finite numbers", field="vectors")
    distinct, last = np.unique(rows[::-1], return_index=True)
    if len(distinct) < len(rows):
        kept = np.sort(len(rows) - 1 - last)
        rows, vectors = rows[kept], vectors[kept]
    return rows, vectors


def checked_queries(queries: Floats, dim: int) -> Floats:
    """Finite queries (q, dim) as float32. Raises InvalidInput."""
    queries = np.asarray(queries, np.float32)
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise InvalidInput(f"expected queries of {dim} numbers", field="queries")
    if not np.isfinite(queries).all():
        raise InvalidInput("expected finite numbers", field="queries")
    return queries


def answers(count: int, k: int) -> tuple[Rows, Floats]:
    """Room for `count` answers of k rows and scores, all of them none: row -1, score -inf."""
    if k < 0:
        raise InvalidInput("expected k >= 0", field="k")
    return np.full((count, k), -1, np.int32), np.full((count, k), -np.inf, np.float32)
