"""Ranking metrics against figures made by hand, against scikit-learn, and for what must always hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.evaluate.metrics import (
    average_precision,
    coverage,
    hit_rate,
    inverse_popularity_ndcg,
    mrr,
    ndcg,
    novelty,
    recall,
)
from swerve.evaluate.ranks import rank_of

METRICS: list[Callable[..., np.ndarray]] = [hit_rate, recall, ndcg, mrr, average_precision]
LOG2_3 = np.log2(3)


@st.composite
def ranked(draw: st.DrawFn) -> np.ndarray:
    """Distinct ranks of up to four relevant items a query (q, m), filled up with 0."""
    rows = draw(st.lists(st.lists(st.integers(1, 30), unique=True, max_size=4), min_size=1, max_size=6))
    return np.array([row + [0] * (4 - len(row)) for row in rows], np.int64)


def test_one_relevant_item_by_hand() -> None:
    ranks = np.array([1, 2, 11])
    assert hit_rate(ranks, 10).tolist() == [1, 1, 0]
    assert recall(ranks, 10).tolist() == [1, 1, 0]
    assert ndcg(ranks, 10) == pytest.approx([1, 1 / LOG2_3, 0])
    assert mrr(ranks, 10) == pytest.approx([1, 1 / 2, 0])
    assert average_precision(ranks, 10) == pytest.approx([1, 1 / 2, 0])
    assert mrr(ranks) == pytest.approx([1, 1 / 2, 1 / 11])


def test_several_relevant_items_by_hand() -> None:
    ranks = np.array([[5, 1, 12]])  # three relevant items, in places 1, 5 and 12
    assert hit_rate(ranks, 10).tolist() == [1]
    assert recall(ranks, 10) == pytest.approx([2 / 3])
    assert mrr(ranks, 10).tolist() == [1]
    assert ndcg(ranks, 10) == pytest.approx([(1 + 1 / np.log2(6)) / (1 + 1 / LOG2_3 + 1 / 2)])
    assert average_precision(ranks, 10) == pytest.approx([(1 / 1 + 2 / 5) / 3])
    assert average_precision(ranks) == pytest.approx([(1 / 1 + 2 / 5 + 3 / 12) / 3])


def test_a_list_shorter_than_what_is_relevant_can_still_be_perfect() -> None:
    ranks = np.array([[1, 2, 3]])
    assert ndcg(ranks, 2).tolist() == [1]
    assert average_precision(ranks, 2).tolist() == [1]
    assert recall(ranks, 2) == pytest.approx([2 / 3]), "recall is not divided by the depth"


@pytest.mark.parametrize("metric", METRICS)
def test_a_query_without_anything_relevant_scores_nothing(metric: Callable[..., np.ndarray]) -> None:
    assert metric(np.array([0]), 10).tolist() == [0]
    assert metric(np.array([[0, 0]])).tolist() == [0]
    assert metric(np.empty(0, np.int64), 10).shape == (0,)


@pytest.mark.parametrize("metric", METRICS)
@given(ranks=ranked(), n=st.integers(1, 40))
def test_metrics_lie_in_0_to_1_and_deeper_is_not_worse(
    metric: Callable[..., np.ndarray], ranks: np.ndarray, n: int
) -> None:
    values = metric(ranks, n)

    assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    if metric in (hit_rate, recall, mrr):  # the others divide by what n places can hold
        assert (metric(ranks, n + 1) >= values).all()


@pytest.mark.parametrize("metric", METRICS)
@given(ranks=ranked(), n=st.integers(1, 40), seed=st.integers(0, 99))
def test_the_order_in_which_relevant_items_are_named_changes_nothing(
    metric: Callable[..., np.ndarray], ranks: np.ndarray, n: int, seed: int
) -> None:
    shuffled = np.random.default_rng(seed).permuted(ranks, axis=1)

    assert metric(shuffled, n) == pytest.approx(metric(ranks, n))


@pytest.mark.parametrize("metric", METRICS)
@given(ranks=ranked(), n=st.integers(1, 40))
def test_a_better_place_is_never_worth_less(metric: Callable[..., np.ndarray], ranks: np.ndarray, n: int) -> None:
    # 1..30 without the places taken: move the worst relevant item of each query one free place up.
    better = ranks.copy()
    for line in better:
        worst = int(line.argmax())
        free = sorted(set(range(1, int(line[worst]))) - set(line.tolist()))
        if free:
            line[worst] = free[-1]

    assert (metric(better, n) >= metric(ranks, n) - 1e-12).all()


@pytest.mark.parametrize("n", [1, 3, 10, None])
def test_ndcg_is_that_of_scikit_learn(n: int | None) -> None:
    relevant, scored = _relevant_and_scored()
    ours = ndcg(rank_of(scored, _targets(relevant)), n)

    theirs = [reference.ndcg_score([truth], [line], k=n) for truth, line in zip(relevant, scored, strict=True)]

    assert ours == pytest.approx(theirs)


def test_average_precision_is_that_of_scikit_learn() -> None:
    relevant, scored = _relevant_and_scored()
    ours = average_precision(rank_of(scored, _targets(relevant)))

    theirs = [reference.average_precision_score(*pair) for pair in zip(relevant, scored, strict=True)]

    assert ours == pytest.approx(theirs)


def test_reciprocal_rank_is_the_label_ranking_precision_of_scikit_learn_for_one_label() -> None:
    rng = np.random.default_rng(3)
    scored = rng.random((20, 15)).astype(np.float32)
    targets = rng.integers(0, 15, 20)

    theirs = reference.label_ranking_average_precision_score(np.eye(15)[targets], scored)

    assert mrr(rank_of(scored, targets)).mean() == pytest.approx(theirs)


def test_a_rare_target_counts_for_more() -> None:
    # The target found is seen once, the one missed three times: 1 of the weight 1 + 1/3.
    values = inverse_popularity_ndcg(np.array([1, 50]), np.array([1.0, 3.0]), 10)

    assert values.mean() == pytest.approx(1 / (1 + 1 / 3))
    assert inverse_popularity_ndcg(np.array([50, 1]), np.array([1.0, 3.0]), 10).mean() == pytest.approx(1 / 4)


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0.001, 1000)), min_size=1, max_size=8), st.integers(1, 20))
def test_the_mean_of_inverse_popularity_ndcg_lies_in_0_to_1(pairs: list[tuple[int, float]], n: int) -> None:
    ranks, popularity = np.array([rank for rank, _ in pairs]), np.array([share for _, share in pairs])
    mean = inverse_popularity_ndcg(ranks, popularity, n).mean()

    assert 0 <= mean <= 1 + 1e-9
    assert inverse_popularity_ndcg(ranks, np.full(len(ranks), 7.0), n) == pytest.approx(ndcg(ranks, n)), "all alike"
    assert inverse_popularity_ndcg(ranks, popularity * 9, n).mean() == pytest.approx(mean), "shares or counts"


def test_coverage_counts_each_item_once_and_no_empty_place() -> None:
    assert coverage(np.array([[0, 1], [1, -1]]), 8) == 2 / 8
    assert coverage(np.empty((0, 5), np.int32), 8) == 0
    assert coverage(np.empty((0, 5), np.int32), 0) == 0


def test_novelty_is_the_mean_of_bits_over_filled_places() -> None:
    counts = np.array([5, 1, 0, 14])  # with one added: 6, 2, 1, 15 of 24
    bits = -np.log2(np.array([6, 2, 1, 15]) / 24)

    got = novelty(np.array([[0, 1], [2, -1], [-1, -1]]), counts)

    assert got == pytest.approx([(bits[0] + bits[1]) / 2, bits[2], 0])


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=9))
def test_the_least_popular_item_is_the_most_novel(counts: list[int]) -> None:
    bits = novelty(np.arange(len(counts))[:, None], np.array(counts))

    assert (bits >= 0).all()
    assert bits.argmax() == np.argmin(counts)


@pytest.mark.parametrize(
    ("ranks", "popularity"),
    [
        (np.array([1, 2]), np.array([1.0])),
        (np.array([1]), np.array([0.0])),
        (np.array([[1, 2]]), np.array([[1.0, 1.0]])),
    ],
)
def test_inverse_popularity_needs_a_positive_popularity_a_target(ranks: np.ndarray, popularity: np.ndarray) -> None:
    with pytest.raises(InvalidInput) as caught:
        inverse_popularity_ndcg(ranks, popularity, 10)
    assert caught.value.field == "popularity"


@pytest.mark.parametrize("metric", METRICS)
def test_a_depth_below_one_is_refused(metric: Callable[..., np.ndarray]) -> None:
    with pytest.raises(InvalidInput):
        metric(np.array([1]), 0)


def _relevant_and_scored() -> tuple[np.ndarray, np.ndarray]:
    """30 queries over 25 items, one to five of them relevant; no two scores alike, for sklearn averages ties."""
    rng = np.random.default_rng(1)
    relevant = np.zeros((30, 25), np.int64)
    for line in relevant:
        line[rng.choice(25, rng.integers(1, 6), replace=False)] = 1
    return relevant, rng.permuted(np.tile(np.linspace(0.0, 1.0, 25, dtype=np.float32), (30, 1)), axis=1)


def _targets(relevant: np.ndarray) -> np.ndarray:
    """(q, 5) rows of the relevant items, filled up with -1."""
    rows = [np.flatnonzero(line) for line in relevant]
    return np.array([np.pad(line, (0, 5 - len(line)), constant_values=-1) for line in rows])
