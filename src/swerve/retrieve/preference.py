"""What the user model would have the user go on to: the items whose embeddings fit the preference best."""

from __future__ import annotations

import numpy as np

from swerve.catalog.catalog import Catalog
from swerve.model.memory import Memory
from swerve.retrieve.merge import strongest
from swerve.types import Floats, Query, Rows

NOTHING = np.empty(0, np.int32), np.empty(0, np.float32)


class PreferenceRetriever:
    """Scores by lift: ln(p / chance), p being the model's probability (softmax over all its items), chance 1 / items.

    So a score says the same whatever the version, and 0 is where the model says nothing: fewer than 1 in `items`.
    Reads no counters, so it may be asked without their lock.
    """

    name = "preference"

    def __init__(self, memory: Memory | None, catalog: Catalog) -> None:
        """`memory`: of the version that serves; None as long as there is none."""
        self._memory = memory
        self._catalog = catalog

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        """The k items of the greatest lift above chance; nothing for a user of whom the model could read nothing."""
        memory = self._memory
        if memory is None:
            return NOTHING
        user = memory.of(query.state.touches)
        if not user.events:
            return NOTHING
        lifts = lift(memory.model.table @ memory.model.preference(user.state, query.time) + memory.model.bias)
        rows = np.flatnonzero(lifts > 0).astype(np.int32)
        rows, scores = strongest(rows, lifts[rows], query.k)
        row_of, ids = self._catalog.rows.get, memory.words.items
        here = np.array([row_of(ids[row - 1], -1) for row in rows.tolist()], np.int32)
        known = here >= 0
        return here[known], scores[known]


def lift(scores: Floats) -> Floats:
    """ln of how many times likelier than chance each item is, of scores (..., items + 1): float32, -inf for row 0."""
    shifted = scores - scores[..., 1:].max(axis=-1, keepdims=True)
    lifts: Floats = shifted - np.log(np.exp(shifted[..., 1:]).mean(axis=-1, keepdims=True))
    lifts[..., 0] = -np.inf
    return lifts
