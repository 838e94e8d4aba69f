"""The model's score as one more feature beside the counts' features: fitted on validation items, judged on test items.

    score(b) = sum_f w_f * feature_f(b) + w_model * (preference . embedding_b + bias_b),   all w >= 0

Fitted as in the engine (`swerve.rank.fit`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.p1.counts import Counts
from benchmarks.p1.scoring import Matrix, others, rank
from swerve.evaluate.choices import SAMPLE
from swerve.learn.corpus import Corpus
from swerve.rank.features import FEATURES, bucket
from swerve.rank.fit import Choice
from swerve.types import Floats

NAMES = (*FEATURES, "model")
"""Order of the weights."""


def features(counts: Counts, scores: Matrix, user: int) -> Floats:
    """(NAMES, items + 1) float32 of one user."""
    return np.vstack([counts.of(user), scores[user]])


def choices(
    counts: Counts, scores: Matrix, corpus: Corpus, back: int, rng: np.random.Generator, sample: int = SAMPLE
) -> Iterator[Choice]:
    """For each user item number -`back`, beside a uniform sample of the others."""
    for user, history in enumerate(corpus.histories):
        drawn = rng.choice(np.flatnonzero(others(scores.shape[1], history, back)), sample, replace=False)
        seen = features(counts, scores, user)[:, np.append(history.items[-back], drawn)]
        yield Choice(seen, 0, bucket(len(history) - back))


def ranks(counts: Counts, scores: Matrix, corpus: Corpus, back: int, weights: Floats) -> list[int]:
    """Place of item number -`back` of each user under weights (buckets, NAMES), among all items."""
    return [
        rank(weights[bucket(len(history) - back)] @ features(counts, scores, user), history, back)
        for user, history in enumerate(corpus.histories)
    ]
