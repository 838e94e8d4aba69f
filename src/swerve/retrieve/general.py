"""Candidates for anybody: what is popular now, and what is new. What a user without a history gets."""

from __future__ import annotations

import numpy as np

from swerve.catalog.catalog import Catalog
from swerve.counts.counters import Counters
from swerve.counts.popularity import WINDOWS
from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.merge import distinct
from swerve.types import Floats, Query, Rows


class PopularRetriever:
    """The most popular items of the last hour, day and week."""

    name = "popular"

    def __init__(self, counters: Counters, config: RetrieveConfig) -> None:
        self._counters = counters
        self._config = config

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """Union of the windows; the score is the largest share of any window."""
        popularity = self._counters.popularity
        rows = distinct(np.concatenate([popularity.best(window, self._config.popular) for window in WINDOWS]))
        return rows, popularity.shares(rows).max(axis=0, initial=0.0)


class FreshRetriever:
    """The newest items of the catalog."""

    name = "fresh"

    def __init__(self, catalog: Catalog, config: RetrieveConfig) -> None:
        self._catalog = catalog
        self._config = config

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """The newest available items, scored 2^(-age / fresh_half_life_s)."""
        rows = self._catalog.newest(self._config.fresh)
        ages = np.maximum(query.time - self._catalog.published[rows], 0.0)
        return rows, np.exp2(-ages / self._config.fresh_half_life_s).astype(np.float32)
