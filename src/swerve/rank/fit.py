"""Fits the blend's weights: conditional logit with weights >= 0, by projected Newton steps on the likelihood.

The problem is convex, a few thousand examples are enough, and there is no learning rate to choose.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.rank.features import BUCKETS
from swerve.types import Floats

LEAST = 50
"""Fewer choices than this say nothing."""
RIDGE = 1e-3
"""Pull towards the weights shared by all history lengths (or to zero), per example and unit of feature spread."""


class Choice(msgspec.Struct, frozen=True):
    """One observed choice: the candidates' features when it was made, and which of them was taken."""

    features: Floats
    """(features, n) float32, before the choice was counted anywhere."""
    taken: int
    """Index of the candidate taken."""
    bucket: int
    """Bucket of the history length."""
    before: Floats | None = None
    """The same candidates' features as the version in use saw them, where they differ."""


def fit(choices: Sequence[Choice], iterations: int = 25) -> Floats:
    """Maximum-likelihood weights (buckets, features) float32 >= 0; buckets shrink towards the common weights.

    As many features as the choices have: those of `FEATURES`, or more.
    """
    scale = _spread(choices)
    common = _newton(choices, scale, np.zeros(len(scale)), iterations, RIDGE)
    table = np.zeros((len(BUCKETS), len(scale)), np.float32)
    for index in range(len(BUCKETS)):
        own = [choice for choice in choices if choice.bucket == index]
        pull = RIDGE + 50.0 / max(len(own), 1)
        table[index] = _newton(own, scale, common, iterations, pull) / scale if own else common / scale
    return table


def log_likelihood(choices: Sequence[Choice], weights: Floats) -> float:
    """Mean log-likelihood of the choices under weights (buckets, features): what `fit` maximises."""
    total = 0.0
    for choice in choices:
        scores = weights[choice.bucket].astype(np.float64) @ choice.features
        total += float(scores[choice.taken] - _log_sum_exp(scores))
    return total / max(len(choices), 1)


def _spread(choices: Sequence[Choice]) -> NDArray[np.float64]:
    """Standard deviation of each feature over the candidates, 1 where it never varies: (features,)."""
    squares = np.mean([np.var(choice.features, axis=1, dtype=np.float64) for choice in choices], axis=0)
    return np.where(squares > 1e-12, np.sqrt(np.maximum(squares, 1e-12)), 1.0)


def _newton(
    choices: Sequence[Choice], scale: NDArray[np.float64], start: NDArray[np.float64], iterations: int, pull: float
) -> NDArray[np.float64]:
    """Scaled weights; at each step the features held at zero are those whose gradient points below zero."""
    weights, anchor = start.copy(), start
    best = _objective(choices, scale, weights, anchor, pull)
    for _ in range(iterations):
        gradient, hessian = _derivatives(choices, scale, weights)
        gradient -= pull * (weights - anchor)
        hessian += pull * np.eye(len(weights))
        free = (weights > 0) | (gradient > 0)
        step = np.zeros_like(weights)
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        for _ in range(12):
            trial = np.maximum(weights + step, 0.0)
            value = _objective(choices, scale, trial, anchor, pull)
            if value >= best:
                break
            step /= 2
        else:
            return weights
        done = value - best < 1e-7
        weights, best = trial, value
        if done:
            break
    return weights


def _objective(
    choices: Sequence[Choice],
    scale: NDArray[np.float64],
    weights: NDArray[np.float64],
    anchor: NDArray[np.float64],
    pull: float,
) -> float:
    table = np.tile((weights / scale).astype(np.float32), (len(BUCKETS), 1))
    return log_likelihood(choices, table) - 0.5 * pull * float(((weights - anchor) ** 2).sum())


def _derivatives(
    choices: Sequence[Choice], scale: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean gradient (features,) and negated mean Hessian (features, features) of the log-likelihood."""
    gradient = np.zeros(len(weights))
    hessian = np.zeros((len(weights), len(weights)))
    for choice in choices:
        values = choice.features / scale[:, None]
        scores = weights @ values
        chance = np.exp(scores - _log_sum_exp(scores))
        mean = values @ chance
        gradient += values[:, choice.taken] - mean
        hessian += (values * chance) @ values.T - np.outer(mean, mean)
    return gradient / max(len(choices), 1), hessian / max(len(choices), 1)


def _log_sum_exp(scores: NDArray[np.float64]) -> float:
    top = float(scores.max())
    return top + float(np.log(np.exp(scores - top).sum()))
