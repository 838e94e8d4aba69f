"""A world whose rule is known: each user walks a ring of items, by steps of one length all along."""

from __future__ import annotations

import numpy as np

from swerve.learn.corpus import Corpus, from_sequences

RING = 40


def ring(users: int = 240, length: int = 14, seed: int = 0) -> Corpus:
    """Next item = last item + stride, the stride being the user's own (1, 2 or 3): one event is not enough to know."""
    rng = np.random.default_rng(seed)
    sequences = []
    for _ in range(users):
        begin, stride = int(rng.integers(RING)), int(rng.integers(1, 4))
        sequences.append([f"i{(begin + stride * place) % RING}" for place in range(length)])
    return from_sequences(sequences)
