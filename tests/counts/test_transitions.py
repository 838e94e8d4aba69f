"""Transition counts against a plain dictionary, however the log is cut into batches."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swerve.counts.transitions import MAX_WEIGHT, Transitions

Pairs = list[tuple[int, int, int]]
pairs = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5000)), max_size=400)
cuts = st.lists(st.integers(0, 400), max_size=6)


def counted(given_pairs: Pairs, at: list[int] = []) -> Transitions:  # noqa: B006
    table = Transitions()
    table.ensure(64)
    edges = sorted({0, *(cut for cut in at if cut < len(given_pairs)), len(given_pairs)})
    for start, stop in itertools.pairwise(edges):
        part = np.array(given_pairs[start:stop], np.int64).reshape(-1, 3)
        table.add(part[:, 0].astype(np.int32), part[:, 1].astype(np.int32), part[:, 2])
    return table


def row(table: Transitions, source: int) -> dict[int, int]:
    columns, weights, lengths = table.gather(np.array([source], np.int32))
    assert lengths.tolist() == [len(columns)]
    return dict(zip(columns.tolist(), weights.tolist(), strict=True))


@given(pairs)
def test_counts_equal_a_dictionary(given_pairs: Pairs) -> None:
    weights: Counter[tuple[int, int]] = Counter()
    for source, target, units in given_pairs:
        weights[source, target] += units
    hits = Counter((source, target) for source, target, _ in given_pairs)

    table = counted(given_pairs)

    assert len(table) == len(hits)
    for source in range(41):
        assert row(table, source) == {t: w for (s, t), w in weights.items() if s == source}
        assert table.totals[source] == sum(w for (s, _), w in weights.items() if s == source)
        for target in range(41):
            assert table.hits(source, target) == hits[source, target]


@settings(max_examples=50)
@given(pairs, cuts)
def test_F3_the_bytes_do_not_depend_on_the_batches(given_pairs: Pairs, at: list[int]) -> None:
    whole, parts, one_by_one = counted(given_pairs), counted(given_pairs, at), counted(given_pairs, list(range(400)))
    assert whole.dump() == parts.dump() == one_by_one.dump()


@given(pairs)
def test_dump_and_load_round_trip(given_pairs: Pairs) -> None:
    table, again = counted(given_pairs), Transitions()
    again.load(table.dump())
    assert again.dump() == table.dump()
    again.ensure(64)
    part = np.array([[3, 5, 100]])
    for one in (table, again):
        one.add(part[:, 0].astype(np.int32), part[:, 1].astype(np.int32), part[:, 2])
    assert again.dump() == table.dump()


def test_a_large_batch_and_single_pairs_agree() -> None:
    rng = np.random.default_rng(7)
    given_pairs = list(
        zip((rng.zipf(1.3, 5000) % 40).tolist(), (rng.zipf(1.3, 5000) % 41).tolist(), [9] * 5000, strict=True)
    )
    assert counted(given_pairs).dump() == counted(given_pairs, list(range(0, 5000, 10))).dump()


def test_prune_keeps_the_heaviest_and_lower_rows_on_ties() -> None:
    table = counted([(1, 10, 5), (1, 11, 9), (1, 12, 5), (1, 13, 7), (2, 3, 1)])
    table.prune(3)
    assert row(table, 1) == {10: 5, 11: 9, 13: 7}
    assert row(table, 2) == {3: 1}
    assert table.totals[1] == 26, "what was pruned still counts in the total"
    assert table.hits(1, 12) == 0


def test_forget_removes_the_row_and_the_column() -> None:
    table = counted([(1, 2, 5), (2, 1, 6), (3, 2, 7), (3, 4, 8)])
    table.forget(np.array([2], np.int32))
    assert row(table, 1) == {}
    assert row(table, 2) == {}
    assert row(table, 3) == {4: 8}
    assert table.totals[2] == 0
    assert table.hits(3, 2) == 0
    assert table.hits(3, 4) == 1


def test_forgotten_rows_count_again_from_zero() -> None:
    table = counted([(1, 2, 5), (3, 2, 7)])
    table.forget(np.array([2], np.int32))
    table.add(np.array([3], np.int32), np.array([2], np.int32), np.array([4]))
    assert row(table, 3) == {2: 4}
    assert table.hits(3, 2) == 1


def test_halving_halves_weights_but_not_the_evidence() -> None:
    table = counted([(1, 2, 8), (1, 3, 5)])
    table.halve(1)
    assert row(table, 1) == {2: 4, 3: 2}
    assert table.totals[1] == 6
    assert table.hits(1, 2) == 1
    table.halve(100)
    assert row(table, 1) == {2: 0, 3: 0}


def test_weights_stop_at_the_largest_number_instead_of_wrapping() -> None:
    table = counted([(1, 2, MAX_WEIGHT - 3)])
    for _ in range(3):
        table.add(np.array([1], np.int32), np.array([2], np.int32), np.array([10]))
    many = np.full(200, 1, np.int32)
    table.add(many, many + 1, np.full(200, 10**8))
    assert row(table, 1) == {2: MAX_WEIGHT}


def test_rows_beyond_the_table_are_empty() -> None:
    table = Transitions()
    columns, _, lengths = table.gather(np.array([0, 5], np.int32))
    assert len(columns) == 0
    assert lengths.tolist() == [0, 0]
    assert table.hits(9, 9) == 0


@pytest.mark.parametrize("rows", [1, 300])
def test_ensure_keeps_what_was_counted(rows: int) -> None:
    table = counted([(1, 2, 5)])
    table.ensure(64 + rows)
    assert row(table, 1) == {2: 5}
    assert table.rows >= 64 + rows
