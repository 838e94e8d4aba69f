"""Batches hold every row once, rows of like length together, and never more than their bound unless a row alone is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from swerve.encode.batches import by_length


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 200))
def test_every_row_comes_once_and_the_bound_holds(lengths: list[int], most: int) -> None:
    rows = [[0] * length for length in lengths]
    batches = list(by_length(rows, most))
    assert sorted(place for batch in batches for place in batch) == list(range(len(rows)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= most
    order = [lengths[place] for batch in batches for place in batch]
    assert order == sorted(order)


def test_no_batch_could_take_the_next_row_too() -> None:
    assert list(by_length([[1], [1] * 9, [1] * 2, [1] * 3], 9)) == [[0, 2, 3], [1]]
