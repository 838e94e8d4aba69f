"""The fold over all users: interactions in, transition counts and popularity out, in log order and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.counts.config import CountsConfig
from swerve.counts.decay import UNIT, Decay
from swerve.counts.popularity import Popularity
from swerve.counts.transitions import Transitions
from swerve.types import Rows


class Move(msgspec.Struct, frozen=True, gc=False):
    """One interaction as the population counters see it."""

    row: int
    time: float
    gain: float
    before: tuple[int, ...]
    """Rows of the user's last items before this one, most recent first, at most `window`; empty when gain <= 0."""


class Counters:
    """Everything the population did. One writer; readers and the writer take turns through the caller's lock."""

    def __init__(self, config: CountsConfig) -> None:
        self._config = config
        self._decay = Decay(config.half_life_s)
        self.transitions = Transitions()
        self.popularity = Popularity()
        self.counted = 0
        """Interactions counted so far; pruning happens at its multiples of `prune_every`."""

    def ensure(self, rows: int) -> None:
        """Make room for item rows below `rows`."""
        self.transitions.ensure(rows)
        self.popularity.ensure(rows)

    def unit(self, now: float) -> float:
        """Fixed-point size of one fresh transition of weight 1 at `now`."""
        return UNIT * self._decay.factor(now)

    def add(self, moves: Sequence[Move]) -> None:
        """Count interactions in log order."""
        at = 0
        while at < len(moves):
            room = self._config.prune_every - self.counted % self._config.prune_every
            part = moves[at : at + room]
            self._add(part)
            self.counted += len(part)
            at += len(part)
            if self.counted % self._config.prune_every == 0:
                self.transitions.prune(self._config.successors)

    def _add(self, moves: Sequence[Move]) -> None:
        rows = np.array([move.row for move in moves], np.int32)
        times = np.array([move.time for move in moves])
        gains = np.array([move.gain for move in moves])
        self.popularity.add(rows, times, gains)
        lengths = np.array([len(move.before) for move in moves])
        source = np.array([row for move in moves for row in move.before], np.int32)
        owner = np.repeat(np.arange(len(moves)), lengths)
        distance = np.arange(len(source)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
        self._count_pairs(source, rows[owner], owner, gains[owner] / distance, times)

    def _count_pairs(
        self,
        source: Rows,
        target: Rows,
        owner: NDArray[np.int64],
        weight: NDArray[np.float64],
        times: NDArray[np.float64],
    ) -> None:
        """owner[i] is the interaction that pair i comes from; it is sorted."""
        other = source != target
        source, target, owner, weight = source[other], target[other], owner[other], weight[other]
        for start, stop, halvings, factors in self._decay.spans(times):
            self.transitions.halve(halvings)
            lo, hi = np.searchsorted(owner, (start, stop))
            span = slice(int(lo), int(hi))
            units = UNIT * weight[span] * factors[owner[span] - start]
            self.transitions.add(source[span], target[span], np.rint(units).astype(np.int64))
            if self._config.reverse > 0:
                back = np.rint(units * self._config.reverse).astype(np.int64)
                self.transitions.add(target[span], source[span], back)

    def forget(self, rows: Rows) -> None:
        """Remove items altogether, so that their rows can stand for others."""
        self.transitions.forget(rows)
        self.popularity.forget(rows)

    def dump(self) -> dict[str, bytes]:
        """Canonical bytes of everything counted."""
        head = np.array([self.counted, self._decay.clock])
        return {"head": head.tobytes(), **self.transitions.dump(), **self.popularity.dump()}

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Replace the content by what `dump` gave."""
        counted, self._decay.clock = np.frombuffer(parts["head"]).tolist()
        self.counted = int(counted)
        self.transitions.load(parts)
        self.popularity.load(parts)
