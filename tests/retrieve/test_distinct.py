"""`distinct` is np.unique for rows, only faster."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from swerve.retrieve.merge import distinct


@given(st.lists(st.integers(0, 50), max_size=60))
def test_each_row_once_in_order(rows: list[int]) -> None:
    given_rows = np.array(rows, np.int32)

    found = distinct(given_rows)

    assert found.dtype == np.int32
    assert found.tolist() == sorted(set(rows))
    assert given_rows.tolist() == rows
