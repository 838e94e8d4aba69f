"""The population fold: decay by time, popularity windows, pruning, and bytes that depend on the log alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swerve.counts.config import CountsConfig
from swerve.counts.counters import Counters, Move
from swerve.counts.decay import UNIT, Decay
from swerve.counts.popularity import WINDOWS

DAY_S = 86_400.0
T0 = 1_700_000_000.0

moves = st.lists(
    st.builds(
        Move,
        row=st.integers(0, 20),
        time=st.floats(T0, T0 + 90 * DAY_S),
        gain=st.sampled_from([1.0, 0.5, 2.0, -1.0]),
        before=st.lists(st.integers(0, 20), max_size=4).map(tuple),
    ),
    max_size=120,
)


def counters(config: CountsConfig, given_moves: list[Move], step: int = 10**9) -> Counters:
    made = Counters(config)
    made.ensure(32)
    for start in range(0, len(given_moves), step):
        made.add(given_moves[start : start + step])
    return made


def weight(made: Counters, source: int, target: int, now: float) -> float:
    columns, weights, _ = made.transitions.gather(np.array([source], np.int32))
    found = dict(zip(columns.tolist(), weights.tolist(), strict=True))
    return float(found.get(target, 0)) / made.unit(now)


@settings(max_examples=60)
@given(moves, st.integers(1, 50))
def test_F3_the_bytes_do_not_depend_on_the_batches(given_moves: list[Move], step: int) -> None:
    config = CountsConfig(half_life_s=7 * DAY_S, reverse=0.5, successors=3, prune_every=17)
    assert counters(config, given_moves).dump() == counters(config, given_moves, step).dump()


@settings(max_examples=60)
@given(moves)
def test_dump_and_load_round_trip_and_go_on_alike(given_moves: list[Move]) -> None:
    config = CountsConfig(half_life_s=7 * DAY_S, successors=3, prune_every=17)
    made, again = counters(config, given_moves), Counters(config)
    again.load(made.dump())
    more = [Move(3, T0 + 200 * DAY_S, 1.0, (1, 2))]
    for one in (made, again):
        one.ensure(32)
        one.add(more)
    assert made.dump() == again.dump()


def test_a_pair_weighs_gain_over_distance() -> None:
    made = counters(CountsConfig(), [Move(9, T0, 2.0, (1, 2, 3))])
    assert [weight(made, source, 9, T0) for source in (1, 2, 3)] == pytest.approx([2.0, 1.0, 2 / 3], abs=1e-3)
    assert made.transitions.hits(3, 9) == 1


def test_reverse_counts_the_other_direction() -> None:
    made = counters(CountsConfig(reverse=0.5), [Move(9, T0, 1.0, (1,))])
    assert weight(made, 9, 1, T0) == pytest.approx(0.5)


def test_nothing_follows_itself() -> None:
    made = counters(CountsConfig(), [Move(9, T0, 1.0, (9, 1))])
    assert weight(made, 9, 9, T0) == 0
    assert weight(made, 1, 9, T0) == pytest.approx(0.5)


@pytest.mark.parametrize("days", [0.3, 7.0, 10.0, 35.0])
def test_transitions_decay_by_half_each_half_life(days: float) -> None:
    made = counters(CountsConfig(half_life_s=7 * DAY_S), [Move(9, T0, 1.0, (1,))])
    made.add([Move(5, T0 + days * DAY_S, 1.0, (2,))])
    later = T0 + days * DAY_S
    assert weight(made, 1, 9, later) == pytest.approx(0.5 ** (days / 7), rel=0.02)
    assert weight(made, 2, 5, later) == pytest.approx(1.0, rel=0.01)
    assert made.transitions.hits(1, 9) == 1, "the evidence does not decay"


def test_reading_later_decays_without_an_event() -> None:
    made = counters(CountsConfig(half_life_s=7 * DAY_S), [Move(9, T0, 1.0, (1,))])
    assert weight(made, 1, 9, T0 + 14 * DAY_S) == pytest.approx(0.25, rel=0.01)


def test_a_late_event_counts_as_much_as_if_it_had_come_in_time() -> None:
    early, late = Move(9, T0, 1.0, (1,)), Move(5, T0 + 10 * DAY_S, 1.0, (2,))
    config, now = CountsConfig(half_life_s=7 * DAY_S), T0 + 10 * DAY_S
    in_time, swapped = counters(config, [early, late]), counters(config, [late, early])
    for pair in ((1, 9), (2, 5)):
        assert weight(swapped, *pair, now) == pytest.approx(weight(in_time, *pair, now), rel=0.01)


def test_negative_gains_make_nothing_popular() -> None:
    made = counters(CountsConfig(), [Move(3, T0, -1.0, ()), Move(4, T0, 1.0, ())])
    shares = made.popularity.shares(np.array([3, 4], np.int32))
    assert shares[:, 0].tolist() == [0, 0, 0]
    assert shares[:, 1].tolist() == [1, 1, 1]
    assert made.popularity.negatives[3] == 1
    assert made.popularity.positives[4] == 1


def test_each_window_forgets_at_its_own_pace() -> None:
    made = counters(CountsConfig(), [Move(3, T0, 1.0, ())] * 8 + [Move(4, T0 + DAY_S, 1.0, ())] * 2)
    shares = made.popularity.shares(np.array([3], np.int32))[:, 0]
    left = [8 * 0.5 ** (DAY_S / half_life_s) for half_life_s in WINDOWS.values()]
    assert shares.tolist() == pytest.approx([one / (one + 2) for one in left], abs=0.01)


def test_best_orders_by_count_and_then_by_row() -> None:
    made = counters(CountsConfig(), [Move(row, T0, 1.0, ()) for row in (5, 2, 9, 9, 5, 9, 2)])
    assert made.popularity.best("1d", 10).tolist() == [9, 2, 5]
    assert made.popularity.best("1d", 1).tolist() == [9]


def test_popularity_is_fresh_after_enough_changes() -> None:
    made = counters(CountsConfig(), [Move(5, T0, 1.0, ())])
    assert made.popularity.best("1d", 1).tolist() == [5]
    for _ in range(10):
        made.add([Move(6, T0, 1.0, ())])
    assert made.popularity.best("1d", 1).tolist() == [6]


def test_forget_takes_an_item_out_of_everything() -> None:
    made = counters(CountsConfig(), [Move(3, T0, 1.0, ()), Move(4, T0, 1.0, (3,))])
    made.forget(np.array([3], np.int32))
    assert made.popularity.best("7d", 10).tolist() == [4]
    assert made.popularity.shares(np.array([4], np.int32)).tolist() == [[1], [1], [1]]
    assert made.transitions.hits(3, 4) == 0


def test_rows_are_cut_at_every_prune() -> None:
    config = CountsConfig(successors=2, prune_every=10)
    made = counters(config, [Move(row, T0, 1.0, (0,)) for row in range(1, 11)])
    columns, _, _ = made.transitions.gather(np.array([0], np.int32))
    assert sorted(columns.tolist()) == [1, 2]
    made.add([Move(12, T0, 1.0, (0,))])
    assert made.transitions.hits(0, 12) == 1, "between two prunings a row may be longer"


@given(st.lists(st.floats(0, 400 * DAY_S), min_size=1, max_size=40), st.floats(3600, 100 * DAY_S))
def test_decay_spans_cover_the_batch_and_never_write_more_than_double(ages: list[float], half_life_s: float) -> None:
    decay = Decay(half_life_s)
    times = T0 + np.array(ages)
    spans = list(decay.spans(times))
    assert [start for start, *_ in spans] == [0, *(stop for _, stop, *_ in spans[:-1])]
    assert spans[-1][1] == len(times)
    assert all((factors < 2 + 1e-9).all() for *_, factors in spans)
    assert decay.clock == times.max()
    assert 1 <= decay.factor(decay.clock) < 2 + 1e-9


def test_without_a_half_life_nothing_decays() -> None:
    decay = Decay(0.0)
    assert [halvings for _, _, halvings, _ in decay.spans(np.array([T0, T0 + 1e9]))] == [0]
    assert decay.factor(T0 + 1e9) == 1.0
    assert math.isinf(decay.clock)
    assert UNIT >= 512, "1 / distance must not round to nothing"
