"""The blend with more to read: what serving sees of each item, and what other arms say of it, weighed together.

    score(b) = sum_f w_f * feature_f(b) + sum_a w_a * ln(1 + n * p_a(b)),    p_a = softmax of the arm's scores

`n * p_a` is how many times likelier than chance the arm holds an item; n counts the items it scores. So every feature
is >= 0, as the blend wants them, 0 where an arm sees next to no chance, and a weight of 1 repeats the arm's own odds.
The weights are fitted to choices that neither the counters nor the arms have seen, as many days old as the questions
will be: a blend fitted to live counters would trust popularity more than it deserves once it is stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from swerve.evaluate.arms import Evidence
from swerve.evaluate.cases import Pasts
from swerve.protocols import Arm
from swerve.rank.features import Features, bucket
from swerve.rank.fit import LEAST, Choice, fit
from swerve.types import Floats, Past

SAMPLE = 500
"""Items that a choice keeps besides the one taken, drawn uniformly (McFadden 1978)."""
AT_ONCE = 128
"""Questions read together: bounds the memory."""


class Reading:
    """Counters and arms, read side by side."""

    def __init__(self, evidence: Evidence, features: Features, others: Sequence[Arm]) -> None:
        self._evidence = evidence
        self._features = features
        self._others = tuple(others)
        self.at = evidence.at
        """Which items of the judgement the columns stand for."""
        self.items = evidence.items

    def of(self, pasts: Sequence[Past]) -> Iterator[tuple[int, Floats]]:
        """For each question its bucket of history length, and the features (features + arms, len(at)) float32."""
        for start in range(0, len(pasts), AT_ONCE):
            part = pasts[start : start + AT_ONCE]
            said = [log_odds(arm.scores(part)[:, self.at]) for arm in self._others]
            for place, past in enumerate(part):
                with self._evidence.derived.lock:
                    query, candidates = self._evidence.of(past)
                    own = self._features.of(query, candidates)
                yield bucket(len(query.history)), np.concatenate([own, *(column[place : place + 1] for column in said)])


class Blended:
    """An arm: the weighted sum of what is read."""

    def __init__(self, name: str, reading: Reading, table: Floats) -> None:
        """`table` (buckets, features + arms) float32, >= 0: the fitted weights."""
        self.name = name
        self.table = table
        self._reading = reading

    def scores(self, pasts: Sequence[Past]) -> Floats:
        """(q, items); `-inf` for an item the counters do not know."""
        scores = np.full((len(pasts), self._reading.items), -np.inf, np.float32)
        for line, (size, columns) in zip(scores, self._reading.of(pasts), strict=True):
            line[self._reading.at] = self.table[size] @ columns
        return scores


def log_odds(scores: Floats) -> Floats:
    """ln(1 + n * softmax(scores)) over each line (q, n); a score of -inf gives 0."""
    top = scores.max(axis=1, keepdims=True, initial=np.float32(-1e30))
    odds = np.exp(scores - top)
    shares = odds / np.maximum(odds.sum(axis=1, keepdims=True), np.float32(1e-30))
    found: Floats = np.log1p(np.isfinite(scores).sum(axis=1, keepdims=True) * shares).astype(np.float32)
    return found


def fitted(
    reading: Reading, pasts: Pasts, positions: NDArray[np.int64], targets: NDArray[np.int32], rng: np.random.Generator
) -> Floats | None:
    """Weights for the choices of `targets` at `positions`, which nothing that is read has seen; None = too few.

    What the user touched before is no alternative.
    """
    place = np.full(reading.items, -1, np.int64)
    place[reading.at] = np.arange(len(reading.at))
    choices = []
    kept = place[targets] >= 0
    asked = [pasts.of(at) for at in positions[kept].tolist()]
    for at, target, (size, columns) in zip(positions[kept], targets[kept], reading.of(asked), strict=True):
        free = np.ones(columns.shape[1], np.bool_)
        had = place[pasts.touched(int(at))]
        free[had[had >= 0]] = False
        taken = place[target]
        free[taken] = False
        others = np.flatnonzero(free)
        others = rng.choice(others, min(SAMPLE, len(others)), replace=False)
        choices.append(Choice(columns[:, np.append(taken, others)], 0, size))
    return fit(choices) if len(choices) >= LEAST else None
