"""The index that multiplies with every vector: nothing is missed, and the others are measured against it."""

from __future__ import annotations

import threading

from swerve.retrieve.packed import Packed, answers, checked_queries, checked_update
from swerve.types import Floats, Rows


class ExactIndex:
    """Exact search by inner product; deterministic, ties by lower row. Threads may share it."""

    def __init__(self, dim: int) -> None:
        self._packed = Packed(dim)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Rows that can be found."""
        return self._packed.size

    def update(self, rows: Rows, vectors: Floats) -> None:
        """Put vectors (n, dim) at rows (n,); a zero vector removes a row. Raises InvalidInput, changing nothing."""
        rows, vectors = checked_update(rows, vectors, self._packed.dim)
        full = vectors.any(axis=1)
        with self._lock:
            self._packed.put(rows[full], vectors[full])
            for row in rows[~full].tolist():
                self._packed.drop(row)

    def search(self, queries: Floats, k: int) -> tuple[Rows, Floats]:
        """The k best rows and inner products for queries (q, dim): (q, k) each, best first; none: -1 and -inf.

        Raises InvalidInput for queries of another shape or with numbers that are not finite.
        """
        queries = checked_queries(queries, self._packed.dim)
        rows, scores = answers(len(queries), k)
        for place, query in enumerate(queries):
            with self._lock:
                best, products = self._packed.best(query, k)
            rows[place, : len(best)], scores[place, : len(best)] = best, products
        return rows, scores
