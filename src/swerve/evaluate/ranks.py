"""From scores to places: which place each target takes among all items, and which items stand on top.

Ranks are 1 for the best place. What ties do to a rank is always said, never left to a sort: models that give many items
the same score gain or lose whole per cents by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from swerve.errors import InvalidInput
from swerve.retrieve.merge import strongest
from swerve.types import Floats, Rows

Ties: TypeAlias = Literal["pessimistic", "middle", "optimistic", "row"]
Excluded: TypeAlias = "NDArray[np.bool_] | Sequence[NDArray[np.integer]] | None"
"""What may not be ranked: a mask (q, items), or for each query the rows that are left out."""
Ints: TypeAlias = NDArray[np.int64]

NOBODY = -1
"""A target that fills up a row of several: there is none."""


def rank_of(
    scores: Floats, targets: NDArray[np.integer], excluded: Excluded = None, ties: Ties = "pessimistic"
) -> Ints:
    """The place of each target among all items that may be ranked, 1 = best.

    scores (q, items), higher is better, `-inf` = never ranked; targets (q,) rows, or (q, m) where a query has several,
    filled up with -1 (distinct otherwise). Answers int64 in the shape of targets; 0 where the target is -1.

        rank = 1 + #(items that score higher) + #(tied items that come before)

    Of the other items with the target's score come before it: all (`pessimistic`), half of them, rounded up
    (`middle`), none (`optimistic`), or those of a lower row (`row`, what a stable sort and our slates do). Targets of
    one query that tie with each other take consecutive places, so that their order among themselves costs nothing.

    A target that is excluded or scores `-inf` gets rank items + 1: a miss at every depth. Raises InvalidInput for
    scores with NaN and for shapes or rows that do not fit.
    """
    _check(scores, targets, ties)
    wide = targets[:, None] if targets.ndim == 1 else targets
    allowed = _allowed(scores, excluded)
    ranks = np.zeros(wide.shape, np.int64)
    at = np.arange(len(scores))
    for place in range(wide.shape[1]):
        rows = wide[:, place]
        own = allowed[at, rows][:, None]
        above = np.count_nonzero(allowed > own, axis=1)
        if ties == "row":
            tied = np.count_nonzero((allowed == own) & (np.arange(scores.shape[1]) < rows[:, None]), axis=1)
        else:
            siblings = (allowed[at[:, None], wide] == own) & (wide >= 0)
            tied = _before(np.count_nonzero(allowed == own, axis=1), siblings, place, ties)
        rank = np.where(own[:, 0] == -np.inf, scores.shape[1] + 1, 1 + above + tied)
        ranks[:, place] = np.where(rows >= 0, rank, 0)
    return ranks.reshape(targets.shape)


def _before(equal: Ints, siblings: NDArray[np.bool_], place: int, ties: Ties) -> Ints:
    """How many of `equal` tied items come before the target in `place`; `siblings` (q, m): targets that are tied."""
    others = equal - np.count_nonzero(siblings, axis=1)
    share = {"pessimistic": others, "middle": (others + 1) // 2, "optimistic": np.zeros_like(others)}[ties]
    before: Ints = share + np.count_nonzero(siblings[:, :place], axis=1)
    return before


def top_n(scores: Floats, n: int, excluded: Excluded = None) -> Rows:
    """The n best rows of each query, best first, ties by lower row: (q, n) int32, filled up with -1.

    scores (q, items); `-inf` and excluded items are never among them.
    """
    top = np.full((len(scores), n), NOBODY, np.int32)
    rows = np.arange(scores.shape[1], dtype=np.int32)
    for line, own in zip(top, _allowed(scores, excluded), strict=True):
        best, found = strongest(rows, own, n)
        order = np.lexsort((best, -found))[: np.count_nonzero(found > -np.inf)]
        line[: len(order)] = best[order]
    return top


def _allowed(scores: Floats, excluded: Excluded) -> Floats:
    """The scores with `-inf` where an item may not be ranked; what came in stays as it is."""
    if excluded is None:
        return scores
    if len(excluded) != len(scores):
        raise InvalidInput(f"expected what to exclude for {len(scores)} queries", field="excluded")
    if isinstance(excluded, np.ndarray):
        return np.where(excluded, np.float32(-np.inf), scores)
    allowed = scores.copy()
    for line, out in zip(allowed, excluded, strict=True):
        line[out] = -np.inf
    return allowed


def _check(scores: Floats, targets: NDArray[np.integer], ties: Ties) -> None:
    if scores.ndim != 2 or targets.ndim not in (1, 2) or len(targets) != len(scores):
        raise InvalidInput("expected scores (q, items) and targets (q,) or (q, m)", field="targets")
    if targets.size and not (targets.min() >= NOBODY and targets.max() < scores.shape[1]):
        raise InvalidInput(f"expected rows from -1 to {scores.shape[1] - 1}", field="targets")
    if np.isnan(scores).any():
        raise InvalidInput("expected scores without NaN", field="scores")
    if ties not in get_args(Ties):
        raise InvalidInput(f"expected one of {', '.join(get_args(Ties))}", field="ties")
