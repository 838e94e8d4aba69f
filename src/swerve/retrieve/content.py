"""Items that are like the last ones touched, by their vectors: finds items nobody has acted on yet."""

from __future__ import annotations

import numpy as np

from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.neighbours import Neighbours
from swerve.retrieve.sums import Sums
from swerve.types import Floats, Query, Rows


class ContentRetriever:
    """Content neighbours of the recent tail."""

    name = "content"

    def __init__(self, neighbours: Neighbours, config: RetrieveConfig) -> None:
        self._neighbours = neighbours
        self._config = config
        self._sums = Sums()

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """Neighbours of the last `content_lags` items; cosines add up, weighted by lag_decay^j."""
        parts = [self._neighbours.of(row) for row in query.history[: self._config.content_lags].tolist()]
        if not parts:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        rows = np.concatenate([rows for rows, _ in parts])
        scores = [cosines * self._config.lag_decay**lag for lag, (_, cosines) in enumerate(parts)]
        if len(rows) == 0:
            return rows, np.empty(0, np.float32)
        return self._sums.add(rows, np.concatenate(scores).astype(np.float32), int(rows.max()) + 1)
