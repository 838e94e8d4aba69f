"""Two steps on: what people went on to after what people went on to. Finds items no one has yet reached directly.

    s(c) = sum_j lag_decay^j * sum_{b in top(h_j)} (P(h_j, b) * P(b, c))^power,   P(a, b) = T[a, b] / (R[a] + smoothing)

Only the last few items and their strongest followers are walked from, so the cost stays bounded.
"""

from __future__ import annotations

import numpy as np

from swerve.counts.counters import Counters
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.merge import strongest
from swerve.retrieve.sums import Sums, raised
from swerve.types import Floats, Query, Rows


class OnwardRetriever:
    """Second step of the walk over the population's transitions."""

    name = "onward"

    def __init__(self, counters: Counters, config: RetrieveConfig) -> None:
        self._counters = counters
        self._config = config
        self._sums = Sums()

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """Items two steps from the last `onward_lags` items; see the module for the formula."""
        table = self._counters.transitions
        floor = self._config.smoothing * self._counters.unit(query.time)
        middle, reach = self._first_step(query, floor)
        columns, weights, lengths = table.gather(middle)
        if len(columns) == 0:
            return columns, np.empty(0, np.float32)
        scores = weights.astype(np.float32)
        scores *= np.repeat((reach / (table.totals[middle] + floor)).astype(np.float32), lengths)
        return self._sums.add(columns, raised(scores, self._config.power), table.rows)

    def _first_step(self, query: Query, floor: float) -> tuple[Rows, Floats]:
        """The strongest followers of the last items and the probability of reaching each: (m,), (m,)."""
        table = self._counters.transitions
        rows, reach = [np.empty(0, np.int32)], [np.empty(0, np.float32)]
        for lag, row in enumerate(query.history[: self._config.onward_lags].tolist()):
            columns, weights, _ = table.gather(np.array([row], np.int32))
            if len(columns) == 0:
                continue
            best, counts = strongest(columns, weights.astype(np.float32), self._config.onward_width)
            rows.append(best)
            share = self._config.lag_decay ** (lag / self._config.power)  # inside the power of `retrieve`
            reach.append(counts * np.float32(share / (table.totals[row] + floor)))
        return np.concatenate(rows), np.concatenate(reach)
