"""What the blend reads of each candidate: one row per feature, all >= 0, none depending on other candidates."""

from __future__ import annotations

import numpy as np

from swerve.catalog.catalog import Catalog
from swerve.counts.counters import Counters
from swerve.counts.popularity import WINDOWS
from swerve.types import Candidates, Floats, Query

RETRIEVED = ("transitions", "onward", "own", "content", "preference")
"""Sources whose retrieval score is a feature as it is."""
FEATURES = (*RETRIEVED, *(f"popular_{window}" for window in WINDOWS), "fresh")
"""Names of the features, in order."""
BUCKETS = (0, 1, 2, 5)
"""Smallest history length of each set of weights."""


def bucket(history: int) -> int:
    """Index of the weights for a history of this many items."""
    return int(np.searchsorted(BUCKETS, history, side="right")) - 1


class Features:
    """Builds the feature matrix from candidates and the live counters."""

    def __init__(self, counters: Counters, catalog: Catalog, fresh_half_life_s: float) -> None:
        self._counters = counters
        self._catalog = catalog
        self._fresh_half_life_s = fresh_half_life_s

    def of(self, query: Query, candidates: Candidates) -> Floats:
        """(features, n) float32 in the order of FEATURES.

        Popularity enters as the square root of the share of its window, like the transitions (Hellinger scale).
        """
        values = np.zeros((len(FEATURES), len(candidates.rows)), np.float32)
        for name, column in zip(candidates.sources, candidates.columns, strict=True):
            if name in RETRIEVED:
                values[RETRIEVED.index(name)] = column
        np.sqrt(self._counters.popularity.shares(candidates.rows), out=values[len(RETRIEVED) : -1])
        ages = np.maximum(query.time - self._catalog.published[candidates.rows], 0.0)
        values[-1] = np.exp2(-ages / self._fresh_half_life_s)
        return values
