"""Worlds whose rules are known, so that a test can say what a model ought to find."""

from __future__ import annotations

import numpy as np

from swerve.learn.corpus import Corpus, from_sequences
from swerve.model.history import History
from swerve.types import Floats

RING = 40
SHELVES, ITEMS, COLD = 8, 120, 24
"""Of `shelves`: kinds of items, items, and how many of them nobody had before their last event."""


def ring(users: int = 240, length: int = 14, seed: int = 0) -> Corpus:
    """Next item = last item + stride, the stride being the user's own (1, 2 or 3): one event is not enough to know."""
    rng = np.random.default_rng(seed)
    sequences = []
    for _ in range(users):
        begin, stride = int(rng.integers(RING)), int(rng.integers(1, 4))
        sequences.append([f"i{(begin + stride * place) % RING}" for place in range(length)])
    return from_sequences(sequences)


def shelves(users: int = 300, length: int = 9, seed: int = 0) -> tuple[Corpus, Floats]:
    """Everybody likes things of one shelf, in no order; what an item says gives its shelf away, with some noise.

    The last event of each is an item that nobody had before: COLD of them, rows ITEMS - COLD + 1 to ITEMS. Content is
    (ITEMS + 1, 16) float32 unit vectors, row 0 zeros.
    """
    rng = np.random.default_rng(seed)
    shelf = np.arange(ITEMS) % SHELVES
    centres = rng.standard_normal((SHELVES, 16))
    content = np.zeros((ITEMS + 1, 16), np.float32)
    content[1:] = centres[shelf] + 0.6 * rng.standard_normal((ITEMS, 16))
    content[1:] /= np.linalg.norm(content[1:], axis=1, keepdims=True)
    histories = []
    for user in range(users):
        own = np.flatnonzero(shelf == user % SHELVES)
        warm, cold = own[own < ITEMS - COLD], own[own >= ITEMS - COLD]
        items = [*rng.choice(warm, length - 1, replace=False), rng.choice(cold)]
        histories.append(History.of([int(item) + 1 for item in items]))
    return Corpus(tuple(histories), tuple(f"i{item}" for item in range(ITEMS)), ()), content
