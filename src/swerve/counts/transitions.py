"""Who went on from what to what: decayed transition counts, item by item, with the exact evidence kept beside them.

Row `a` holds the followers of item `a`: their decayed weights (fixed point, see `decay`) and how often each followed
at all (never decayed: the evidence shown to people). Everything is integer and pruning happens at fixed counts, so
the content depends on the log alone, not on how it was cut into batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swerve.counts.pool import Ints, Pool, room_for
from swerve.types import Rows

MAX_WEIGHT = int(np.iinfo(np.int32).max)
FEW = 96
"""Below this many pairs a plain loop is faster than passes over arrays."""


class Transitions:
    """Sparse matrix item x item that learns in O(pairs) and is read row by row."""

    def __init__(self) -> None:
        self._pool = Pool()
        self.totals = np.zeros(0, np.int64)
        """Decayed sum of each row, pruned entries included, fixed point (rows,)."""
        self.forgotten = 0
        """How often items were removed: whoever remembers rows compares it."""

    def __len__(self) -> int:
        """Number of pairs kept."""
        return int(self._pool.length.sum())

    @property
    def rows(self) -> int:
        """Number of item rows there is room for."""
        return len(self.totals)

    def ensure(self, rows: int) -> None:
        """Make room for item rows below `rows`."""
        if rows <= self.rows:
            return
        self._pool.ensure(rows)
        self.totals = np.pad(self.totals, (0, len(self._pool.start) - len(self.totals)))

    def add(self, source: Rows, target: Rows, units: Ints) -> None:
        """Count pairs source[i] -> target[i] with fixed-point weight units[i] >= 0, each (n,)."""
        if len(source) < FEW:
            for pair in zip(source.tolist(), target.tolist(), units.tolist(), strict=True):
                self._add_one(*pair)
        else:
            self._add_many(source, target, units)

    def _add_one(self, source: int, target: int, units: int) -> None:
        pool = self._pool
        self.totals[source] += units
        slot, known = pool.slot(source, target)
        if not known:
            slot = pool.insert_one(source, target, slot)
        pool.weights[slot] = min(int(pool.weights[slot]) + units, MAX_WEIGHT)
        pool.hits[slot] += 1

    def _add_many(self, source: Rows, target: Rows, units: Ints) -> None:
        keys, inverse = np.unique((source.astype(np.int64) << 32) | target, return_inverse=True)
        weights = np.bincount(inverse, weights=units).astype(np.int64)
        hits = np.bincount(inverse).astype(np.int32)
        owners, columns = keys >> 32, (keys & 0xFFFFFFFF).astype(np.int32)
        np.add.at(self.totals, owners, weights)
        pool = self._pool
        slots = pool.find(owners, columns)
        known, new = slots >= 0, slots < 0
        at = slots[known]
        pool.weights[at] = np.minimum(pool.weights[at] + weights[known], MAX_WEIGHT)
        pool.hits[at] += hits[known]
        at = pool.insert(owners[new], columns[new])
        pool.weights[at] = np.minimum(weights[new], MAX_WEIGHT)
        pool.hits[at] = hits[new]

    def halve(self, times: int) -> None:
        """Let `times` half-lives pass."""
        if times > 0:
            np.right_shift(self._pool.weights, min(times, 31), out=self._pool.weights)
            np.right_shift(self.totals, min(times, 63), out=self.totals)

    def prune(self, keep: int) -> None:
        """Cut every row to its `keep` heaviest entries (ties: the lower item row stays)."""
        long = np.flatnonzero(self._pool.length > keep)
        if len(long) == 0:
            return
        owners, slots = self._pool.entries(long)
        keys = (self._pool.weights[slots].astype(np.int64) << 32) - self._pool.columns[slots]
        ends = np.cumsum(self._pool.length[long]).tolist()
        best = np.concatenate(
            [start + np.argpartition(keys[start:stop], -keep)[-keep:] for start, stop in pairwise([0, *ends])]
        )
        self._pool.rebuild(long, (owners[best], slots[best]), room_for(np.full(len(long), keep)))

    def forget(self, rows: Rows) -> None:
        """Remove items altogether: their own rows, and their column in every other row."""
        self.forgotten += 1
        gone = np.unique(rows[rows < self.rows]).astype(np.int64)
        self.totals[gone] = 0
        live = np.flatnonzero(self._pool.length)
        owners, slots = self._pool.entries(live)
        stays = ~(np.isin(self._pool.columns[slots], rows) | np.isin(owners, gone))
        hurt = np.unique(owners[~stays])
        if len(hurt):
            kept = stays & np.isin(owners, hurt)
            self._pool.rebuild(hurt, (owners[kept], slots[kept]), self._pool.room[hurt].copy())

    def gather(self, rows: Rows) -> tuple[Rows, NDArray[np.int32], Ints]:
        """Entries of several rows, one row after the other: (columns, weights, entries per row)."""
        pool, limit = self._pool, self.rows
        lengths = np.zeros(len(rows), np.int64)
        columns, weights = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
        for at, row in enumerate(rows.tolist()):  # a few dozen rows at most: slices beat index arrays
            if row < limit:
                run = slice(pool.start[row], pool.start[row] + pool.room[row])
                columns.append(pool.columns[run])
                weights.append(pool.weights[run])
                lengths[at] = pool.length[row]
        slots = np.concatenate(columns)
        held = np.flatnonzero(slots >= 0)
        return slots[held], np.concatenate(weights)[held], lengths

    def hits(self, source: int, target: int) -> int:
        """How often `target` followed `source` within the window: exact, undecayed (0 once pruned away)."""
        if source >= self.rows:
            return 0
        slot, known = self._pool.slot(source, target)
        return int(self._pool.hits[slot]) if known else 0

    def dump(self) -> dict[str, bytes]:
        """Canonical bytes: rows in order, entries by item row."""
        used = np.flatnonzero(self.totals | self._pool.length)
        last = int(used[-1]) + 1 if len(used) else 0
        owners, slots = self._pool.entries(np.arange(last))
        slots = slots[np.lexsort((self._pool.columns[slots], owners))]
        arrays: dict[str, NDArray[Any]] = {
            "lengths": self._pool.length[:last],
            "totals": self.totals[:last],
            "columns": self._pool.columns[slots],
            "weights": self._pool.weights[slots],
            "hits": self._pool.hits[slots],
        }
        return {name: array.tobytes() for name, array in arrays.items()}

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Replace the content by what `dump` gave."""
        lengths = np.frombuffer(parts["lengths"], np.int64)
        self._pool = Pool()
        self.totals = np.zeros(0, np.int64)
        self.ensure(len(lengths))
        self.totals[: len(lengths)] = np.frombuffer(parts["totals"], np.int64)
        owners = np.repeat(np.arange(len(lengths)), lengths)
        slots = self._pool.insert(owners, np.frombuffer(parts["columns"], np.int32))
        self._pool.weights[slots] = np.frombuffer(parts["weights"], np.int32)
        self._pool.hits[slots] = np.frombuffer(parts["hits"], np.int32)
