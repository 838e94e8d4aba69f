"""The parts of a replay by themselves: time axis, sessions, paces, states of an age, ranks, fitted weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.counts.config import CountsConfig
from swerve.counts.counters import Counters, Move
from swerve.errors import InvalidInput
from swerve.evaluate.prq.fit import LEAST, tune
from swerve.evaluate.prq.paces import Pace, copied, delayed, frozen, nightly, online
from swerve.evaluate.prq.places import Place, Sessions, measure
from swerve.evaluate.prq.views import Depth, Looked, ReplayArm, aligned, arms_of, rank, spread
from swerve.evaluate.ranks import rank_of
from swerve.rank.features import BUCKETS, FEATURES
from swerve.rank.fit import Choice
from swerve.types import Candidates, Interaction, Item, Record, Touch, UserState
from tests.evaluate.logs import DAY, T0, followed


def click(time: float, offset: int = 0, user: str = "u", session: str = "", gain: float = 1.0) -> Record:
    event = Interaction(user=user, session=session, item="i", action="view")
    return Record(event=event, received=time, time=time, gain=gain, offset=offset)


# --- the time axis ---


def test_the_warm_up_is_a_share_of_the_time_not_of_the_events() -> None:
    axis = measure([click(T0 + at) for at in (0, 1, 2, 3, 4, 50, 100)], 0.6)

    assert (axis.first, axis.start, axis.last) == (T0, T0 + 60, T0 + 100)
    assert axis.tuned_from == pytest.approx(T0 + 54)
    assert (axis.records, axis.judged, axis.tuning, axis.late) == (7, 1, 0, 0)


def test_an_event_that_comes_late_stays_where_the_log_has_it() -> None:
    axis = measure([click(T0), click(T0 + 100), click(T0 + 10)], 0.5)

    assert axis.late == 1
    assert axis.judged == 2


def test_only_positive_interactions_are_counted_but_all_of_them_tell_the_time() -> None:
    axis = measure(
        [Record(event=Item(id="x"), received=0, time=0), click(T0), click(T0 + 8), click(T0 + 10, gain=-1.0)], 0.5
    )

    assert (axis.first, axis.last, axis.judged, axis.records) == (T0, T0 + 10, 1, 4)


@pytest.mark.parametrize("times", [[], [T0], [T0, T0, T0]])
def test_a_log_without_time_has_no_axis(times: list[float]) -> None:
    with pytest.raises(InvalidInput, match="two different times"):
        measure([click(time) for time in times], 0.5)


# --- sessions ---


def places(records: list[Record], gap_s: float = 100.0) -> list[Place]:
    sessions = Sessions(gap_s)
    return [sessions.place(record, record.time) for record in records]


def test_a_pause_ends_a_session_that_has_no_id() -> None:
    found = places([click(T0 + at, offset) for offset, at in enumerate([0, 100, 201, 250])])

    assert [place.position for place in found] == [1, 2, 1, 2]
    assert [place.opened for place in found] == [-1, 0, -1, 2]
    assert [place.age_s for place in found] == [0, 100, 201, 250]


def test_a_session_id_holds_a_session_together_whatever_the_pause() -> None:
    found = places([click(T0, 0, session="a"), click(T0 + 5000, 1, session="a"), click(T0 + 5001, 2, session="b")])

    assert [(place.position, place.opened) for place in found] == [(1, -1), (2, 0), (1, -1)]


def test_people_are_apart_and_a_session_without_a_user_is_a_person() -> None:
    found = places(
        [click(T0, 0, "u"), click(T0, 1, "v"), click(T0, 2, "", "s"), click(T0 + 1, 3, "", "s"), click(T0, 4)]
    )

    assert [place.person for place in found] == [0, 1, 2, 2, 0]
    assert [place.position for place in found] == [1, 1, 1, 2, 2]


# --- paces ---


def move(row: int, time: float) -> Move:
    return Move(row, time, 1.0, (0,))


def known(pace: Pace, now: float) -> int:
    """How many of the clicks the counters know at `now`."""
    pace.catch_up(now, 8)
    assert pace.counters is not None
    return int(pace.counters.popularity.positives.sum())


def paced(rule: object, times: list[float]) -> Pace:
    pace = Pace("p", Counters(CountsConfig()), rule)  # type: ignore[arg-type]
    for time in times:
        pace.add(time, click(time), move(1, time))
    return pace


def test_frozen_counters_never_learn() -> None:
    assert known(paced(frozen, [T0, T0 + DAY]), T0 + 100 * DAY) == 0


def test_nightly_counters_learn_at_midnight() -> None:
    pace = paced(nightly, [T0 + 10, T0 + DAY - 1, T0 + DAY, T0 + DAY + 5])

    assert known(pace, T0 + DAY - 0.5) == 0
    assert known(pace, T0 + DAY) == 2  # midnight itself belongs to the new day
    assert known(pace, T0 + 2 * DAY - 1) == 2
    assert known(pace, T0 + 2 * DAY) == 4


def test_delayed_counters_learn_when_the_delay_is_over() -> None:
    pace = paced(delayed(60.0), [T0, T0 + 30])

    assert [known(pace, T0 + at) for at in (59, 60, 89, 90)] == [0, 1, 1, 2]


def test_online_counters_learn_at_once() -> None:
    assert known(paced(online, [T0, T0]), T0) == 2


@given(st.lists(st.floats(0, 5 * DAY), max_size=20), st.lists(st.floats(0, 5 * DAY), max_size=5))
def test_what_is_known_in_the_end_does_not_depend_on_when_it_was_asked_for(
    times: list[float], asked: list[float]
) -> None:
    ordered = [T0 + time for time in sorted(times)]
    one, other = paced(delayed(DAY), ordered), paced(delayed(DAY), ordered)
    for time in sorted(asked):
        known(one, T0 + time)

    assert known(one, T0 + 7 * DAY) == known(other, T0 + 7 * DAY) == len(times)
    assert one.counters is not None
    assert other.counters is not None
    assert one.counters.dump() == other.counters.dump()


def test_a_deleted_item_is_gone_at_once_and_stays_gone() -> None:
    pace = paced(nightly, [T0])
    known(pace, T0 + DAY)
    pace.add(T0 + DAY, click(T0 + DAY), move(1, T0 + DAY))
    pace.forget(T0 + DAY + 1, Record(event=Item(id="i", deleted=True), received=T0, time=T0), 1)

    assert known(pace, T0 + DAY + 2) == 0
    assert known(pace, T0 + 2 * DAY) == 0


def test_a_copy_holds_the_same_and_goes_its_own_way() -> None:
    one = Counters(CountsConfig())
    one.ensure(8)
    one.add([move(1, T0), move(2, T0 + 1)])
    two = copied(one, CountsConfig())

    assert two.dump() == one.dump()
    one.add([move(3, T0 + 2)])
    assert two.dump() != one.dump()


# --- states of an age ---


def looked(times: list[float], now: float, opened: int = -1) -> Looked:
    touches = tuple(Touch(f"i{at}", "view", 1.0, time, at) for at, time in enumerate(times))
    rejected = (Touch("no", "hide", -1.0, times[0], 0),) if times else ()
    return Looked(UserState(touches=touches, rejected=rejected), Place(0, 0.0, 1, opened), now)


def depth(age: str, one: Looked, delay_s: float = 0.0) -> Depth:
    return one.depth(ReplayArm(age, age, "online", delay_s))


def test_a_day_old_state_knows_what_was_done_a_day_ago() -> None:
    one = looked([T0, T0 + 10, T0 + DAY], T0 + DAY + 5)

    assert depth("day", one) == Depth(1, 1)
    assert depth("live", one) == Depth(3, 1)


def test_the_sessions_start_is_its_first_interaction_and_all_before() -> None:
    times = [T0, T0 + 1, T0 + 2, T0 + 3]

    assert depth("session", looked(times, T0 + 4, opened=1)) == Depth(2, 1)
    assert depth("session", looked(times, T0 + 4, opened=-1)) == Depth(4, 1)  # the event at hand opens the session


def test_a_delayed_state_knows_what_is_as_old_as_the_delay() -> None:
    one = looked([T0, T0 + 10, T0 + 20], T0 + 30)

    assert [depth("delayed", one, delay).touches for delay in (10, 11, 20, 31)] == [3, 2, 2, 0]
    assert depth("delayed", one, 31).rejected == 0


def test_the_arms_are_ages_by_paces_and_delays() -> None:
    arms = arms_of([10.0])

    assert len(arms) == 10
    assert len({arm.name for arm in arms}) == 10
    assert arms[-1] == ReplayArm("delay 10 s", "delayed", "delay 10 s", 10.0)


def test_columns_are_aligned_to_more_rows() -> None:
    rows = np.array([1, 4, 6, 9], np.int32)
    seen = Candidates(np.array([4, 9], np.int32), np.array([[1, 2], [3, 4]], np.float32), ("a", "b"))

    assert aligned(seen, rows).columns.tolist() == [[0, 1, 0, 2], [0, 3, 0, 4]]
    assert spread(np.array([9, 1], np.int32), np.array([5, 6], np.float32), rows).tolist() == [6, 0, 0, 5]


@pytest.mark.parametrize(
    ("scores", "place"),
    [([3, 2, 1], 1), ([1, 3, 2], 3), ([2, 2, 1], 2), ([2, 2, 2], 2), ([0, 0, 0], 0), ([0, 5, 5], 0), ([1, 0, 0], 1)],
)
def test_ties_take_the_middle_place_and_silence_is_a_miss(scores: list[int], place: int) -> None:
    assert rank(np.array(scores, np.float32), 0) == place


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_the_tie_rule_is_the_one_that_evaluate_calls_middle(scores: list[int]) -> None:
    line = np.array(scores, np.float32)

    assert rank(line, 0) == rank_of(line[None], np.array([0]), ties="middle")[0]


# --- fitted weights ---


def choices(n: int, feature: int, seed: int = 0) -> list[Choice]:
    """Choices of whatever has the highest value of one feature."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(n):
        features = rng.random((len(FEATURES), 20)).astype(np.float32)
        best = int(features[feature].argmax())
        features[:, [0, best]] = features[:, [best, 0]]
        made.append(Choice(features, 0, 0))
    return made


