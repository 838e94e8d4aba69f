"""From weights that make choices likely to weights that put them high: each feature in turn louder or softer.

The likelihood is a matter of the whole list; what people see is its top. Coordinate ascent on the ranking measure
itself (Metzler & Croft 2007, Linear feature-based models for information retrieval, section 4), from the likeliest
weights on: one factor a feature, the same for all history lengths, so that a few thousand choices are enough.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from swerve.rank.fit import Choice
from swerve.types import Floats

FACTORS = (0.5, 0.7, 0.85, 1.2, 1.5, 2.0, 3.0)
"""What one step may multiply a feature's weights with."""
PASSES = 4
"""Times over all features, at most."""


class Climb:
    """Choices side by side, so that one trial is a few passes over flat arrays."""

    def __init__(self, choices: Sequence[Choice], top: int) -> None:
        """`top`: places that people see; what stands below counts nothing."""
        apart = [np.delete(choice.features - choice.features[:, [choice.taken]], choice.taken, 1) for choice in choices]
        self._apart: Floats = np.concatenate(apart, axis=1)
        """(features, m): every other candidate less the one taken."""
        lengths = np.array([part.shape[1] for part in apart])
        self._starts = np.cumsum(lengths) - lengths
        self._buckets = np.repeat([choice.bucket for choice in choices], lengths)
        self._top = top

    def parts(self, weights: Floats) -> Floats:
        """What each feature says for the others over the one taken, (features, m), with weights (buckets, features)."""
        parts: Floats = weights.T[:, self._buckets] * self._apart
        return parts

    def measure(self, lead: Floats) -> float:
        """Mean of 1 / rank within the top, of choices whose others lead by (m,); who ties stands before the taken."""
        ranks = 1 + np.add.reduceat((lead >= 0).astype(np.int64), self._starts)
        return float(np.where(ranks <= self._top, 1 / ranks, 0.0).mean())


def climb(choices: Sequence[Choice], weights: Floats, top: int = 20) -> Floats:
    """Weights (buckets, features) like those given, each feature's column times a factor: MRR@top is never lower.

    Every choice needs two candidates or more; they should be those that served, not a sample of them.
    """
    ground = Climb(choices, top)
    parts = ground.parts(weights)
    lead = parts.sum(axis=0)
    best, factors = ground.measure(lead), np.ones(len(parts), np.float32)
    for _ in range(PASSES):
        before = best
        for feature, part in enumerate(parts):
            trials = [(ground.measure(lead + part * np.float32(factor - 1)), factor) for factor in FACTORS]
            found, factor = max(trials)
            if found > best:
                best, lead = found, lead + part * np.float32(factor - 1)
                parts[feature] *= np.float32(factor)
                factors[feature] *= np.float32(factor)
        if best == before:
            break
    climbed: Floats = weights * factors
    return climbed
