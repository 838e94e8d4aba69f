"""Each protocol on data small enough to split by hand, against its origin where there is one, and in general."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import streams
from benchmarks.counting import counted
from swerve.errors import InvalidInput
from swerve.evaluate.splits import Histories, hold_out_items, incremental, k_folds, leave_last_out, time_split

# --- leave last out ---


def test_last_is_tested_second_last_validates_the_rest_trains() -> None:
    split = leave_last_out(["abcd", "xy", "pqr"])

    assert split.train == ["ab", "xy", "p"]
    assert split.users == [0, 2], "two entries are too few to hold any out"
    assert (split.validation, split.test) == (["c", "q"], ["d", "r"])


def test_a_longer_sequence_may_be_asked_for() -> None:
    split = leave_last_out(["abcd", "abcde"], least=5)

    assert (split.users, split.train) == ([1], ["abcd", "abc"])
    with pytest.raises(InvalidInput, match="least >= 3"):
        leave_last_out([], least=2)


@given(st.lists(st.lists(st.integers(), max_size=6)))
def test_nothing_is_lost_and_nothing_is_doubled(sequences: list[list[int]]) -> None:
    split = leave_last_out(sequences)
    held = dict(zip(split.users, zip(split.validation, split.test, strict=True), strict=True))

    assert [[*train, *held.get(number, ())] for number, train in enumerate(split.train)] == sequences


# --- by time ---


def test_the_newest_tenth_is_tested_the_tenth_before_validates() -> None:
    split = time_split(np.arange(20.0)[::-1])  # newest first: the order of the columns does not matter

    assert split.test.tolist() == [0, 1]
    assert split.validation.tolist() == [2, 3]
    assert split.train.tolist() == list(range(4, 20))
    assert (split.validation_from, split.test_from) == (16.0, 18.0)


def test_what_happened_at_one_moment_stays_on_one_side() -> None:
    split = time_split(np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 7, 7]))

    assert split.test.tolist() == [7, 8, 9], "more than a tenth: the moment is not cut"
    assert split.validation.tolist() == [6]


def test_without_validation() -> None:
    split = time_split(np.arange(10.0), test=0.3, validation=0.0)

    assert (len(split.train), len(split.validation), len(split.test)) == (7, 0, 3)
    assert split.validation_from == split.test_from


@given(st.lists(st.integers(0, 30), min_size=2, max_size=80), st.floats(0.05, 0.5), st.floats(0, 0.4))
def test_a_split_by_time_is_a_partition_in_time(stamps: list[int], test: float, validation: float) -> None:
    times = np.array(stamps, np.float64)
    try:
        split = time_split(times, test, validation)
    except InvalidInput:
        return
    parts = [split.train, split.validation, split.test]

    assert np.sort(np.concatenate(parts)).tolist() == list(range(len(times)))
    assert len(split.train) > 0
    assert len(split.test) >= 1
    for before, after in ((split.train, split.validation), (split.train, split.test), (split.validation, split.test)):
        assert not len(before) or not len(after) or times[before].max() < times[after].min()


@pytest.mark.parametrize(
    ("times", "test", "validation"),
    [([], 0.1, 0.1), ([1, 1, 1], 0.1, 0.1), ([1, 2], 0.5, 0.4), ([1, 2, 3], 0.6, 0.4), ([1, 2], 0.0, 0.0)],
)
def test_a_time_split_that_leaves_nothing_to_train_on_is_refused(
    times: list[float], test: float, validation: float
) -> None:
    with pytest.raises(InvalidInput) as caught:
        time_split(np.array(times, np.float64), test, validation)
    assert caught.value.field == "times"


def test_histories_are_what_the_same_user_did_before() -> None:
    histories = Histories(np.array([4, 2, 4, 4, 2]))

    assert [histories.of(position).tolist() for position in range(5)] == [[], [], [0], [0, 2], [1]]
    assert [positions.tolist() for positions in histories.sequences()] == [[1, 4], [0, 2, 3]]
    assert Histories(np.empty(0, np.int64)).sequences() == []


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_histories_agree_with_a_plain_loop(users: list[int]) -> None:
    histories = Histories(np.array(users))

    for position, user in enumerate(users):
        assert histories.of(position).tolist() == [at for at in range(position) if users[at] == user]
    assert np.sort(np.concatenate(histories.sequences())).tolist() == list(range(len(users)))


# --- incremental ---


def test_a_period_by_hand() -> None:
    first = (np.array([1, 1]), np.array([10, 11]))
    # Session 5: item 99 is new, two known ones are left. Session 6: one known item is left, so none. Session 7: two.
    second = (np.array([5, 6, 5, 7, 6, 5, 7]), np.array([10, 10, 99, 11, 99, 11, 10]))
    (period,) = incremental([first, second])

    assert period.counted.tolist() == [True, False, False, True, False, True, True]
    assert period.targets.tolist() == [5, 6], "the first click of a session has nothing to be predicted from"


def test_an_item_is_known_from_the_next_period_on() -> None:
    periods = [(np.array([1, 1]), np.array([10, 11])), (np.array([2, 2]), np.array([99, 98]))]
    again = (np.array([3, 3]), np.array([99, 98]))
    second, third = incremental([*periods, again])

    assert second.counted.tolist() == [False, False]
    assert third.targets.tolist() == [1]


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=20), min_size=1, max_size=4))
def test_periods_agree_with_the_rule_as_the_benchmark_states_it(periods: list[list[tuple[int, int]]]) -> None:
    _same_as_the_benchmark([[(str(session), str(item)) for session, item in period] for period in periods])


@pytest.mark.slow
def test_diginetica_agrees_with_the_rule_as_the_benchmark_states_it(dataset: Callable[[str], Path]) -> None:
    assert _same_as_the_benchmark(streams.diginetica(dataset("diginetica"))) == 688_105


def _same_as_the_benchmark(periods: list[list[tuple[str, str]]]) -> int:
    """Compares every period; how many targets there are."""
    columns = [np.array(period, np.int64).reshape(-1, 2).T for period in periods]
    seen: set[str] = set()
    found = iter(incremental([(sessions, items) for sessions, items in columns]))
    targets = 0
    for number, period in enumerate(periods):
        if number:
            judged = next(found)
            assert judged.counted.tolist() == counted(period, seen)
            targets += len(judged.targets)
        seen.update(item for _, item in period)
    assert next(found, None) is None
    return targets


# --- folds and items ---


SURPRISE = {
    (10, 5, 0): [[2, 8], [4, 9], [1, 6], [7, 3], [0, 5]],
    (17, 3, 7): [[13, 11, 16, 8, 5, 2], [1, 0, 14, 10, 7, 12], [3, 6, 9, 4, 15]],
}
"""(ratings, folds, seed) -> test positions of `KFold.split` of scikit-surprise 1.1.5."""


@pytest.mark.parametrize("settings", SURPRISE)
def test_folds_are_those_of_surprise(settings: tuple[int, int, int]) -> None:
    folds = list(k_folds(*settings))

    assert [test.tolist() for _, test in folds] == SURPRISE[settings]
    order = np.concatenate([test for _, test in folds]).tolist()
    for train, test in folds:
        assert train.tolist() == [at for at in order if at not in test.tolist()], "the shuffled order is kept"


def test_folds_of_ml_100k_begin_as_those_of_surprise() -> None:
    _, test = next(k_folds(100_000, 5, 0))

    assert len(test) == 20_000
    assert test[:8].tolist() == [3582, 60498, 53227, 21333, 3885, 51521, 84261, 10685]


@pytest.mark.parametrize("k", [1, 4])
def test_impossible_folds_are_refused(k: int) -> None:
    with pytest.raises(InvalidInput, match="2 <= k <= 3"):
        next(k_folds(3, k))


@given(st.integers(2, 200), st.floats(0.01, 0.9), st.integers(0, 99))
def test_held_out_items_leave_no_trace_in_training(items: int, share: float, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(0, items, 300)
    split = hold_out_items(rows, items, share, seed)

    assert split.cold.sum() == max(1, round(items * share))
    assert not split.cold[rows[split.train]].any()
    assert split.cold[rows[split.test]].all()
    assert len(split.train) + len(split.test) == 300
    assert (hold_out_items(rows, items, share, seed).cold == split.cold).all()


def test_another_seed_holds_out_other_items() -> None:
    rows = np.arange(100)

    assert (hold_out_items(rows, 100, seed=0).cold != hold_out_items(rows, 100, seed=1).cold).any()
    assert hold_out_items(rows, 100).cold.sum() == 10


@pytest.mark.parametrize(("rows", "items", "share"), [([0], 1, 0.1), ([5], 5, 0.1), ([0], 5, 1.0), ([-1], 5, 0.1)])
def test_items_that_cannot_be_held_out_are_refused(rows: list[int], items: int, share: float) -> None:
    with pytest.raises(InvalidInput):
        hold_out_items(np.array(rows), items, share)
