"""Times of a user's events as the user model reads them: gaps in buckets, and hours over which memory fades."""

from __future__ import annotations

from typing import Any

import numpy as np

from swerve.model.config import GAPS
from swerve.types import History

Times = np.ndarray[tuple[int], np.dtype[np.float64]]

__all__ = ["History", "gap_buckets", "gaps_of", "log_gap"]


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
