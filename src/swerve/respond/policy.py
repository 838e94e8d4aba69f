"""Who chooses the slate: always the best, or the best with a known chance of something else.

A propensity is P(this item in this place | query, policy) over everything the policy might have drawn, so that
what was learned from one policy can be judged for another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swerve.types import Floats, Rows


class TopPolicy:
    """The n best, best first; equal scores by lower row. Draws nothing: every propensity is 1."""

    name = "top"

    def choose(self, rows: Rows, scores: Floats, n: int, rng: np.random.Generator) -> tuple[Rows, Floats]:
        """Indices of the n best and ones."""
        best = _best(rows, scores, n)
        return best, np.ones(len(best), dtype=np.float32)


class EpsilonPolicy:
    """The n best, but each place is given, with probability `epsilon`, to an item from below the slate.

    With m candidates, every one of the m - n below the slate is equally likely to be drawn, none twice. So an item of
    the n best stands in its own place with propensity 1 - epsilon, and one from below in a given place with
    epsilon / (m - n). With fewer than n items below, only the last m - n places explore, which keeps both true.
    """

    name = "epsilon"

    def __init__(self, epsilon: float) -> None:
        """`epsilon`: share of the places that explore, 0 <= epsilon < 1. Raises ValueError outside."""
        if not 0 <= epsilon < 1:
            raise ValueError(f"expected 0 <= epsilon < 1, got {epsilon}")
        self.epsilon = epsilon

    def choose(self, rows: Rows, scores: Floats, n: int, rng: np.random.Generator) -> tuple[Rows, Floats]:
        """Indices of the slate and the propensity of each in its place."""
        best = _best(rows, scores, n)
        propensities = np.ones(len(best), dtype=np.float32)
        below = np.setdiff1d(np.arange(len(rows), dtype=np.int32), best, assume_unique=True)
        exploring = min(len(best), len(below))
        if not exploring or not self.epsilon:
            return best, propensities
        drawn = np.zeros(len(best), dtype=bool)
        drawn[-exploring:] = rng.random(exploring) < self.epsilon
        best[drawn] = rng.choice(below, size=int(drawn.sum()), replace=False)
        propensities[-exploring:] = 1 - self.epsilon
        propensities[drawn] = self.epsilon / len(below)
        return best, propensities


def _best(rows: Rows, scores: Floats, n: int) -> NDArray[np.int32]:
    """Indices of the n best by score, ties by lower row, as a new array."""
    n = min(max(n, 0), len(scores))
    if 0 < n < len(scores):
        # All that tie with the n-th are sorted too, or the partition would decide between them.
        threshold = np.partition(scores, len(scores) - n)[len(scores) - n]
        among = np.flatnonzero(scores >= threshold)
    else:
        among = np.arange(len(scores))
    order = np.lexsort((rows[among], -scores[among]))[:n]
    return among[order].astype(np.int32)