OWN = np.full((len(BUCKETS), len(FEATURES)), 0.5, np.float32)


def test_each_age_gets_the_weights_that_suit_it() -> None:
    tuned = tune({"live": choices(400, 0), "day": choices(400, 4)}, OWN)

    assert tuned["live"].fitted
    assert tuned["day"].fitted
    assert tuned["live"].table[0].argmax() == 0
    assert tuned["day"].table[0].argmax() == 4


def test_too_few_choices_leave_the_projects_own_weights() -> None:
    tuned = tune({"live": choices(LEAST - 1, 0), "day": []}, OWN)

    assert not tuned["live"].fitted
    assert (tuned["live"].table == OWN).all()
    assert tuned["day"].choices == 0


def test_weights_that_predict_the_newest_choices_worse_are_not_used() -> None:
    turned = [*choices(320, 0), *choices(80, 4)]  # the newest fifth is of another kind
    tuned = tune({"live": turned}, OWN)

    assert not tuned["live"].fitted
    assert (tuned["live"].table == OWN).all()


def test_a_log_is_read_in_its_own_order() -> None:
    assert [record.offset for record in followed([3.0, 1.0, 2.0])] == [0, 1, 2]
    assert measure(followed([T0 + 3, T0 + 1, T0 + 2]), 0.5).late == 2
    assert math.isclose(measure(followed([T0, T0 + 10]), 0.3).start, T0 + 3)
