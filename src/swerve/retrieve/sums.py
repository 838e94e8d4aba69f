"""Sums of scores by item row, without sorting: one zeroed scratch column per thread."""

from __future__ import annotations

import threading

import numpy as np

from swerve.types import Floats, Rows

DENSE, DENSE_EACH = 2_000, 2
"""Up to so many items, and so many more for each score, one pass over a column as long as the catalog is faster than
keeping a scratch column clean (measured: 150 us against 15 us for 500 scores of 50,000 items)."""


def raised(values: Floats, power: float) -> Floats:
    """values^power, in place where that is cheap; the square root is the usual case and four times as fast."""
    if power == 0.5:
        return np.sqrt(values, out=values)
    return values if power == 1.0 else values ** np.float32(power)


class Sums(threading.local):
    """Scratch arrays as long as the catalog; every call leaves them zeroed."""

    def __init__(self) -> None:
        self._total = np.zeros(0, np.float32)
        self._mark = np.zeros(0, np.int32)

    def add(self, rows: Rows, scores: Floats, size: int) -> tuple[Rows, Floats]:
        """Distinct rows (m,) and the sum of `scores` (> 0) over each, (m,) float32; every row is below `size`."""
        if size <= DENSE + DENSE_EACH * len(rows):
            total = np.bincount(rows, weights=scores, minlength=size)
            nonzero = np.flatnonzero(total)
            return nonzero.astype(np.int32), total[nonzero].astype(np.float32)
        if len(self._total) < size:
            self._total = np.zeros(size, np.float32)
            self._mark = np.zeros(size, np.int32)
        order = np.arange(len(rows), dtype=np.int32)
        self._mark[rows] = order  # the last writer of each row stands for it
        distinct: Rows = rows.compress(self._mark.take(rows) == order)
        np.add.at(self._total, rows, scores)
        sums = self._total.take(distinct)
        self._total[distinct] = 0.0
        return distinct, sums
