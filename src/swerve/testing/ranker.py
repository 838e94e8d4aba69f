"""What every Ranker owes its callers, as a check to run on your own: `check_ranker(lambda derived: Mine())`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from swerve.derived import Derived
from swerve.protocols import Ranker
from swerve.retrieve.merge import gather, only
from swerve.retrieve.sources import BUILT_IN, build
from swerve.testing.obligations import owes
from swerve.testing.population import population, queries, reach

_owes = owes("a Ranker owes its callers")


def check_ranker(factory: Callable[[Derived], Ranker]) -> int:
    """Hold a ranker to the obligations of `Ranker`; raises AssertionError saying which one it breaks.

    `factory` gets the small population whose counters and catalog the candidates come from. Returns how many queries
    were tried.
    """
    derived = population()
    ranker = factory(derived)
    _owes(isinstance(ranker.version, int), "a version number")
    asked = queries(derived)
    retrievers = build(tuple(BUILT_IN), reach(derived))
    for query in asked:
        candidates = gather(query, retrievers)
        columns = candidates.columns.copy()
        scores = ranker.score(query, candidates)
        _owes(scores.shape == candidates.rows.shape, "one score a candidate")
        _owes(scores.dtype == np.float32 and bool(np.isfinite(scores).all()), "finite float32 scores")
        _owes(bool(np.array_equal(scores, ranker.score(query, candidates))), "the same scores for the same query")
        _owes(bool(np.array_equal(columns, candidates.columns)), "the candidates left alone")
        some = candidates.rows[::3]
        fewer = ranker.score(query, only(candidates, some))
        _owes(bool(np.allclose(fewer, scores[::3], rtol=1e-5)), "scores that do not depend on the other candidates")
        none = ranker.score(query, only(candidates, candidates.rows[:0]))
        _owes(none.shape == (0,), "no score for no candidate")
    return len(asked)
