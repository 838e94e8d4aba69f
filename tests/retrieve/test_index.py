"""Vector indexes: the same obligations for all, exactness where promised, and what the codes may miss."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swerve.errors import ConfigError, InvalidInput
from swerve.protocols import VectorIndex
from swerve.retrieve.coded import CodedIndex
from swerve.retrieve.exact import ExactIndex
from swerve.retrieve.index import make_index
from swerve.retrieve.index_config import IndexConfig
from swerve.testing.index import check_index
from swerve.types import Floats, Rows

EAGER = IndexConfig(exact_below=300, shortlist=100)
"""Codes from the start, so that small tests meet them."""


def unit(count: int, dim: int = 64, seed: int = 0, spread: float = 1.0, centers: int = 50) -> Floats:
    random = np.random.default_rng(seed)
    middle = np.random.default_rng(99).normal(size=(centers, dim))
    raw = middle[random.integers(centers, size=count)] + spread * random.normal(size=(count, dim))
    vectors: Floats = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def one_sided(count: int, seed: int = 0) -> Floats:
    """Vectors that have most of their length in common."""
    aside = unit(count, spread=3, seed=seed) + 2.0 * unit(1, seed=8)
    vectors: Floats = (aside / np.linalg.norm(aside, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def rows_to(count: int) -> Rows:
    return np.arange(count, dtype=np.int32)


def filled(index: VectorIndex, vectors: Floats) -> VectorIndex:
    index.update(rows_to(len(vectors)), vectors)
    return index


def recall(index: VectorIndex, vectors: Floats, queries: Floats, k: int) -> float:
    """Share of answers as good as the k-th best, so that equal scores do not count against an index."""
    worst = np.sort(queries @ vectors.T, axis=1)[:, -k]
    return float((index.search(queries, k)[1] >= worst[:, None] - 1e-6).mean())


# --- what all owe ---


def test_exact_keeps_what_indexes_owe() -> None:
    assert check_index(ExactIndex) == 9


def test_coded_keeps_what_indexes_owe_while_it_is_exact() -> None:
    assert check_index(CodedIndex) == 9


def test_coded_keeps_what_indexes_owe_when_it_goes_by_codes() -> None:
    assert check_index(lambda dim: CodedIndex(dim, EAGER), count=6000, recall=0.85) == 9


def test_make_index_takes_what_the_settings_say() -> None:
    assert isinstance(make_index(IndexConfig(), 8), CodedIndex)
    assert isinstance(make_index(IndexConfig(kind="exact"), 8), ExactIndex)


@pytest.mark.parametrize("index", [ExactIndex(4), CodedIndex(4)])
def test_wrong_input_is_refused_and_changes_nothing(index: ExactIndex | CodedIndex) -> None:
    filled(index, np.eye(4, dtype=np.float32))
    nan = np.full((1, 4), np.nan, np.float32)
    wrong = [
        (rows_to(1), nan),
        (rows_to(2), nan[:, :3]),
        (rows_to(2), np.ones((1, 4), np.float32)),
        (np.array([-1], np.int32), np.ones((1, 4), np.float32)),
    ]
    for rows, vectors in wrong:
        with pytest.raises(InvalidInput):
            index.update(rows, vectors)
    for queries in (nan, np.ones((1, 3), np.float32), np.ones(4, np.float32)):
        with pytest.raises(InvalidInput):
            index.search(queries, 1)
    with pytest.raises(InvalidInput):
        index.search(np.ones((1, 4), np.float32), -1)
    assert len(index) == 4
    assert index.search(np.eye(4, dtype=np.float32), 1)[0][:, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("index", [ExactIndex(4), CodedIndex(4)])
def test_of_a_row_named_twice_the_last_counts(index: VectorIndex) -> None:
    index.update(np.array([7, 7, 7], np.int32), np.eye(4, dtype=np.float32)[:3])
    rows, scores = index.search(np.eye(4, dtype=np.float32)[2:3], 2)
    assert rows.tolist() == [[7, -1]]
    assert scores.tolist() == [[1.0, -np.inf]]


@pytest.mark.parametrize("index", [ExactIndex(4), CodedIndex(4)])
def test_a_query_that_says_nothing_finds_the_lowest_rows(index: VectorIndex) -> None:
    filled(index, unit(20, 4))
    rows, scores = index.search(np.zeros((1, 4), np.float32), 3)
    assert rows.tolist() == [[0, 1, 2]]
    assert not scores.any()


steps = st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 12)), max_size=60)


@given(steps, st.booleans())
@settings(max_examples=60)
def test_any_updates_leave_what_a_dictionary_would(changes: list[tuple[int, int]], coded: bool) -> None:
    """Given puts and removals in any order, then a search finds exactly the rows and vectors that are left."""
    pool = unit(13, 8)
    index: VectorIndex = CodedIndex(8, IndexConfig(exact_below=5)) if coded else ExactIndex(8)
    left: dict[int, int] = {}
    for row, which in changes:
        vector = np.zeros((1, 8), np.float32) if which < 0 else pool[which : which + 1]
        index.update(np.array([row], np.int32), vector)
        left.pop(row, None) if which < 0 else left.update({row: which})
    query = unit(1, 8, seed=3)
    rows, scores = index.search(query, 40)
    kept = len(left)
    assert set(rows[0, :kept].tolist()) == set(left)
    assert (rows[0, kept:] == -1).all()
    true = np.array([pool[left[row]] @ query[0] for row in rows[0, :kept].tolist()])
    assert np.allclose(scores[0, :kept], true, atol=1e-6)


# --- exact ---


@pytest.mark.parametrize("count", [1, 7, 1000, 4099])
def test_equal_vectors_have_equal_scores_wherever_they_lie(count: int) -> None:
    vectors = np.repeat(unit(1), count, axis=0)
    index = filled(ExactIndex(64), vectors)
    rows, scores = index.search(unit(5, seed=2), 5)
    assert (rows == np.where(np.arange(5) < count, np.arange(5), -1)).all()
    assert (scores[:, : min(count, 5)] == scores[:, :1]).all()


def test_exact_is_exact() -> None:
    vectors, queries = unit(3000), unit(50, seed=1)
    rows, scores = filled(ExactIndex(64), vectors).search(queries, 20)
    wide = vectors.astype(np.float64) @ queries.astype(np.float64).T
    for place in range(50):
        order = np.lexsort((rows_to(3000), -wide[:, place].astype(np.float32)))[:20]
        assert rows[place].tolist() == order.tolist()
        assert np.allclose(scores[place], wide[order, place], atol=1e-7)


# --- codes ---


def test_it_is_exact_while_small_and_again_after_shrinking() -> None:
    index, vectors, queries = CodedIndex(64, EAGER), unit(8000, spread=3), unit(50, seed=1, spread=3)
    filled(index, vectors[:299])
    assert recall(index, vectors[:299], queries, 5) == 1.0
    filled(index, vectors)
    assert recall(index, vectors, queries, 5) < 1.0
    index.update(rows_to(8000)[290:], np.zeros((7710, 64), np.float32))
    assert recall(index, vectors[:290], queries, 5) == 1.0


def test_a_longer_shortlist_misses_less() -> None:
    vectors, queries = unit(20_000, spread=3), unit(60, seed=1, spread=3)
    found = [
        recall(filled(CodedIndex(64, IndexConfig(exact_below=1, shortlist=length)), vectors), vectors, queries, 5)
        for length in (100, 300, 1000)
    ]
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.93


@pytest.mark.parametrize(("spread", "centers"), [(1.0, 500), (0.2, 500), (0.4, 50)])
def test_grouped_vectors_are_found(spread: float, centers: int) -> None:
    vectors = unit(30_000, spread=spread, centers=centers)
    index = filled(CodedIndex(64), vectors)
    assert recall(index, vectors, vectors[:100], 50) >= 0.95


def test_vectors_that_all_lie_on_one_side_are_told_apart() -> None:
    """Raw vectors of pretrained encoders have a large common part: planes through the origin would not split them."""
    vectors = one_sided(20_000)
    index = filled(CodedIndex(64, IndexConfig(exact_below=5000, shortlist=1000)), vectors)
    assert recall(index, vectors, vectors[:60], 20) >= 0.9


def test_codes_that_tell_nothing_apart_are_not_trusted() -> None:
    vectors = np.repeat(unit(2), 10_000, axis=0)
    index = filled(CodedIndex(64, EAGER), vectors)
    rows, _ = index.search(vectors[:1], 10)
    assert rows[0].tolist() == list(range(10))


def test_codes_stay_with_their_rows_when_others_go() -> None:
    vectors, queries = unit(30_000, spread=3), unit(60, seed=1, spread=3)
    index = filled(CodedIndex(64, EAGER), vectors)
    before = recall(index, vectors, queries, 5)
    gone = np.random.default_rng(3).permutation(30_000)[:15_000].astype(np.int32)
    index.update(gone, np.zeros((15_000, 64), np.float32))
    assert recall(index, np.delete(vectors, gone, axis=0), queries, 5) > before - 0.05


def test_a_vector_put_now_is_found_by_the_next_search() -> None:
    index = filled(CodedIndex(64, EAGER), unit(20_000))
    fresh = unit(200, seed=5, spread=3)
    for place, vector in enumerate(fresh):
        index.update(np.array([30_000 + place], np.int32), vector[None])
        assert index.search(vector[None], 1)[0].tolist() == [[30_000 + place]]


def test_the_length_of_a_query_changes_scores_but_not_rows() -> None:
    index, query = filled(CodedIndex(64, EAGER), one_sided(20_000)), one_sided(20, seed=1)
    rows, scores = index.search(query, 10)
    longer, more = index.search(query * 4, 10)
    assert (rows == longer).all()
    assert np.allclose(more, 4 * scores)


@pytest.mark.parametrize("dim", [1, 3, 63, 65, 384])
def test_any_dimension(dim: int) -> None:
    vectors = unit(2000, dim)
    index = filled(CodedIndex(dim, EAGER), vectors)
    rows, scores = index.search(vectors[:20], 1)
    assert np.allclose(scores[:, 0], 1, atol=1e-5)
    assert rows.shape == (20, 1)


def test_searches_beside_updates_answer_only_what_was_put() -> None:
    """Given threads that search while rows come, change and go, then every answer is a row with a true score."""
    vectors = unit(12_000, spread=2)
    index = filled(CodedIndex(64, EAGER), vectors[:8000])
    stop, wrong = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            rows, scores = index.search(vectors[:4], 20)
            true = np.einsum("qkd,qd->qk", vectors[rows], vectors[:4])
            if (rows < 0).any() or not np.allclose(true, scores, atol=1e-5):
                wrong.append(rows)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for start in range(8000, 12_000, 100):
        some = rows_to(12_000)[start : start + 100]
        index.update(some, vectors[some])
        index.update(some - 4000, np.zeros((100, 64), np.float32))
        index.update(some - 4000, vectors[some - 4000])
    stop.set()
    for asker in askers:
        asker.join()
    assert not wrong


@pytest.mark.parametrize("wrong", [{"exact_below": 0}, {"shortlist": 0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError) as error:
        IndexConfig(**wrong)  # type: ignore[arg-type]
    assert error.value.field == f"retrieve.index.{next(iter(wrong))}"
