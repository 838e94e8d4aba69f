"""Columns of a history, and how times become buckets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.model.config import GAPS
from swerve.model.history import History, gap_buckets, gaps_of, log_gap


@given(st.floats(1, 2**40))
def test_a_bucket_holds_the_seconds_between_two_powers_of_two(seconds: float) -> None:
    bucket = int(gap_buckets(seconds))
    assert bucket == GAPS - 1 or 2 ** (bucket - 1) <= seconds < 2**bucket


def test_buckets_of_nothing_and_of_ages() -> None:
    assert gap_buckets(np.array([0.0, -5.0, 0.5, 1.0, 2.0, 3.9, 4.0, 1e300])).tolist() == [
        0,
        0,
        0,
        1,
        2,
        2,
        3,
        GAPS - 1,
    ]


def test_gaps_need_two_known_times() -> None:
    assert gaps_of(np.array([0.0, 100.0, 160.0, 0.0, 200.0, 150.0])).tolist() == [0, 0, 60, 0, 0, 0]
    assert gaps_of(np.array([5.0])).tolist() == [0]
    assert gaps_of(np.array([])).tolist() == []


def test_log_gap_is_in_hours() -> None:
    assert log_gap(np.array([0.0, 3600.0, -1.0])) == pytest.approx([0.0, np.log(2), 0.0])


def test_parts_of_a_history() -> None:
    history = History.of([1, 2, 3], [0, 1, 0], [10, 20, 30])
    assert history.last(2).items.tolist() == [2, 3]
    assert history.last(9).times.tolist() == [10, 20, 30]
    assert history.upto(1).actions.tolist() == [0]
    assert len(History.of([])) == 0
    with pytest.raises(ValueError, match="one length"):
        History.of([1, 2], [1])
