"""What is known of every row, as NumPy columns that grow by doubling. Knows no ids and no texts."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from swerve.types import Rows

Scalar = TypeVar("Scalar", bound=np.generic)
_FIRST = 1024


class Columns:
    """Columns of one length, at least as long as the rows in use.

    Growing replaces the arrays: who reads beside a writer takes the number of rows first and the array after it.
    """

    def __init__(self, topics: int) -> None:
        self.available: NDArray[np.bool_] = np.zeros(_FIRST, np.bool_)
        """(capacity,) whether the row may be recommended."""
        self.published: NDArray[np.float64] = np.zeros(_FIRST, np.float64)
        """(capacity,) Unix seconds."""
        self.topics: Rows = np.full((_FIRST, topics), -1, np.int32)
        """(capacity, topics) category codes, padded with -1."""
        self.generations: Rows = np.zeros(_FIRST, np.int32)
        """(capacity,) how often the row was freed."""

    def reserve(self, rows: int) -> None:
        """Make room for this many rows."""
        capacity = len(self.available)
        if rows <= capacity:
            return
        capacity = max(rows, 2 * capacity)
        self.available = _grown(self.available, capacity, 0)
        self.published = _grown(self.published, capacity, 0)
        self.topics = _grown(self.topics, capacity, -1)
        self.generations = _grown(self.generations, capacity, 0)

    def clear(self, row: int) -> None:
        """Forget everything about a row but how often it was freed."""
        self.available[row] = False
        self.published[row] = 0.0
        self.topics[row] = -1


def _grown(old: NDArray[Scalar], capacity: int, filler: int) -> NDArray[Scalar]:
    new = np.full((capacity, *old.shape[1:]), filler, old.dtype)
    new[: len(old)] = old
    return new
