"""What every rival is given, histories of items, and what it gives back, ten items for each user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
N = 10
CHUNK = 512


class Histories:
    """Histories of users 0..n, oldest item first, as columns: `users` and `items` (interactions,) in that order."""

    def __init__(self, given: Arrays) -> None:
        self.items, self.starts = given["items"].astype(np.int64), given["starts"]
        self.n_items, self.n_users = int(given["n_items"]), len(self.starts) - 1
        self.budget_s, self.seed = float(given["budget_s"]), int(given["seed"])
        self.lengths = np.diff(self.starts)
        self.users = np.repeat(np.arange(self.n_users), self.lengths)
        self.places = np.arange(len(self.items)) - self.starts[self.users]
        """Of each interaction in its history, oldest = 0."""

    def matrix(self, newest: int = 0) -> Any:
        """SciPy CSR (n_users, n_items) float32: 1 where the item is in the history, or its `newest` last if not 0."""
        import scipy.sparse  # noqa: PLC0415  (not every rival needs it)

        kept = self.places >= (self.lengths[self.users] - newest if newest else 0)
        found = scipy.sparse.csr_matrix(
            (np.ones(kept.sum(), np.float32), (self.users[kept], self.items[kept])), (self.n_users, self.n_items)
        )
        found.data[:] = 1  # an item that came twice
        return found


def top(histories: Histories, scores: Callable[[np.ndarray], np.ndarray]) -> Arrays:
    """The ten best for every user: what is in the history is left out, equal scores go to the lower row; -1 = no more.

    `scores`: users (m,) -> (m, n_items).
    """
    out = np.full((histories.n_users, N), -1)
    for first in range(0, histories.n_users, CHUNK):
        users = np.arange(first, min(first + CHUNK, histories.n_users))
        found = np.array(scores(users), np.float32)
        seen = slice(histories.starts[first], histories.starts[users[-1] + 1])
        found[histories.users[seen] - first, histories.items[seen]] = -np.inf
        best = np.argsort(-found, axis=1, kind="stable")[:, :N]
        left = np.take_along_axis(found, best, axis=1) > -np.inf
        out[users, : best.shape[1]] = np.where(left, best, -1)
    return {"top": out}
