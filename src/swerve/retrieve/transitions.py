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
from swerve.counts.pool import Ints
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.neighbours import Neighbours
from swerve.retrieve.sums import Sums, raised
from swerve.types import Floats, Query, Rows

THIN = 2.0
"""Rows with fewer fresh counts than this borrow from their content neighbours."""
LIKED = 65_536
"""Items liked more often than this are discounted like this: powers are read from a table, which is much faster."""
BORROWERS = 1
"""How many thin rows of one history borrow, the latest first: each may cost a vector search."""
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
        self._discounts = np.arange(1, LIKED + 1, dtype=np.float32) ** np.float32(-config.discount)

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """Followers of the last `lags` items; see the module for the formula."""
        config = self._config
        rows = query.history[: config.lags]
        shares: Floats = np.float32(config.lag_decay) ** np.arange(len(rows), dtype=np.float32)
        unit = self._counters.unit(query.time)
        table = self._counters.transitions
        if self._neighbours is not None:
            rows, shares = _borrow(rows, shares, table.totals, THIN * unit, self._neighbours)
        known = rows < table.rows
        rows, shares = rows[known], shares[known]
        columns, weights, lengths = table.gather(rows)
        if len(columns) == 0:
            return columns, np.empty(0, np.float32)
        floor = config.smoothing * unit
        # (share * P^power) is computed as (share^(1/power) * P)^power: one multiplication per entry instead of two.
        factors = shares ** (1.0 / config.power) / (table.totals[rows] + floor)
        scores = weights.astype(np.float32)
        scores *= np.repeat(factors.astype(np.float32), lengths)
        found, summed = self._sums.add(columns, raised(scores, config.power), table.rows)
        if config.discount:
            summed *= self._discounts.take(self._counters.popularity.positives.take(found), mode="clip")
        return found, summed


def _borrow(rows: Rows, shares: Floats, totals: Ints, thin: float, neighbours: Neighbours) -> tuple[Rows, Floats]:
    """Add the content neighbours of items whose total count is below `thin`, weighted by similarity."""
    parts, weights = [rows], [shares]
    needy = [i for i, row in enumerate(rows.tolist()) if row >= len(totals) or totals[row] < thin]
    for i in needy[:BORROWERS]:
        near, cosines = neighbours.of(int(rows[i]))
        parts.append(near[:BORROWED])
        weights.append(shares[i] * cosines[:BORROWED] / BORROWED)
    return np.concatenate(parts), np.concatenate(weights).astype(np.float32)
