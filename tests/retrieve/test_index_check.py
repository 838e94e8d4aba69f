"""The shipped check of indexes finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from swerve.retrieve.exact import ExactIndex
from swerve.testing.index import check_index
from swerve.types import Floats, Rows


class Broken:
    """An exact index with one thing wrong."""

    def __init__(self, wrong: str, dim: int) -> None:
        self.wrong = wrong
        self.inner = ExactIndex(dim)
        self.seen: set[int] = set()
        self.calls = 0
        self.given: list[tuple[Rows, Floats]] = []

    def update(self, rows: Rows, vectors: Floats) -> None:
        self.calls += 1
        match self.wrong:
            case "keeps the first":
                kept = np.array([row not in self.seen for row in rows.tolist()], bool)
                self.seen |= set(rows.tolist())
                rows, vectors = rows[kept], vectors[kept]
            case "never removes":
                rows, vectors = rows[vectors.any(axis=1)], vectors[vectors.any(axis=1)]
            case "forgets" if len(rows) > 100:
                rows, vectors = rows[:-90], vectors[:-90]
            case "borrows":
                self.given.append((rows, vectors))
        self.inner.update(rows, vectors)

    def search(self, queries: Floats, k: int) -> tuple[Rows, Floats]:
        self.calls += 1
        for rows, vectors in self.given:
            self.inner.update(rows, vectors)
        rows, scores = self.inner.search(queries, k)
        match self.wrong:
            case "zero for none":
                rows = np.maximum(rows, 0)
            case "wide":
                return rows.astype(np.int64), scores  # type: ignore[return-value]
            case "worst first":
                return rows[:, ::-1], scores[:, ::-1]
            case "invents scores":
                scores = scores + np.float32(0.01)
            case "repeats" if k > 1:
                rows[:, -1], scores[:, -1] = rows[:, -2], scores[:, -2]
            case "batches" if len(queries) > 1:
                scores = scores * np.float32(1 - 1e-6)
            case "higher row first":
                order = np.lexsort((-rows, -scores))
                rows, scores = np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
            case "short":
                return rows[:, : max(k - 1, 0)], scores[:, : max(k - 1, 0)]
        return rows, scores


WRONG = ["keeps the first", "never removes", "forgets", "borrows", "zero for none", "wide", "worst first"]


@pytest.mark.parametrize("wrong", [*WRONG, "invents scores", "repeats", "batches", "higher row first", "short"])
def test_a_broken_index_is_found(wrong: str) -> None:
    with pytest.raises(AssertionError, match="a VectorIndex owes its callers"):
        check_index(partial(Broken, wrong))


def test_nothing_wrong_passes() -> None:
    factory: Callable[[int], Broken] = partial(Broken, "nothing")
    assert check_index(factory) == 9
