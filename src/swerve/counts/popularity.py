"""What is popular now: decayed counts of positive interactions per item over an hour, a day and a week."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from swerve.counts.decay import UNIT, Decay
from swerve.types import Floats, Rows

WINDOWS: dict[str, float] = {"1h": 3600.0, "1d": 86_400.0, "7d": 604_800.0}
"""Name and half-life in seconds of each window."""
KEPT = 512
"""How many of the most popular rows are remembered per window."""


class Popularity:
    """Columns by item row: one decayed count per window, and exact lifetime counts of liked and refused."""

    def __init__(self) -> None:
        self._decays = tuple(Decay(half_life_s) for half_life_s in WINDOWS.values())
        self._counts = np.zeros((len(WINDOWS), 0), np.int64)
        self._totals = np.zeros(len(WINDOWS), np.int64)
        self.positives = np.zeros(0, np.int64)
        """Interactions with gain > 0, ever (rows,)."""
        self.negatives = np.zeros(0, np.int64)
        """Interactions with gain < 0, ever (rows,)."""
        self._best: dict[str, tuple[int, Rows]] = {}
        self._changes = 0

    def ensure(self, rows: int) -> None:
        """Make room for item rows below `rows`."""
        have = len(self.positives)
        if rows > have:
            more = max(rows, have * 2, 256) - have
            self._counts = np.pad(self._counts, ((0, 0), (0, more)))
            self.positives = np.pad(self.positives, (0, more))
            self.negatives = np.pad(self.negatives, (0, more))

    def add(self, rows: Rows, times: NDArray[np.float64], gains: NDArray[np.float64]) -> None:
        """Count interactions (n,) in log order; only positive gains make an item popular."""
        np.add.at(self.negatives, rows[gains < 0], 1)
        liked = gains > 0
        rows, times, gains = rows[liked], times[liked], gains[liked]
        if len(rows) == 0:
            return
        np.add.at(self.positives, rows, 1)
        for window, decay in enumerate(self._decays):
            counts = self._counts[window]
            for start, stop, halvings, factors in decay.spans(times):
                if halvings:
                    np.right_shift(counts, halvings, out=counts)
                    self._totals[window] = counts.sum()
                units = np.rint(UNIT * gains[start:stop] * factors).astype(np.int64)
                np.add.at(counts, rows[start:stop], units)
                self._totals[window] += units.sum()
        self._changes += 1

    def shares(self, rows: Rows) -> Floats:
        """Each item's share of everything counted in each window: (windows, n) float32, 0 where nothing was."""
        counts = self._counts.take(rows, axis=1).astype(np.float32)  # several times as fast as [:, rows]
        return counts / np.maximum(self._totals, 1).astype(np.float32)[:, None]

    def best(self, window: str, k: int) -> Rows:
        """Up to k <= 512 rows with the highest count in a window, best first (ties: lower row).

        The order is remembered until counts have changed often enough to matter (1/64 of the items).
        """
        known = self._best.get(window)
        if known is None or self._changes - known[0] > len(self.positives) // 64:
            known = (self._changes, self._order(list(WINDOWS).index(window)))
            self._best[window] = known
        return known[1][:k]

    def _order(self, window: int) -> Rows:
        counts = self._counts[window]
        top = np.argpartition(-counts, KEPT)[:KEPT] if len(counts) > KEPT else np.arange(len(counts))
        top = top[np.lexsort((top, -counts[top]))]
        best: Rows = top[counts[top] > 0].astype(np.int32)
        return best

    def forget(self, rows: Rows) -> None:
        """Remove items altogether."""
        rows = rows[rows < len(self.positives)]
        self._totals -= self._counts[:, rows].sum(axis=1)
        self._counts[:, rows] = 0
        self.positives[rows] = self.negatives[rows] = 0
        self._best.clear()

    def dump(self) -> dict[str, bytes]:
        """Canonical bytes: columns up to the last item that ever counted."""
        used = np.flatnonzero(self.positives | self.negatives)
        last = int(used[-1]) + 1 if len(used) else 0
        return {
            "clocks": np.array([decay.clock for decay in self._decays]).tobytes(),
            "popular": self._counts[:, :last].tobytes(),
            "positives": self.positives[:last].tobytes(),
            "negatives": self.negatives[:last].tobytes(),
        }

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Replace the content by what `dump` gave."""
        for decay, clock in zip(self._decays, np.frombuffer(parts["clocks"]).tolist(), strict=True):
            decay.clock = clock
        self._counts = np.frombuffer(parts["popular"], np.int64).reshape(len(WINDOWS), -1).copy()
        self._totals = self._counts.sum(axis=1)
        self.positives = np.frombuffer(parts["positives"], np.int64).copy()
        self.negatives = np.frombuffer(parts["negatives"], np.int64).copy()
        self._best.clear()
