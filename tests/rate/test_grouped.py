"""Sums over each owner's ratings are exact however many there are; traits are the singular vectors they claim to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.rate import grouped as module
from swerve.rate.grouped import STRETCH, Grouped
from swerve.rate.traits import traits

RATINGS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=60)


@given(RATINGS)
def test_sums_and_moments_are_those_of_a_plain_loop(pairs: list[tuple[int, int]]) -> None:
    owner, other = np.array(pairs, np.int64).reshape(-1, 2).T
    rng = np.random.default_rng(0)
    values, target = rng.standard_normal((5, 3)).astype(np.float32), rng.standard_normal(len(pairs)).astype(np.float32)

    ratings = Grouped(owner, other, 7, 5)

    sums, squares, products = np.zeros((7, 3)), np.zeros((7, 3, 3)), np.zeros((7, 3))
    for number, (mine, its) in enumerate(pairs):
        sums[mine] += values[its]
        squares[mine] += np.outer(values[its], values[its])
        products[mine] += values[its] * target[number]
    assert ratings.sums(values) == pytest.approx(sums, abs=1e-4)
    seen = []
    for block, x, y in ratings.moments(values, target):
        seen += block.owners.tolist()
        assert x == pytest.approx(squares[block.owners], abs=1e-4)
        assert y == pytest.approx(products[block.owners], abs=1e-4)
    assert sorted(seen) == list(range(7))


def test_blocks_are_small_and_hardly_padded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", 500)
    owner = np.repeat(np.arange(100), np.arange(100) ** 2 // 20)

    ratings = Grouped(owner, np.zeros_like(owner), 100, 1)

    for block in ratings.blocks:
        lengths = ratings.counts[block.owners]
        assert block.others.size <= 500 or len(block.owners) == 1
        assert lengths.max() <= max(8, STRETCH * lengths.min())
        assert block.others.shape[1] == max(lengths.max(), 1)


def test_traits_are_the_strongest_directions_of_who_rated_what() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(3, size=60), rng.integers(3, size=40)
    rated = rng.random((60, 40)) < np.where(groups[0][:, None] == groups[1], 0.6, 0.05)
    users, items = np.nonzero(rated)
    by_user, by_item = Grouped(users, items, 60, 40), Grouped(items, users, 40, 60)

    found = traits(by_user, by_item, 3, np.random.default_rng(1))

    left, strength, _ = np.linalg.svd(rated / np.sqrt(rated.sum(axis=1, keepdims=True)), full_matrices=False)
    assert np.abs(found) == pytest.approx(np.abs(left[:, :3] * strength[:3]), abs=0.01)
    assert found.T @ found == pytest.approx(np.diag(strength[:3] ** 2), abs=1e-3)


def test_there_are_no_more_traits_than_directions() -> None:
    users, items = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    by_user, by_item = Grouped(users, items, 3, 2), Grouped(items, users, 2, 3)

    assert traits(by_user, by_item, 50, np.random.default_rng(0)).shape == (3, 2)
    assert traits(by_user, by_item, 0, np.random.default_rng(0)).shape == (3, 0)
