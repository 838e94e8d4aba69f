"""The codes on vectors of real headlines, the hardest kind: nearly as spread out as random ones."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

from swerve.encode.hashing import HashingEncoder
from swerve.retrieve.coded import CodedIndex
from swerve.types import Item


def test_nine_of_ten_neighbours_of_headlines_are_found(dataset: Callable[[str], Path]) -> None:
    with gzip.open(dataset("mind") / "news_small_train_titles.tsv.gz", "rt", encoding="utf-8") as file:
        items = [Item(id=line.split("\t")[0], title=line.rstrip("\n").split("\t")[2]) for line in file]
    vectors = HashingEncoder().encode(items)
    index = CodedIndex(64)
    index.update(np.arange(len(vectors), dtype=np.int32), vectors)
    queries = vectors[np.random.default_rng(0).permutation(len(vectors))[:200]]
    queries = queries[queries.any(axis=1)]
    products = np.sort(queries @ vectors.T, axis=1)
    _, scores = index.search(queries, 50)
    assert (scores >= products[:, -50:-49] - 1e-6).mean() >= 0.9
    assert (scores[:, :10] >= products[:, -10:-9] - 1e-6).mean() >= 0.97
