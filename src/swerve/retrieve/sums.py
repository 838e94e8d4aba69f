"""Sums of scores by item row, without sorting: one zeroed scratch column per thread."""

from __future__ import annotations

import threading

import numpy as np

from swerve.types import Floats, Rows


class Sums(threading.local):
    """Scratch arrays as long as the catalog; every call leaves them zeroed."""

    def __init__(self) -> None:
        self._total = np.zeros(0, np.float32)
        self._mark = np.zeros(0, np.int32)

    def add(self, rows: Rows, scores: Floats, size: int) -> tuple[Rows, Floats]:
        """Distinct rows (m,) and the sum of `scores` over each, (m,) float32; every row is below `size`."""
        if len(self._total) < size:
            self._total = np.zeros(size, np.float32)
            self._mark = np.zeros(size, np.int32)
        order = np.arange(len(rows), dtype=np.int32)
        self._mark[rows] = order  # the last writer of each row stands for it
        distinct = rows[self._mark[rows] == order]
        np.add.at(self._total, rows, scores)
        sums = self._total[distinct]
        self._total[distinct] = 0.0
        return distinct, sums
