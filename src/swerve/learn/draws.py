"""Negatives of a step, and which of them each history may not be punished for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from swerve.learn.corpus import Corpus
from swerve.learn.loss import Seen


class Draws:
    """Draws item rows uniformly and knows what each user has had."""

    def __init__(self, corpus: Corpus, negatives: int) -> None:
        self._items = len(corpus.items)
        self._count = min(negatives, self._items)
        self._had = [np.unique(history.items[history.items > 0]) for history in corpus.histories]
        self._place = np.full(self._items + 1, -1, np.int64)

    def draw(self, rng: np.random.Generator) -> Tensor:
        """Distinct rows (m,) int64, never row 0."""
        if self._count == self._items:
            return torch.arange(1, self._items + 1)
        return torch.from_numpy(rng.choice(self._items, self._count, replace=False).astype(np.int64) + 1)

    def seen(self, negatives: Tensor, segment: Tensor) -> list[Seen]:
        """For tokens in the order of `segment` (n,): runs of one history, with the negatives it has had."""
        place, self._place[:] = self._place, -1
        place[negatives.numpy()] = np.arange(len(negatives))
        owners = segment.numpy()
        bounds = np.append(np.flatnonzero(np.diff(owners, prepend=owners[0] - 1)), len(owners))
        runs = []
        for begin, end in pairwise(bounds):
            columns = place[self._had[owners[begin]]]
            runs.append(Seen(int(begin), int(end), torch.from_numpy(columns[columns >= 0])))
        return runs
