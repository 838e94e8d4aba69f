"""Histories of every length into rows of one length, without padding: in a new order each epoch, cut where a row ends.

A history longer than what is left of a row goes on in the next row with an empty memory. Because the order and the
first cut are drawn anew each epoch, every event is sooner or later seen with its past.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from swerve.learn.corpus import Corpus
from swerve.model.history import History, gap_buckets, gaps_of, log_gap
from swerve.model.nets.batch import Packed


class Step(NamedTuple):
    """What one training step learns from."""

    batch: Packed
    wait: Tensor
    """(T, B) int64: bucket of the time from each event to the one that followed: when it was asked for."""
    targets: Tensor
    """(T, B) int64: row of the item that followed; 0: nothing to learn here."""


def wanted(history: History, refused: Sequence[int]) -> Any:
    """Item that each event but the last was followed by; 0 where that was refused: (n - 1,)."""
    return np.where(np.isin(history.actions[1:], refused), 0, history.items[1:])


class Packing:
    """The corpus as one long line of (event, next event) pairs, ready to be cut into rows."""

    def __init__(self, corpus: Corpus) -> None:
        self._histories = [number for number, history in enumerate(corpus.histories) if len(history) >= 2]
        kept = [corpus.histories[number] for number in self._histories]
        lengths = np.array([len(history) - 1 for history in kept], np.int64)
        self._ends = np.cumsum(lengths)
        self._lengths = lengths

        def line(part: Any) -> Any:
            return np.concatenate([part(history) for history in kept] or [np.zeros(0)])

        gaps = line(lambda history: gaps_of(history.times)[:-1])
        self._columns = {
            "items": line(lambda history: history.items[:-1]).astype(np.int64),
            "actions": line(lambda history: history.actions[:-1]).astype(np.int64),
            "gaps": gap_buckets(gaps),
            "hours": log_gap(gaps),
            "times": line(lambda history: history.times[:-1]).astype(np.int64),
            "wait": gap_buckets(line(lambda history: gaps_of(history.times)[1:])),
            "targets": line(lambda history: wanted(history, corpus.refused)).astype(np.int64),
        }

    @property
    def pairs(self) -> int:
        """Events that are followed by another: what an epoch goes over."""
        return int(self._lengths.sum())

    def steps(self, length: int, rows: int, rng: np.random.Generator) -> Iterator[Step]:
        """One epoch of steps of `rows` rows; less than a step is left out at the end, another part each epoch."""
        order = rng.permutation(len(self._lengths))
        owner = np.repeat(order, self._lengths[order])
        first = np.repeat(self._ends[order] - self._lengths[order], self._lengths[order])
        inside = np.arange(self.pairs) - np.repeat(
            np.cumsum(self._lengths[order]) - self._lengths[order], self._lengths[order]
        )
        count = self.pairs // length
        shift = int(rng.integers(0, self.pairs - count * length + 1))
        cut = slice(shift, shift + count * length)
        index = (first + inside)[cut].reshape(count, length)
        segment = np.array(self._histories)[owner[cut]].reshape(count, length)
        start = (inside[cut] == 0).reshape(count, length)
        start[:, 0] = True
        mixed = rng.permutation(count)
        for begin in range(0, count - rows + 1, rows):
            chosen = mixed[begin : begin + rows]
            yield self._step(index[chosen].T, segment[chosen].T, start[chosen].T)

    def count(self, length: int, rows: int) -> int:
        """Steps of an epoch."""
        return self.pairs // length // rows

    def _step(self, index: Any, segment: Any, start: Any) -> Step:
        of = {name: torch.from_numpy(np.ascontiguousarray(column[index])) for name, column in self._columns.items()}
        wait, targets = of.pop("wait"), of.pop("targets")
        marks = (torch.from_numpy(np.ascontiguousarray(part)) for part in (segment, start))
        segments, starts = marks
        return Step(Packed(segment=segments, start=starts, **of), wait, targets)
