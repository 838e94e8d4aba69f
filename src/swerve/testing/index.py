"""What every VectorIndex owes its callers, as a check to run on your own: `check_index(factory)`.

An index may miss some of the best (`recall` says how many it must find), but what it answers must be true.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from swerve.protocols import VectorIndex
from swerve.testing.obligations import owes
from swerve.types import Floats, Rows

_owes = owes("a VectorIndex owes its callers")

_DIM = 24
_CLOSE = 1e-5
_K = 10


def check_index(factory: Callable[[int], VectorIndex], *, count: int = 2000, recall: float = 1.0) -> int:
    """Hold an index to the obligations of `VectorIndex`; raises AssertionError saying which one it breaks.

    `factory(dim)` makes an empty index; `count` vectors are put into it and it must find `recall` of the best ten.
    Returns how many checks were made.
    """
    checks = [_empty, _shapes, _truth, _recall, _changes, _removals, _many_as_one, _repeats, _copies]
    for check in checks:
        check(_Bench(factory, count, recall))
    return len(checks)


class _Bench:
    """An index, vectors to put into it, and the plain truth to compare it with."""

    def __init__(self, factory: Callable[[int], VectorIndex], count: int, recall: float) -> None:
        self.factory = factory
        self.recall = recall
        self.random = np.random.default_rng(7)
        self.rows: Rows = (self.random.permutation(3 * count)[:count]).astype(np.int32)
        self.vectors = self.unit(count)

    def unit(self, count: int) -> Floats:
        """Random unit vectors around a few centers, as embeddings are."""
        centers = np.random.default_rng(1).normal(size=(20, _DIM))
        raw = centers[self.random.integers(20, size=count)] + 0.7 * self.random.normal(size=(count, _DIM))
        vectors: Floats = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
        return vectors

    def filled(self) -> VectorIndex:
        index = self.factory(_DIM)
        for start in range(0, len(self.rows), 700):
            index.update(self.rows[start : start + 700], self.vectors[start : start + 700])
        return index

    def found(self, rows: Rows, queries: Floats, k: int = _K) -> float:
        """Share of the true best k that are among `rows` (q, k)."""
        truth = np.argsort(-(queries @ self.vectors.T), axis=1)[:, :k]
        both = [len(np.intersect1d(self.rows[best], given)) for best, given in zip(truth, rows, strict=True)]
        return float(np.mean(both)) / k


def _empty(bench: _Bench) -> None:
    index = bench.factory(_DIM)
    rows, _ = index.search(bench.unit(2), 3)
    _owes(rows.shape == (2, 3) and bool((rows == -1).all()), "row -1 for every place when it is empty")
    index.update(np.empty(0, np.int32), np.empty((0, _DIM), np.float32))
    index.update(np.array([4], np.int32), np.zeros((1, _DIM), np.float32))
    _owes(bool((index.search(bench.unit(1), 3)[0] == -1).all()), "rows without a vector are never found")
    index.update(np.array([4], np.int32), bench.unit(1))
    rows, _ = index.search(bench.unit(1), 3)
    _owes(rows[0].tolist() == [4, -1, -1], "row -1 for the places left when fewer than k rows are known")


def _shapes(bench: _Bench) -> None:
    index = bench.filled()
    for count, k in ((1, 1), (3, _K), (0, _K), (2, 0)):
        rows, scores = index.search(bench.unit(count), k)
        _owes(rows.shape == scores.shape == (count, k), f"(q, k) rows and scores for q = {count}, k = {k}")
        _owes(rows.dtype == np.int32 and scores.dtype == np.float32, "rows as int32, scores as float32")


def _truth(bench: _Bench) -> None:
    index, queries = bench.filled(), bench.unit(20)
    rows, scores = index.search(queries, _K)
    place = {row: number for number, row in enumerate(bench.rows.tolist())}
    for query, best, products in zip(queries, rows.tolist(), scores, strict=True):
        _owes(len(set(best)) == _K and set(best) <= place.keys(), "distinct rows that were put")
        true = bench.vectors[[place[row] for row in best]] @ query
        _owes(bool((np.abs(true - products) < _CLOSE).all()), "the true inner product of every row")
        _owes(bool((np.diff(products) <= 0).all()), "the best first")


def _recall(bench: _Bench) -> None:
    queries = bench.unit(100)
    found = bench.found(bench.filled().search(queries, _K)[0], queries)
    _owes(found >= bench.recall, f"{bench.recall:.0%} of the best {_K}; found {found:.1%}")


def _changes(bench: _Bench) -> None:
    index = bench.filled()
    moved = bench.random.permutation(len(bench.rows))[:300]
    fresh = bench.unit(300)
    for place, vector in zip(moved, fresh, strict=True):
        index.update(bench.rows[place : place + 1], vector[None])
    bench.vectors[moved] = fresh
    rows, scores = index.search(fresh[:50], 1)
    at_once = (rows[:, 0] == bench.rows[moved[:50]]).mean()
    _owes(at_once >= bench.recall and bool((scores <= 1 + _CLOSE).all()), "a changed vector is found at once")
    queries = bench.unit(50)
    _owes(bench.found(index.search(queries, _K)[0], queries) >= bench.recall, "an old vector is not found any more")


def _removals(bench: _Bench) -> None:
    index = bench.filled()
    gone = bench.random.permutation(len(bench.rows))[: len(bench.rows) // 2]
    index.update(bench.rows[gone], np.zeros((len(gone), _DIM), np.float32))
    index.update(bench.rows[gone[:5]], np.zeros((5, _DIM), np.float32))
    rows, _ = index.search(bench.vectors[gone[:50]], _K)
    _owes(not np.isin(rows, bench.rows[gone]).any(), "a zero vector removes its row")
    bench.rows, bench.vectors = np.delete(bench.rows, gone), np.delete(bench.vectors, gone, axis=0)
    queries = bench.unit(50)
    _owes(bench.found(index.search(queries, _K)[0], queries) >= bench.recall, "the other rows stay when some go")


def _many_as_one(bench: _Bench) -> None:
    index, queries = bench.filled(), bench.unit(10)
    rows, scores = index.search(queries, _K)
    for place, query in enumerate(queries):
        alone, products = index.search(query[None], _K)
        same = (alone[0] == rows[place]).all() and (products[0] == scores[place]).all()
        _owes(bool(same), "the same answer to a query alone and in a batch")


def _repeats(bench: _Bench) -> None:
    queries = bench.unit(10)
    once, again = bench.filled().search(queries, _K), bench.filled().search(queries, _K)
    _owes(bool((once[0] == again[0]).all() and (once[1] == again[1]).all()), "the same answer after the same updates")
    twin = bench.factory(_DIM)
    twin.update(np.array([9, 2, 5], np.int32), np.repeat(bench.vectors[:1], 3, axis=0))
    _owes(twin.search(bench.vectors[:1], 3)[0].tolist() == [[2, 5, 9]], "the lower row first where scores are equal")


def _copies(bench: _Bench) -> None:
    index, given = bench.factory(_DIM), bench.vectors[:5].copy()
    index.update(np.arange(5, dtype=np.int32), given)
    before = index.search(bench.vectors[:5], 5)
    given[:] = 0
    before[0][:] = -9
    after = index.search(bench.vectors[:5], 5)
    _owes(after[0][:, 0].tolist() == [0, 1, 2, 3, 4], "its own copy of what it was given, and answers of their own")
