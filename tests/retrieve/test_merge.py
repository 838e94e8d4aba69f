"""Merging sources: one column each, nothing lost, ties settled by row; and the user's own items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.retrieve.config import RetrieveConfig
from swerve.retrieve.merge import gather, only, strongest
from swerve.retrieve.own import OwnHistory
from swerve.types import Floats, Query, Rows

from .worlds import query


class Says:
    """A source that always says the same."""

    def __init__(self, name: str, said: dict[int, float]) -> None:
        self.name = name
        self._said = said

    def retrieve(self, query: Query) -> tuple[Rows, Floats]:
        return np.array(list(self._said), np.int32), np.array(list(self._said.values()), np.float32)


def test_each_source_has_its_column() -> None:
    merged = gather(query([1]), [Says("a", {5: 0.5, 2: 1.0}), Says("b", {}), Says("c", {5: 0.25, 9: 2.0})])
    assert merged.sources == ("a", "b", "c")
    assert merged.rows.tolist() == [2, 5, 9]
    assert merged.columns.tolist() == [[1.0, 0.5, 0.0], [0, 0, 0], [0.0, 0.25, 2.0]]


def test_no_source_no_candidates() -> None:
    merged = gather(query([1]), [])
    assert len(merged.rows) == 0
    assert merged.columns.shape == (0, 0)


@given(st.dictionaries(st.integers(0, 100), st.sampled_from([0.1, 0.2, 0.3, 0.4]), min_size=1), st.integers(1, 50))
def test_strongest_keeps_the_best_and_ties_go_to_the_lower_row(said: dict[int, float], k: int) -> None:
    rows, scores = Says("a", said).retrieve(query([]))
    kept, kept_scores = strongest(rows, scores, k)
    expected = sorted(said, key=lambda row: (-np.float32(said[row]), row))[:k]
    assert sorted(kept.tolist()) == sorted(expected)
    assert all(np.float32(said[row]) == score for row, score in zip(kept.tolist(), kept_scores, strict=True))


def test_k_bounds_what_each_source_may_bring() -> None:
    merged = gather(query([1], k=2), [Says("a", {row: row / 10 for row in range(1, 9)})])
    assert merged.rows.tolist() == [7, 8]


def test_own_items_score_by_how_lately_they_were_touched() -> None:
    config = RetrieveConfig(repeat_decay=0.5, repeat_last=0.2)
    rows, scores = OwnHistory(config).retrieve(query([7, 3, 7]))
    assert rows.tolist() == [3, 7]
    assert scores.tolist() == pytest.approx([0.5, 0.2 + 0.25])


def test_own_items_stay_out_when_repeats_make_no_sense() -> None:
    rows, _ = OwnHistory(RetrieveConfig(repeat=False)).retrieve(query([7, 3]))
    assert len(rows) == 0


def test_only_keeps_what_was_said_of_some_rows_and_zeros_for_the_others() -> None:
    merged = gather(query([1]), [Says("a", {5: 0.5, 2: 1.0}), Says("c", {5: 0.25, 9: 2.0})])
    some = only(merged, np.array([5, 7], np.int32))
    assert some.rows.tolist() == [5, 7]
    assert some.columns.tolist() == [[0.5, 0.0], [0.25, 0.0]]
