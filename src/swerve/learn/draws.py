"""Negatives of a step, what their scores are corrected by, and which of them each history may not be punished for.

With a popularity exponent the chance of item j to be among the m drawn is pi_j = min(1, c * (seen_j + 1)^exponent),
with c such that they sum to m, and its score is corrected by -log pi_j (logQ): sum_{j drawn} e^{s_j - log pi_j} has the
sum over all items as its mean (Horvitz & Thompson 1952). The target was not drawn, so it stays as it is; the gradient
is then that of arXiv 2507.09331, whose factor 1 - p(target) comes out of the softmax itself. Systematic sampling
(Madow 1949) gives exactly these chances, m distinct items, in one pass over them.
Uniform draws are not corrected: log Q is one number for all, and the loss is the sampled softmax of the papers.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from swerve.learn.corpus import Corpus
from swerve.learn.loss import Seen


class Draws:
    """Draws item rows and knows what each user has had."""

    def __init__(self, corpus: Corpus, negatives: int, popularity: float = 0.0) -> None:
        """`popularity`: exponent of how often an item was seen; 0 draws uniformly."""
        self._items = len(corpus.items)
        self._count = min(negatives, self._items)
        self._repeats = corpus.repeats
        self._had = [np.unique(history.items[history.items > 0]) for history in corpus.histories]
        self._place = np.full(self._items + 1, -1, np.int64)
        self._chances: Any = None
        if popularity > 0 and self._count < self._items:
            self._chances = inclusion((corpus.seen()[1:] + 1.0) ** popularity, self._count)

    def draw(self, rng: np.random.Generator) -> Tensor:
        """Distinct rows (m,) int64, never row 0."""
        if self._count == self._items:
            return torch.arange(1, self._items + 1)
        if self._chances is None:
            return torch.from_numpy(rng.choice(self._items, self._count, replace=False).astype(np.int64) + 1)
        return torch.from_numpy(systematic(self._chances, rng) + 1)

    def correction(self, negatives: Tensor) -> Tensor | None:
        """What is added to the scores of drawn rows (m,): -log of their chances, float32; None: nothing."""
        if self._chances is None:
            return None
        return torch.from_numpy(-np.log(self._chances[negatives.numpy() - 1]).astype(np.float32))

    def seen(self, negatives: Tensor, segment: Tensor) -> list[Seen]:
        """For tokens in the order of `segment` (n,): runs of one history, with the negatives it has had.

        None where people come back to what they had: there it is a negative like any other.
        """
        if self._repeats:
            return []
        place, self._place[:] = self._place, -1
        place[negatives.numpy()] = np.arange(len(negatives))
        owners = segment.numpy()
        bounds = np.append(np.flatnonzero(np.diff(owners, prepend=owners[0] - 1)), len(owners))
        runs = []
        for begin, end in pairwise(bounds):
            columns = place[self._had[owners[begin]]]
            runs.append(Seen(int(begin), int(end), torch.from_numpy(columns[columns >= 0])))
        return runs


def inclusion(sizes: Any, count: int) -> Any:
    """min(1, c * sizes) with c such that the sum is `count`, (n,) float64; sizes > 0, count < n."""
    certain = np.zeros(len(sizes), np.bool_)
    while True:
        left = count - int(certain.sum())
        chances = np.where(certain, 1.0, left * sizes / sizes[~certain].sum())
        above = (chances >= 1.0) & ~certain
        if not above.any():
            return chances
        certain |= above


def systematic(chances: Any, rng: np.random.Generator) -> Any:
    """Distinct indices (m,) int64, each there with its chance; these sum to m. In a random order, one start for all."""
    order = rng.permutation(len(chances))
    ends = np.cumsum(chances[order])
    marks = rng.random() + np.arange(round(ends[-1]))
    places = np.searchsorted(ends, marks, side="right")
    return np.unique(order[np.minimum(places, len(order) - 1)]).astype(np.int64)
