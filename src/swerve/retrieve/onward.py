"""Two steps on: what people went on to after what people went on to. Finds items no one has yet reached directly.

    s(c) = sum_j lag_decay^j * sum_{b in top(h_j)} (P(h_j, b) * P(b, c))^power,   P(a, b) = T[a, b] / (R[a] + smoothing)

Only the last few items and their strongest followers are walked from, and the walk from an item is remembered until
its own evidence has grown by a twentieth: the cost of a list stays bounded, and popular items are walked from rarely.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from swerve.counts.counters import Counters
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.merge import strongest
from swerve.retrieve.sums import Sums, raised
from swerve.types import Floats, Query, Rows

WALKS, REACH = 4_096, 256
"""Walks remembered, and items kept of each (2 KB)."""
GROWTH = 1.05
"""A walk is taken again when its item's total count has grown by this factor."""


class OnwardRetriever:
    """Second step of the walk over the population's transitions. Called under the lock that guards the counters."""

    name = "onward"

    def __init__(self, counters: Counters, config: RetrieveConfig) -> None:
        self._counters = counters
        self._config = config
        self._sums = Sums()
        self._walks: OrderedDict[int, tuple[int, Rows, Floats]] = OrderedDict()
        self._forgotten = 0

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """Items two steps from the last `onward_lags` items; see the module for the formula."""
        table = self._counters.transitions
        if self._forgotten != table.forgotten:
            self._walks.clear()  # a row may stand for another item now
            self._forgotten = table.forgotten
        floor = self._config.smoothing * self._counters.unit(query.time)
        rows = query.history[: self._config.onward_lags].tolist()
        walks = [self._walk(row, floor) for row in rows if row < table.rows]
        if not walks:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        columns = np.concatenate([columns for columns, _ in walks])
        decay = np.float32(self._config.lag_decay)
        return self._sums.add(columns, np.concatenate([s * decay**lag for lag, (_, s) in enumerate(walks)]), table.rows)

    def _walk(self, row: int, floor: float) -> tuple[Rows, Floats]:
        """The walk from one item, remembered."""
        total = int(self._counters.transitions.totals[row])
        known = self._walks.get(row)
        if known is not None and known[0] <= total <= known[0] * GROWTH:
            self._walks.move_to_end(row)
            return known[1], known[2]
        found = strongest(*self._two_steps(row, total + floor, floor), REACH)
        self._walks[row] = (total, *found)
        if len(self._walks) > WALKS:
            self._walks.popitem(last=False)
        return found

    def _two_steps(self, row: int, total: float, floor: float) -> tuple[Rows, Floats]:
        """Every item two steps from `row` through its strongest followers, and the sum of the formula over these."""
        table = self._counters.transitions
        columns, weights, _ = table.gather(np.array([row], np.int32))
        middle, counts = strongest(columns, weights.astype(np.float32), self._config.onward_width)
        columns, weights, lengths = table.gather(middle)
        if len(columns) == 0:
            return columns, np.empty(0, np.float32)
        scores = weights.astype(np.float32)
        scores *= np.repeat((counts / total / (table.totals[middle] + floor)).astype(np.float32), lengths)
        return self._sums.add(columns, raised(scores, self._config.power), table.rows)
