"""The blend: a weighted sum of features, the weights fitted to what people did next.

    score(b) = sum_f w_f(history length) * feature_f(b)

The weights are the maximum-likelihood estimate of a conditional logit (McFadden 1974): the item somebody went on to
is drawn from the candidates with probability softmax(score). They are >= 0, so every source can only speak for an
item, and its share of the score is an exact explanation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from swerve.errors import ConfigError
from swerve.rank.features import BUCKETS, FEATURES, Features, bucket
from swerve.types import Candidates, Floats, Query


class Blend:
    """Ranker with one weight vector per bucket of history length. Immutable; a fit makes a new one."""

    def __init__(self, features: Features, weights: Floats, version: int) -> None:
        if weights.shape != (len(BUCKETS), len(FEATURES)) or not np.isfinite(weights).all():
            raise ConfigError(f"expected finite weights, {len(BUCKETS)} x {len(FEATURES)}", field="rank.weights")
        self.features = features
        self.weights = weights
        """(buckets, features) float32, >= 0."""
        self.version = version

    def score(self, query: Query, candidates: Candidates) -> Floats:
        """(n,) float32; see the module for the formula."""
        scores: Floats = self._weights(query) @ self.features.of(query, candidates)
        return scores

    def shares(self, query: Query, candidates: Candidates) -> Floats:
        """Part of each candidate's score that each feature gave: (features, n), columns sum to 1 (or 0)."""
        parts = self._weights(query)[:, None] * self.features.of(query, candidates)
        shares: Floats = parts / np.maximum(parts.sum(axis=0), np.float32(1e-12))
        return shares

    def _weights(self, query: Query) -> Floats:
        row: Floats = self.weights[bucket(len(query.history))]
        return row


def from_config(weights: Mapping[str, Sequence[float]]) -> Floats:
    """Weights by feature name -> (buckets, features) float32. Raises ConfigError for an unknown name or length."""
    table = np.zeros((len(BUCKETS), len(FEATURES)), np.float32)
    for name, values in weights.items():
        if name not in FEATURES:
            raise ConfigError(f"unknown feature; known: {', '.join(FEATURES)}", field=f"rank.weights.{name}")
        if len(values) != len(BUCKETS):
            raise ConfigError(f"expected {len(BUCKETS)} numbers, one per history length", field=f"rank.weights.{name}")
        table[:, FEATURES.index(name)] = values
    return table
