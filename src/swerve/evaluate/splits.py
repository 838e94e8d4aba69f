"""Protocols: which interactions may be learned from and which must be predicted. Plain data in, positions out.

Columns are in the order of the log, one entry an interaction; what comes out are positions in them, int64, ascending
unless it is said. Nothing here knows a model, a catalog or a log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.errors import InvalidInput

T = TypeVar("T")
Ints = NDArray[np.integer]
Positions = NDArray[np.int64]


# --- leave last out ---


class LastOut(msgspec.Struct, Generic[T], frozen=True):
    """Sequences with their last two entries held out."""

    train: list[Sequence[T]]
    """As many as there were sequences: without the held-out entries; whole where a sequence is too short."""
    users: list[int]
    """Which sequences have held-out entries, ascending."""
    validation: list[T]
    """Second-last entry of each of `users`."""
    test: list[T]
    """Last entry of each of `users`. Its history is the training part *and* the validation entry."""


def leave_last_out(sequences: Iterable[Sequence[T]], least: int = 3) -> LastOut[T]:
    """Last entry of each sequence for the test, second-last for validation, the rest to train on.

    Sequences (of items, of positions, of anything) run oldest first; shorter than `least` >= 3 they only train. Kang &
    McAuley 2018, Self-attentive sequential recommendation, ICDM, section IV; P1 and P2 on ML-1M are this split on files
    in a given order. It lets every arm learn from what others did after the moment of the test: compare `time_split`.
    """
    if least < 3:
        raise InvalidInput("expected least >= 3: one entry each for training, validation and test", field="least")
    split: LastOut[T] = LastOut([], [], [], [])
    for number, sequence in enumerate(sequences):
        if len(sequence) < least:
            split.train.append(sequence)
            continue
        split.train.append(sequence[:-2])
        split.users.append(number)
        split.validation.append(sequence[-2])
        split.test.append(sequence[-1])
    return split


# --- by time ---


class TimeSplit(msgspec.Struct, frozen=True, kw_only=True):
    """One moment for everybody: before it is known, after it is to be predicted."""

    train: Positions
    validation: Positions
    test: Positions
    validation_from: float
    """Unix seconds: the first moment of the validation part."""
    test_from: float


def time_split(times: NDArray[np.float64], test: float = 0.1, validation: float = 0.1) -> TimeSplit:
    """The newest share `test` of interactions is the test, the newest share `validation` before it validates.

    times (m,) Unix seconds, in any order. The cuts are quantiles of the times; what happened at one moment stays on one
    side. Every held-out event is meant to be predicted from its true history, held-out events included (`Histories`).
    Gusak et al. 2025, Time to split: exploring data splitting strategies for offline evaluation of sequential
    recommenders, RecSys (global temporal split). Raises InvalidInput when no time is left to train on.
    """
    if not len(times) or not 0 < test < 1 or not 0 <= validation < 1 - test:
        raise InvalidInput("expected times and shares above 0 that leave something to train on", field="times")
    ordered = np.sort(times)
    tested = max(1, round(len(times) * test))
    test_from = float(ordered[len(times) - tested])
    before = ordered[: np.searchsorted(ordered, test_from)]
    if not len(before):
        raise InvalidInput("expected times that differ: nothing happened before the test", field="times")
    start = min(max(len(times) - tested - round(len(times) * validation), 0), len(before) - 1)
    validation_from = float(before[start]) if validation else test_from
    if validation and validation_from == before[0]:
        raise InvalidInput("expected times that differ: nothing happened before the validation", field="times")
    return TimeSplit(
        train=np.flatnonzero(times < validation_from),
        validation=np.flatnonzero((times >= validation_from) & (times < test_from)),
        test=np.flatnonzero(times >= test_from),
        validation_from=validation_from,
        test_from=test_from,
    )


class Histories:
    """What each user did before each interaction, whichever part of a split it belongs to."""

    def __init__(self, users: Ints) -> None:
        """users (m,) ints, in the order in which things happened."""
        self._order = np.argsort(users, kind="stable")
        sorted_users = users[self._order]
        first = np.searchsorted(sorted_users, sorted_users)
        self._first = np.empty(len(users), np.int64)
        self._place = np.empty(len(users), np.int64)
        self._first[self._order] = first
        self._place[self._order] = np.arange(len(users))

    def of(self, position: int) -> Positions:
        """Positions of the same user's earlier interactions, oldest first."""
        earlier: Positions = self._order[self._first[position] : self._place[position]]
        return earlier

    def sequences(self) -> list[Positions]:
        """Each user's positions, oldest first; users in ascending order."""
        cuts = np.flatnonzero(np.diff(self._first[self._order])) + 1
        return np.split(self._order, cuts) if len(self._order) else []


