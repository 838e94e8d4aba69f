"""The index for many vectors: every vector has a code of 256 bits, and only where codes agree is anything multiplied.

Each bit says on which side of a plane the vector lies, so the number of bits in which two codes differ estimates the
angle between them. A search narrows down in three steps: all rows by 128 bits (two machine instructions for each 64),
the nearest of these by all 256, and the shortlist that is left by exact inner products. Nothing has to be trained or
rebuilt: a vector put now is found by the next search at the same cost, which is what a catalog that changes all the
time needs.

What it misses: a few percent of the far end of the best k, more when vectors hardly differ. Where codes cannot tell
items apart (a quarter of all is left after the first step) the search is exact.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from swerve.retrieve.index_config import IndexConfig
from swerve.retrieve.packed import Packed, answers, checked_queries, checked_update
from swerve.types import Floats, Rows

Codes = NDArray[np.uint64]
_CODE_WORDS = 4
_FIRST_WORDS = 2
_BITS = 64 * _CODE_WORDS
_FIRST_STEP = 4
"""The first step leaves this many times as many as the second."""
_USUAL = 100_000
_COUNTED = 2500
"""About so many of the distances are counted to find where to cut."""


class CodedIndex:
    """Search by inner product: exact below `exact_below` rows, nearly exact above. Threads may share it."""

    def __init__(self, dim: int, config: IndexConfig | None = None) -> None:
        self._config = config or IndexConfig()
        self._packed = Packed(dim)
        self._planes = _planes(dim, self._config.seed)
        self._coding = False
        self._offsets: Floats = np.zeros(_BITS, np.float32)
        """How far each plane is from the origin: they meet in the mean of the first vectors, where most can be told
        apart (vectors of pretrained encoders often all lie on one side)."""
        self._codes: Codes = np.zeros((_CODE_WORDS, 0), np.uint64)
        self._differing: Codes = np.zeros(0, np.uint64)
        self._distances = np.zeros((_FIRST_WORDS, 0), np.uint8)
        self._near = np.zeros(0, np.bool_)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Rows that can be found."""
        return self._packed.size

    def update(self, rows: Rows, vectors: Floats) -> None:
        """Put vectors (n, dim) at rows (n,); a zero vector removes a row. Raises InvalidInput, changing nothing."""
        rows, vectors = checked_update(rows, vectors, self._packed.dim)
        full = vectors.any(axis=1)
        with self._lock:
            places = self._packed.put(rows[full], vectors[full])
            if self._coding:
                self._code(places)
            elif self._packed.size >= self._config.exact_below:
                self._coding = True
                self._offsets = self._packed.vectors[: self._packed.size].mean(axis=0) @ self._planes
                self._code(np.arange(self._packed.size))
            for row in rows[~full].tolist():
                moved, to = self._packed.drop(row)
                if self._coding and moved >= 0:
                    self._codes[:, to] = self._codes[:, moved]

    def search(self, queries: Floats, k: int) -> tuple[Rows, Floats]:
        """The k best rows and inner products for queries (q, dim): (q, k) each, best first; none: -1 and -inf.

        Raises InvalidInput for queries of another shape or with numbers that are not finite.
        """
        queries = checked_queries(queries, self._packed.dim)
        rows, scores = answers(len(queries), k)
        for place, query in enumerate(queries):
            with self._lock:
                best, products = self._packed.best(query, k, self._shortlist(query, k))
            rows[place, : len(best)], scores[place, : len(best)] = best, products
        return rows, scores

    def _shortlist(self, query: Floats, k: int) -> NDArray[np.int64] | None:
        """Places worth multiplying with, None = all of them."""
        size = self._packed.size
        # The best k of more items are nearer, so the shortlist need not grow as fast as the catalog.
        wanted = int(max(self._config.shortlist, 20 * k) * max(1.0, (size / _USUAL) ** 0.5))
        if not self._coding or size < self._config.exact_below or 4 * _FIRST_STEP * wanted > size or not query.any():
            return None
        code = self._coded(query[None])[:, 0]
        distances = self._differences(code)
        step = max(size // _COUNTED, 1)
        cut = _cut(distances[::step], _FIRST_STEP * wanted // step)
        near = np.flatnonzero(np.less_equal(distances, cut, out=self._near[:size]))
        if 4 * len(near) > size:
            return None
        totals = distances.take(near)
        for word in range(_FIRST_WORDS, _CODE_WORDS):
            totals += np.bitwise_count(self._codes[word].take(near) ^ code[word])
        nearest: NDArray[np.int64] = near.compress(totals <= _cut(totals, wanted))
        return nearest

    def _differences(self, code: Codes) -> NDArray[np.uint8]:
        """(size,) how many of the first bits of each place's code differ from this one."""
        size = self._packed.size
        differing, distances = self._differing[:size], self._distances[:, :size]
        for word, count in zip(range(_FIRST_WORDS), distances, strict=True):
            np.bitwise_xor(self._codes[word, :size], code[word], out=differing)
            np.bitwise_count(differing, out=count)
        total: NDArray[np.uint8] = np.add(distances[0], distances[1], out=distances[0])
        return total

    def _code(self, places: NDArray[np.int64]) -> None:
        capacity = len(self._packed.rows)
        if capacity > self._codes.shape[1]:
            grown = np.zeros((_CODE_WORDS, capacity), np.uint64)
            grown[:, : self._codes.shape[1]] = self._codes
            self._codes = grown
            self._differing = np.zeros(capacity, np.uint64)
            self._distances = np.zeros((_FIRST_WORDS, capacity), np.uint8)
            self._near = np.zeros(capacity, np.bool_)
        for start in range(0, len(places), 8192):
            some = places[start : start + 8192]
            self._codes[:, some] = self._coded(self._packed.vectors[some])

    def _coded(self, vectors: Floats) -> Codes:
        """(words, n) codes of vectors (n, dim)."""
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        bits = vectors @ self._planes > lengths[:, None] * self._offsets
        return np.packbits(bits, axis=1).view(np.uint64).T


def _cut(distances: NDArray[np.uint8], wanted: int) -> int:
    """The smallest distance that about `wanted` do not exceed, at most 127: two of them fit into 8 bits."""
    reached = np.bincount(distances, minlength=_BITS).cumsum()
    # A Python int: a NumPy integer would widen all that it is compared with to 64 bits.
    return min(int(reached.searchsorted(min(wanted, len(distances)))), _BITS // 2 - 1)


def _planes(dim: int, seed: int) -> Floats:
    """(dim, bits) normals of random planes, in groups at right angles to each other: they repeat less."""
    random = np.random.default_rng(seed)
    groups = [random.standard_normal((dim, 64)) for _ in range(_CODE_WORDS)]
    if dim >= 64:
        groups = [np.linalg.qr(group)[0] for group in groups]
    return np.concatenate(groups, axis=1).astype(np.float32)
