"""What every Retriever owes its callers, as a check to run on your own: `check_retriever(Mine)`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from swerve.protocols import Retriever
from swerve.retrieve.sources import Reach
from swerve.testing.obligations import owes
from swerve.testing.population import population, queries, reach

_owes = owes("a Retriever owes its callers")


def check_retriever(factory: Callable[[Reach], Retriever]) -> int:
    """Hold a retriever to the obligations of `Retriever`; raises AssertionError saying which one it breaks.

    `factory` gets a Reach over a small population, as `retrieve.sources` would give it. Returns how many queries were
    tried.
    """
    derived = population()
    retriever = factory(reach(derived))
    _owes(bool(retriever.name), "a name")
    asked = queries(derived)
    before = derived.counters.dump()
    for query in asked:
        history = query.history.copy()
        with derived.lock:
            rows, scores = retriever.retrieve(query)
            again, scores_again = retriever.retrieve(query)
        _owes(rows.dtype == np.int32 and scores.dtype == np.float32, "int32 rows, float32 scores")
        _owes(rows.ndim == 1 and rows.shape == scores.shape, "one score a row")
        _owes(len(np.unique(rows)) == len(rows), "no row twice")
        _owes(bool(np.all((rows >= 0) & (rows < derived.catalog.size))), "rows of the catalog")
        _owes(bool(np.all(np.isfinite(scores)) and np.all(scores >= 0)), "finite scores >= 0")
        one, other = np.argsort(rows), np.argsort(again)
        same = np.array_equal(rows[one], again[other]) and np.allclose(scores[one], scores_again[other])
        _owes(bool(same), "the same answer to the same query")
        _owes(bool(np.array_equal(history, query.history)), "the query left alone")
    _owes(derived.counters.dump() == before, "counters that it only reads")
    return len(asked)
