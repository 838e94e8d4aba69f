"""Rows of tokens: batches of like length, each row once, within their bound; pooling and padding by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.encode.tokens import by_length, encoded, padded, pooled, unit


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


def test_pooling_and_padding_by_hand() -> None:
    tokens, mask = padded([[5, 6], [7, 8, 9]])
    assert tokens.tolist() == [[5, 6, 0], [7, 8, 9]]
    states = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    assert pooled(states, mask, "cls").tolist() == [[0, 1], [6, 7]]
    assert pooled(states, mask, "last").tolist() == [[2, 3], [10, 11]]
    assert pooled(states, mask, "mean") == pytest.approx(np.array([[1, 2], [8, 9]]))


def test_rows_without_tokens_are_not_run_and_stay_zero() -> None:
    def run(tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
        assert mask.any(axis=1).all()
        return np.stack([tokens, 2 * tokens], axis=2).astype(np.float32)

    found = encoded([[], [3], [], [4, 4]], run, "mean", 2)
    assert found == pytest.approx(np.array([[0, 0], [0.2**0.5, 0.8**0.5]] * 2))
    assert encoded([], run, "mean", 2).shape == (0, 2)


def test_vectors_that_a_model_has_pooled_itself_are_taken() -> None:
    found = encoded([[3], [4]], lambda tokens, mask: np.concatenate([tokens, 0 * tokens], axis=1), "mean", 2)
    assert found.tolist() == [[1, 0], [1, 0]]


def test_rows_of_unit_length() -> None:
    assert unit([[3.0, 4.0], [0.0, 0.0]]) == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))
    assert unit(np.ones((2, 4), np.float16)).dtype == np.float32
