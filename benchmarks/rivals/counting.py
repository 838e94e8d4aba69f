"""Rivals that count: popularity, ItemKNN (cosine) and EASE (Steck 2019), in NumPy and SciPy.

`_last10` and `_last20` learn the same but look at the end of the history only when they rank.
"""

from __future__ import annotations

import numpy as np

from benchmarks.rivals.histories import Arrays, Histories, top

LAMBDA = 500.0


def popularity(given: Arrays) -> tuple[Arrays, str]:
    """The items with the most interactions."""
    histories = Histories(given)
    counts = np.bincount(histories.items, minlength=histories.n_items)
    return top(histories, lambda users: np.tile(counts, (len(users), 1))), ""


def itemknn(given: Arrays) -> tuple[Arrays, str]:
    """Cosine between items, over the whole history."""
    return _ranked(given, _cosine, 0), "cosine, all neighbours"


def itemknn_last10(given: Arrays) -> tuple[Arrays, str]:
    """Cosine between items, over the last 10 of the history."""
    return _ranked(given, _cosine, 10), "cosine, all neighbours, last 10 items"


def ease(given: Arrays) -> tuple[Arrays, str]:
    """EASE over the whole history."""
    return _ranked(given, _ease, 0), f"lambda {LAMBDA:.0f}"


def ease_last20(given: Arrays) -> tuple[Arrays, str]:
    """EASE over the last 20 of the history."""
    return _ranked(given, _ease, 20), f"lambda {LAMBDA:.0f}, last 20 items"


def _ranked(given: Arrays, similarity: object, newest: int) -> Arrays:
    histories = Histories(given)
    learned = similarity(histories)  # type: ignore[operator]
    asked = histories.matrix(newest)
    return top(histories, lambda users: asked[users] @ learned)


def _cosine(histories: Histories) -> np.ndarray:
    together = _together(histories)
    lengths = np.sqrt(np.maximum(together.diagonal(), 1))
    similar = together / lengths[:, None] / lengths
    np.fill_diagonal(similar, 0)
    return similar


def _ease(histories: Histories) -> np.ndarray:
    gram = _together(histories).astype(np.float64)
    gram[np.diag_indices(len(gram))] += LAMBDA
    inverse = np.linalg.inv(gram)
    learned = -inverse / inverse.diagonal()
    np.fill_diagonal(learned, 0)
    return learned.astype(np.float32)


def _together(histories: Histories) -> np.ndarray:
    rated = histories.matrix()
    return (rated.T @ rated).toarray()
