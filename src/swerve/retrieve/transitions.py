"""What others went on to after the items this user touched last.

Score of item b after history h_0 (most recent), h_1, …:

    s(b) = (1 + C_b)^-discount * sum_j lag_decay^j * (T[h_j, b] / (R[h_j] + smoothing))^power

T are decayed transition counts, R their row sums, C_b how often b was liked at all. With power 1 and discount 0 this
is the mixture of Markov chains of Raftery (1985); the square root is what made it rank better on every set tried
(dev/LOG.md). An item with hardly any counts of its own borrows the rows of its content neighbours.
"""

from __future__ import annotations

import numpy as np

from swerve.counts.counters import Counters
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.neighbours import Neighbours
from swerve.retrieve.sums import Sums
from swerve.types import Floats, Query, Rows

THIN = 2.0
"""Rows with fewer fresh counts than this borrow from their content neighbours."""
BORROWED = 5
"""How many neighbours a thin row borrows from."""


class TransitionRetriever:
    """Reads the population's transition counts for the tail of the user's history."""

    name = "transitions"

    def __init__(self, counters: Counters, neighbours: Neighbours | None, config: RetrieveConfig) -> None:
        self._counters = counters
        self._neighbours = neighbours
        self._config = config
        self._sums = Sums()

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """Followers of the last `lags` items; see the module for the formula."""
        config = self._config
        rows = query.history[: config.lags]
        shares: Floats = np.float32(config.lag_decay) ** np.arange(len(rows), dtype=np.float32)
        unit = self._counters.unit(query.time)
        if self._neighbours is not None:
            rows, shares = self._borrow(rows, shares, unit)
        table = self._counters.transitions
        columns, weights, lengths = table.gather(rows)
        if len(columns) == 0:
            return columns, np.empty(0, np.float32)
        totals = table.totals[rows[rows < table.rows]] if len(rows) else np.empty(0)
        scale = np.ones(len(rows), np.float32)
        scale[rows < table.rows] = 1.0 / (totals + config.smoothing * unit)
        scores = (weights * np.repeat(scale, lengths)) ** np.float32(config.power) * np.repeat(shares, lengths)
        found, summed = self._sums.add(columns, scores.astype(np.float32), table.rows)
        if config.discount:
            liked = self._counters.popularity.positives[found]
            summed = summed * (1.0 + liked).astype(np.float32) ** np.float32(-config.discount)
        return found, summed

    def _borrow(self, rows: Rows, shares: Floats, unit: float) -> tuple[Rows, Floats]:
        """Add the neighbours of items that have hardly any counts, weighted by similarity."""
        assert self._neighbours is not None
        totals = self._counters.transitions.totals
        thin = [i for i, row in enumerate(rows.tolist()) if row >= len(totals) or totals[row] < THIN * unit]
        parts, weights = [rows], [shares]
        for i in thin[:3]:
            near, cosines = self._neighbours.of(int(rows[i]))
            parts.append(near[:BORROWED])
            weights.append(shares[i] * cosines[:BORROWED] / BORROWED)
        return np.concatenate(parts), np.concatenate(weights).astype(np.float32)
