"""The ratings of one side (all users, or all items), lying so that NumPy can go through many owners at once.

Owners with about as many ratings form a block: a rectangle with a line per owner, short lines padded. So every sum
over "all ratings of an owner" is one batched matrix product, and no block needs more memory than any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swerve.types import Floats

Ints = NDArray[np.int64]

ROOM = 60_000
"""Ratings in a block at most (one owner may have more): what it gathers should stay near the processor."""
STRETCH = 1.2
"""The longest line of a block is at most this much longer than the shortest: bounds what is padded."""


@dataclass(frozen=True)
class Block:
    """Owners and their ratings, one line each."""

    owners: Ints
    """(lines,)"""
    others: Ints
    """(lines, length): who or what was on the other side of each rating; `n_others` where padded."""
    places: Ints
    """(lines, length): where each rating stands in the input; 0 where padded."""


class Grouped:
    """At least one rating, by owner: `owner` and `other` are (ratings,) numbers below `n_owners` and `n_others`."""

    def __init__(self, owner: Ints, other: Ints, n_owners: int, n_others: int) -> None:
        self.n_owners, self.n_others = n_owners, n_others
        self.counts: Ints = np.bincount(owner, minlength=n_owners)
        self.blocks = list(self._blocks(owner, other))

    def _blocks(self, owner: Ints, other: Ints) -> Iterator[Block]:
        order = np.argsort(owner, kind="stable")
        starts = np.cumsum(self.counts) - self.counts
        by_count = np.argsort(self.counts, kind="stable")
        for first, last in _cuts(self.counts[by_count]):
            owners = by_count[first:last]
            counts = self.counts[owners, None]
            step = np.arange(max(int(counts[-1, 0]), 1))
            inside = step < counts
            places = np.where(inside, order[np.where(inside, starts[owners, None] + step, 0)], 0)
            yield Block(owners, np.where(inside, other[places], self.n_others), places)

    def moments(self, design: Floats, target: Floats) -> Iterator[tuple[Block, Floats, Floats]]:
        """Per block, the normal equations of its owners: sums of x x' (lines, d, d) and x y (lines, d) over ratings.

        `design` (n_others, d) holds x, `target` (ratings,) holds y.
        """
        padded = np.vstack([design, np.zeros((1, design.shape[1]), np.float32)])
        for block in self.blocks:
            x = padded[block.others]
            across = x.transpose(0, 2, 1)
            yield block, across @ x, (across @ target[block.places][:, :, None])[:, :, 0]

    def sums(self, values: Floats) -> Floats:
        """(n_owners, d): for each owner, the sum of `values` (n_others, d) over its ratings."""
        padded = np.vstack([values, np.zeros((1, values.shape[1]), np.float32)])
        out = np.zeros((self.n_owners, values.shape[1]), np.float32)
        for block in self.blocks:
            lines = max(ROOM // (4 * block.others.shape[1]), 1)
            for first in range(0, len(block.owners), lines):
                part = slice(first, first + lines)
                out[block.owners[part]] = padded[block.others[part]].sum(axis=1)
        return out


def _cuts(counts: Ints) -> Iterator[tuple[int, int]]:
    """(first, last) of each block, for counts in rising order."""
    first = 0
    while first < len(counts):
        longest = max(8.0, float(counts[first]) * STRETCH)
        last = int(np.searchsorted(counts, longest, side="right"))
        widest = max(int(counts[last - 1]), 1)
        last = min(last, first + max(ROOM // widest, 1))
        yield first, last
        first = last
