"""A tiny population whose every count can be checked by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from swerve.counts.config import CountsConfig
from swerve.counts.counters import Counters, Move
from swerve.types import Query, Touch, UserState

NOW = 1_700_000_000.0


def population(paths: Sequence[Sequence[int]], window: int = 3, reverse: float = 0.0) -> Counters:
    """Counters of users who went along these paths of item rows, all at NOW."""
    counters = Counters(CountsConfig(window=window, reverse=reverse))
    counters.ensure(64)
    for path in paths:
        for place, row in enumerate(path):
            before = tuple(path[max(0, place - window) : place][::-1])
            counters.add([Move(row, NOW, 1.0, before)])
    return counters


def query(history: Sequence[int], k: int = 100, n: int = 10) -> Query:
    """A query of somebody with this history of rows, most recent first."""
    touches = tuple(Touch(f"i{row}", "view", 1.0, NOW, at) for at, row in enumerate(reversed(history)))
    return Query(
        state=UserState(offset=len(history) - 1, touches=touches),
        time=NOW,
        n=n,
        k=k,
        history=np.array(history, np.int32),
        ages=np.zeros(len(history), np.float32),
    )
