"""The user's own earlier items: people go back to what they looked at, more than any model of others can tell."""

from __future__ import annotations

import numpy as np

from swerve.retrieve.config import RetrieveConfig
from swerve.types import Floats, Query, Rows


class OwnHistory:
    """Repeat prior: each own item scores by how recently it was last touched."""

    name = "own"

    def __init__(self, config: RetrieveConfig) -> None:
        self._config = config

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """Distinct items of the history; the j-th touch back scores repeat_decay^j, touches of one item add up."""
        if not self._config.repeat or len(query.history) == 0:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        scores = np.float32(self._config.repeat_decay) ** np.arange(len(query.history), dtype=np.float32)
        scores[0] *= self._config.repeat_last
        rows, inverse = np.unique(query.history, return_inverse=True)
        return rows.astype(np.int32), np.bincount(inverse, weights=scores).astype(np.float32)
