"""Arms that need no training of their own: how often, how often lately, and what serves.

All read counters that were folded from the training part only (`Derived.apply`, as in the engine).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from swerve.counts.counters import Counters
from swerve.counts.popularity import WINDOWS
from swerve.derived import Derived
from swerve.evaluate.cases import Stream
from swerve.protocols import Ranker, Retriever
from swerve.retrieve.merge import gather, only
from swerve.types import Candidates, Floats, Past, Query, Rows, Touch, UserState


class Popular:
    """The same for everybody: how often each item was interacted with in the training part."""

    name = "popular"

    def __init__(self, rows: Rows, items: int) -> None:
        """rows (m,): item of each training interaction, below `items`."""
        self._counts: Floats = np.bincount(rows, minlength=items).astype(np.float32)

    def scores(self, pasts: Sequence[Past]) -> Floats:
        """(q, items): the counts."""
        return np.tile(self._counts, (len(pasts), 1))


class Evidence:
    """What serving sees of a question: the query, and what every retriever says, of all items instead of the best."""

    def __init__(self, derived: Derived, retrievers: Sequence[Retriever], stream: Stream) -> None:
        self.derived = derived
        self.items = len(stream.items)
        """How many items the judgement has."""
        self._retrievers = tuple(retrievers)
        self._stream = stream
        rows = np.array([derived.catalog.row(item) for item in stream.items], np.int32)
        at = np.flatnonzero(rows >= 0)
        self.at: NDArray[np.int64] = at[np.argsort(rows[at])]
        """Rows of the judgement in the order of the catalog's."""
        self._rows: Rows = rows[self.at]

    def of(self, past: Past) -> tuple[Query, Candidates]:
        """The query, and one candidate for each of `at`. Hold `derived.lock`."""
        query = self._query(past)
        return query, only(gather(query, self._retrievers), self._rows)

    def _query(self, past: Past) -> Query:
        items, actions = self._stream.items, self._stream.actions_named
        columns = zip(past.rows.tolist(), past.actions.tolist(), past.times.tolist(), strict=True)
        touches = tuple(Touch(items[row], actions[action], 1.0, time, -1) for row, action, time in columns)
        return self.derived.query(UserState(touches=touches), past.now, 1, max(len(self._rows), 1))


class Served:
    """What serves: retrievers and a ranker over counters."""

    def __init__(self, name: str, evidence: Evidence, ranker: Ranker) -> None:
        self.name = name
        self._evidence = evidence
        self._ranker = ranker

    def scores(self, pasts: Sequence[Past]) -> Floats:
        """(q, items): the ranker's scores; `-inf` for an item the catalog does not know."""
        evidence = self._evidence
        scores = np.full((len(pasts), evidence.items), -np.inf, np.float32)
        for line, past in zip(scores, pasts, strict=True):
            with evidence.derived.lock:
                line[evidence.at] = self._ranker.score(*evidence.of(past))
        return scores


class Loudest:
    """A ranker that says what its sources say, added up."""

    version = 0

    def score(self, query: Query, candidates: Candidates) -> Floats:
        """(n,) float32."""
        total: Floats = candidates.columns.sum(axis=0, dtype=np.float32)
        return total


class Lately:
    """A ranker by popularity in one of the decayed windows."""

    version = 0

    def __init__(self, counters: Counters, window: str) -> None:
        self._counters = counters
        self._at = list(WINDOWS).index(window)

    def score(self, query: Query, candidates: Candidates) -> Floats:
        """(n,) float32: each item's share of the window."""
        shares: Floats = self._counters.popularity.shares(candidates.rows)[self._at]
        return shares
