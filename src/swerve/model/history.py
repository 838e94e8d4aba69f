"""What the user model reads: a user's events as columns, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from swerve.model.config import GAPS

Ints = np.ndarray[tuple[int], np.dtype[np.int32]]
Times = np.ndarray[tuple[int], np.dtype[np.float64]]


class History:
    """Events of one user as columns of one length, oldest first. Immutable by convention."""

    __slots__ = ("actions", "items", "times")

    def __init__(self, items: Ints, actions: Ints, times: Times) -> None:
        """`items` and `actions`: rows of the model's own tables, 0 = unknown. `times`: Unix seconds, 0 = not known."""
        if not len(items) == len(actions) == len(times):
            raise ValueError("columns of one history must have one length")
        self.items = items
        self.actions = actions
        self.times = times

    def __len__(self) -> int:
        return len(self.items)

    def last(self, n: int) -> History:
        """The newest n events."""
        start = max(len(self) - n, 0)
        return History(self.items[start:], self.actions[start:], self.times[start:])

    def upto(self, n: int) -> History:
        """The oldest n events."""
        return History(self.items[:n], self.actions[:n], self.times[:n])

    @classmethod
    def of(cls, items: Sequence[int], actions: Sequence[int] = (), times: Sequence[float] = ()) -> History:
        """From plain lists; what is left out is unknown."""
        n = len(items)
        return cls(
            np.array(items, np.int32).reshape(n),
            np.array(actions if len(actions) else [0] * n, np.int32),
            np.array(times if len(times) else [0.0] * n, np.float64),
        )


def gap_buckets(seconds: Any) -> Any:
    """Bucket of a time between events, shape kept, int64: 0 = none or not known, else 1 + floor(log2(seconds)).

    Capped at GAPS - 1. Equal for NumPy scalars and arrays; negative gaps (a clock that went back) count as none.
    """
    whole = np.maximum(np.asarray(seconds, np.float64), 0.0)
    # frexp's exponent is floor(log2(x)) + 1, exactly, also at powers of two where log2 may round.
    return np.where(whole >= 1.0, np.minimum(np.frexp(whole)[1], GAPS - 1), 0).astype(np.int64)


def gaps_of(times: Times) -> Times:
    """Seconds since the event before, (n,) float64; 0 for the first and wherever one of the two is not known."""
    gaps = np.zeros(len(times), np.float64)
    if len(times) > 1:
        known = (times[1:] > 0) & (times[:-1] > 0)
        gaps[1:] = np.where(known, np.maximum(times[1:] - times[:-1], 0.0), 0.0)
    return gaps


def log_gap(seconds: Any) -> Any:
    """ln(1 + hours), float32: the scale on which memory decays with time."""
    return np.log1p(np.maximum(np.asarray(seconds, np.float64), 0.0) / 3600.0).astype(np.float32)
