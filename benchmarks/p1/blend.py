"""The model's score as one more feature beside the counts' features: fitted on validation items, judged on test items.

    score(b) = sum_f w_f * feature_f(b) + w_model * (preference . embedding_b + bias_b),   all w >= 0

Weights are those of a conditional logit, as in `swerve.rank.fit`, over all users at once.
"""

from __future__ import annotations

import numpy as np

from benchmarks.p1.counts import Counts
from benchmarks.p1.scoring import Matrix, others, rank
from swerve.evaluate.choices import SAMPLE
from swerve.learn.corpus import Corpus
from swerve.rank.features import FEATURES
from swerve.rank.fit import RIDGE

NAMES = (*FEATURES, "model")
"""Order of the weights."""

Weights = np.ndarray[tuple[int], np.dtype[np.float64]]


def features(counts: Counts, scores: Matrix, user: int) -> np.ndarray:
    """(NAMES, items + 1) float32 of one user."""
    return np.vstack([counts.of(user), scores[user]])


def choices(
    counts: Counts, scores: Matrix, corpus: Corpus, back: int, rng: np.random.Generator, sample: int = SAMPLE
) -> np.ndarray:
    """(users, NAMES, sample + 1): item number -`back` of each user first, then a uniform sample of the others."""
    found = []
    for user, history in enumerate(corpus.histories):
        drawn = rng.choice(np.flatnonzero(others(scores.shape[1], history, back)), sample, replace=False)
        found.append(features(counts, scores, user)[:, np.append(history.items[-back], drawn)])
    return np.stack(found)


def fit(values: np.ndarray, iterations: int = 50) -> Weights:
    """Weights (NAMES,) >= 0 that make the first of (users, NAMES, n) likeliest, by projected Newton steps."""
    scale = np.sqrt(np.maximum(values.var(axis=2).mean(axis=0), 1e-12))
    scaled = (values - values[:, :, :1]) / scale[:, None]  # what was taken scores 0
    weights = np.zeros(len(scale))
    best = _objective(scaled, weights)
    for _ in range(iterations):
        chance = _chances(scaled, weights)
        mean = np.einsum("ufn,un->uf", scaled, chance)
        spread = np.einsum("ufn,ugn,un->fg", scaled, scaled, chance, optimize=True) - mean.T @ mean
        gradient = -mean.mean(axis=0) - RIDGE * weights
        hessian = spread / len(scaled) + RIDGE * np.eye(len(weights))
        free = (weights > 0) | (gradient > 0)
        step = np.zeros_like(weights)
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        trials = (np.maximum(weights + step / 2**halved, 0.0) for halved in range(12))
        trial = next((trial for trial in trials if _objective(scaled, trial) > best + 1e-9), None)
        if trial is None:
            break
        weights, best = trial, _objective(scaled, trial)
    return weights / scale


def _scores(scaled: np.ndarray, weights: Weights) -> np.ndarray:
    return np.einsum("f,ufn->un", weights, scaled)


def _chances(scaled: np.ndarray, weights: Weights) -> np.ndarray:
    scores = _scores(scaled, weights)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


def _objective(scaled: np.ndarray, weights: Weights) -> float:
    return float(np.log(_chances(scaled, weights)[:, 0]).mean() - 0.5 * RIDGE * (weights**2).sum())


def ranks(counts: Counts, scores: Matrix, corpus: Corpus, back: int, weights: np.ndarray) -> list[int]:
    """Place of item number -`back` of each user under these weights, among all items."""
    return [
        rank(weights @ features(counts, scores, user), history, back) for user, history in enumerate(corpus.histories)
    ]
