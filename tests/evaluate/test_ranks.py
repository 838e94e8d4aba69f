"""Places of targets: by hand, under every tie rule, with excluded items, and what must hold for any scores."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.evaluate.ranks import Ties, rank_of, top_n

RULES = get_args(Ties)


def scores(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


@st.composite
def judged(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with many ties (q, items), one target a query (q,), excluded (q, items) that spares the targets."""
    q, items = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    made = rng.integers(0, draw(st.integers(1, 6)), (q, items)).astype(np.float32)
    targets = rng.integers(0, items, q)
    excluded = rng.random((q, items)) < 0.3
    excluded[np.arange(q), targets] = False
    return made, targets, excluded


def test_without_ties_every_rule_counts_what_scores_higher() -> None:
    for ties in RULES:
        assert rank_of(scores([0.1, 0.9, 0.5]), np.array([2]), ties=ties).tolist() == [2]


@pytest.mark.parametrize(("ties", "rank"), [("pessimistic", 5), ("middle", 4), ("optimistic", 2), ("row", 3)])
def test_each_rule_on_four_tied_items_below_one(ties: Ties, rank: int) -> None:
    # Row 0 is above; rows 1 to 4 tie, of which row 2 is the target: one other stands before it, two behind.
    assert rank_of(scores([9, 1, 1, 1, 1, 0]), np.array([2]), ties=ties).tolist() == [rank]


def test_the_middle_rule_rounds_half_a_tie_against_the_target() -> None:
    assert rank_of(scores([1, 1]), np.array([0]), ties="middle").tolist() == [2]


def test_excluded_items_stand_before_nobody_as_mask_or_as_rows() -> None:
    given_scores = scores([3, 2, 1, 1], [3, 2, 1, 1])
    targets = np.array([2, 2])
    mask = np.array([[True, True, False, True], [False, False, False, False]])
    assert rank_of(given_scores, targets, mask).tolist() == [1, 4]
    assert rank_of(given_scores, targets, [np.array([0, 1, 3]), np.array([], np.int64)]).tolist() == [1, 4]
    assert given_scores.tolist() == [[3, 2, 1, 1], [3, 2, 1, 1]], "what came in stays as it was"


def test_a_target_that_may_not_be_ranked_is_a_miss_at_every_depth() -> None:
    given_scores = scores([3, 2, 1], [3, -np.inf, 1])
    excluded = [np.array([0]), np.array([], np.int64)]
    for ties in RULES:
        assert rank_of(given_scores, np.array([0, 1]), excluded, ties).tolist() == [4, 4]


def test_several_targets_that_tie_with_each_other_take_places_in_a_row() -> None:
    given_scores, targets = scores([5, 5, 5, 9]), np.array([[0, 1, -1]])
    assert rank_of(given_scores, targets, ties="optimistic").tolist() == [[2, 3, 0]]
    assert rank_of(given_scores, targets, ties="middle").tolist() == [[3, 4, 0]]
    assert rank_of(given_scores, targets, ties="pessimistic").tolist() == [[3, 4, 0]]
    assert rank_of(given_scores, targets, ties="row").tolist() == [[2, 3, 0]]


def test_no_query_has_no_rank() -> None:
    assert rank_of(np.empty((0, 3), np.float32), np.empty(0, np.int64)).shape == (0,)
    assert rank_of(np.empty((0, 3), np.float32), np.empty((0, 2), np.int64)).shape == (0, 2)


@given(judged())
def test_the_rules_are_ordered_and_bounded(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    made, targets, excluded = case
    worst, middle, best, row = (rank_of(made, targets, excluded, ties) for ties in RULES)

    assert (best <= middle).all()
    assert (middle <= worst).all()
    assert ((best <= row) & (row <= worst)).all()
    assert (best >= 1).all()
    assert (worst <= (~excluded).sum(axis=1)).all()


@given(judged(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_no_rank_but_that_of_the_row_rule(
    case: tuple[np.ndarray, np.ndarray, np.ndarray], random: object
) -> None:
    made, targets, excluded = case
    order = np.random.default_rng(random.getrandbits(32)).permutation(made.shape[1])  # type: ignore[attr-defined]
    moved = np.argsort(order)[targets]
    for ties in ("pessimistic", "middle", "optimistic"):
        there = rank_of(made[:, order], moved, excluded[:, order], ties)
        assert there.tolist() == rank_of(made, targets, excluded, ties).tolist()


@given(judged())
def test_the_row_rule_is_the_place_in_the_top_list(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    made, targets, excluded = case
    top = top_n(made, made.shape[1], excluded)
    ranks = rank_of(made, targets, excluded, "row")

    assert top[np.arange(len(top)), ranks - 1].tolist() == targets.tolist()
    assert (np.sort(top, axis=1) == np.sort(np.where(excluded, -1, np.arange(made.shape[1])), axis=1)).all()


def test_the_top_list_breaks_ties_by_row_also_at_its_end() -> None:
    assert top_n(scores([1, 2, 2, 2, 0]), 2).tolist() == [[1, 2]]


def test_the_top_list_leaves_places_empty_rather_than_show_what_may_not_be_shown() -> None:
    assert top_n(scores([1, -np.inf, 2]), 5, [np.array([0])]).tolist() == [[2, -1, -1, -1, -1]]


@pytest.mark.parametrize(
    ("made", "targets", "excluded", "field"),
    [
        (scores([1, np.nan]), np.array([0]), None, "scores"),
        (scores([1, 2]), np.array([2]), None, "targets"),
        (scores([1, 2]), np.array([-2]), None, "targets"),
        (scores([1, 2]), np.array([0, 1]), None, "targets"),
        (scores([1, 2]), np.array([0]), [np.array([0])] * 2, "excluded"),
    ],
)
def test_what_does_not_fit_is_named(made: np.ndarray, targets: np.ndarray, excluded: object, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rank_of(made, targets, excluded)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_an_unknown_tie_rule_is_refused() -> None:
    with pytest.raises(InvalidInput, match="pessimistic"):
        rank_of(scores([1.0]), np.array([0]), ties="best")  # type: ignore[arg-type]