# --- incremental, as published for DIGINETICA ---


class Period(msgspec.Struct, frozen=True):
    """What is judged in one period of a stream of sessions."""

    counted: NDArray[np.bool_]
    """(m,): events that take part: their item was seen before this period, their session has more than one such."""
    targets: Positions
    """Counted events with a counted one before them in their session: each is predicted from those."""


def incremental(periods: Iterable[tuple[Ints, Ints]]) -> Iterator[Period]:
    """The periods after the first, filtered as by ADER: for each (sessions (m,), items (m,)) what is judged.

    Events on items that no earlier period has are left out, then sessions with a single event left. The first period is
    only learned from, and every period's events (counted or not) may be learned from once it is over; figures are plain
    means over periods. Mi, Lin & Faltings 2020, ADER: adaptively distilled exemplar replay, RecSys, section 4.1.
    """
    seen = np.empty(0, np.int64)
    for number, (sessions, items) in enumerate(periods):
        if number:
            yield _period(sessions, np.isin(items, seen))
        seen = np.union1d(seen, items)


def _period(sessions: Ints, known: NDArray[np.bool_]) -> Period:
    _, inverse = np.unique(sessions, return_inverse=True)
    counted = known & (np.bincount(inverse, weights=known)[inverse] > 1)
    at = np.flatnonzero(counted)
    _, first = np.unique(sessions[at], return_index=True)
    return Period(counted, np.delete(at, first))


# --- folds of ratings, items held out ---


def k_folds(length: int, k: int = 5, seed: int = 0) -> Iterator[tuple[Positions, Positions]]:
    """(train, test) positions of each of k folds, exactly those of Surprise's `KFold(n_splits=k, random_state=seed)`.

    Positions are shuffled by NumPy's RandomState(seed) and keep the shuffled order; the first `length % k` folds hold
    one more. Hug 2020, Surprise: a Python library for recommender systems, JOSS 5 (`model_selection/split.py`).
    """
    if not 2 <= k <= length:
        raise InvalidInput(f"expected 2 <= k <= {length}", field="k")
    order = np.arange(length)
    np.random.RandomState(seed).shuffle(order)
    for fold in np.array_split(np.arange(length), k):
        start, stop = int(fold[0]), int(fold[-1]) + 1
        yield np.concatenate([order[:start], order[stop:]]), order[start:stop]


class ColdSplit(msgspec.Struct, frozen=True):
    """Items that nobody may learn of, except by their content."""

    cold: NDArray[np.bool_]
    """(items,): held out."""
    train: Positions
    """Interactions with the other items."""
    test: Positions
    """Interactions with held-out items."""


def hold_out_items(rows: Ints, items: int, share: float = 0.1, seed: int = 0) -> ColdSplit:
    """Hold out a random share of the items entirely, with every interaction on them.

    rows (m,) item of each interaction, below `items`. At least one item is held out, and the same seed holds out the
    same ones. After Volkovs et al. 2017, DropoutNet, NeurIPS, section 5. Raises InvalidInput.
    """
    if not 0 < share < 1 or items < 2 or (len(rows) and not 0 <= rows.min() <= rows.max() < items):
        raise InvalidInput("expected 0 < share < 1, two items or more, and rows below `items`", field="share")
    cold = np.zeros(items, np.bool_)
    cold[np.random.default_rng(seed).permutation(items)[: max(1, round(items * share))]] = True
    return ColdSplit(cold, np.flatnonzero(~cold[rows]), np.flatnonzero(cold[rows]))
