"""PRQ on logs whose answer is known by construction: what each arm must know, and what none may know."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest

import swerve
from swerve.errors import InvalidInput
from swerve.evaluate.prq.outcome import Outcome, Settings
from swerve.evaluate.prq.panel import REPEAT
from swerve.evaluate.prq.places import measure
from swerve.evaluate.prq.replay import replay
from swerve.evaluate.prq.run import Run
from swerve.evaluate.prq.views import delay_name
from swerve.types import Interaction, Item, Record
from tests.evaluate.logs import (
    DAY,
    PLAIN,
    T0,
    Click,
    deletion,
    drifting,
    hr,
    loyal,
    project,
    records,
    replayed,
    told_by_the_session,
)

NOW = Settings(every=1, tuned=False, delays=())
DELAYS = (10.0, 60.0, 600.0, 3600.0)


@pytest.fixture(scope="module")
def sessions() -> Outcome:
    return replayed(told_by_the_session([30.0]), Settings(every=1, tuned=False, delays=DELAYS))


@pytest.fixture(scope="module")
def drift() -> Outcome:
    return replayed(drifting(), NOW)


def test_what_the_second_event_says_of_the_third_only_a_live_state_knows(sessions: Outcome) -> None:
    third = sessions.judged.position == 3

    assert hr(sessions, "live+online", 10, third) > 0.9
    assert hr(sessions, "session+online", 10, third) < 0.35
    assert hr(sessions, "day+online", 10, third) < 0.35


def test_what_the_first_event_says_of_the_fourth_a_state_of_the_session_start_knows(sessions: Outcome) -> None:
    fourth = sessions.judged.position == 4

    assert hr(sessions, "session+online", 10, fourth) > 0.85
    assert hr(sessions, "day+online", 10, fourth) < 0.35


def test_live_beats_session_start_beats_a_day_old(sessions: Outcome) -> None:
    assert hr(sessions, "live+online") > hr(sessions, "session+online") + 0.04
    assert hr(sessions, "session+online") > hr(sessions, "day+online") + 0.1


def test_at_a_sessions_first_two_events_its_start_is_all_there_is(sessions: Outcome) -> None:
    early = sessions.judged.position <= 2
    live, start = (sessions.judged.ranks[:, sessions.arms.index(arm)] for arm in ("live+online", "session+online"))

    assert (live[early] == start[early]).all()
    assert (live != start).any()


def test_every_position_is_judged_equally_often(sessions: Outcome) -> None:
    counts = np.bincount(sessions.judged.position)[1:]

    assert len(counts) == 4
    assert counts.max() - counts.min() <= 1


def test_where_the_world_changes_online_beats_nightly_beats_frozen(drift: Outcome) -> None:
    outcome, second = drift, drift.judged.position == 2

    online, nightly, frozen = (hr(outcome, f"live+{pace}", 10, second) for pace in ("online", "nightly", "frozen"))
    assert online > nightly + 0.1
    assert nightly > frozen + 0.2
    last = [hr(outcome, f"last item, {pace}", 10, second) for pace in ("online", "nightly", "frozen")]
    assert last[0] > last[1] + 0.1
    assert last[1] > last[2] + 0.2


def test_the_new_mapping_is_unknown_to_the_night_before_on_its_first_day_only(drift: Outcome) -> None:
    outcome, judged = drift, drift.judged
    day = np.floor((judged.time - T0) / DAY).astype(int)
    late, second = (judged.time - T0) % DAY > DAY / 2, judged.position == 2

    changed = late & second & (day % 3 == 0)
    settled = late & second & (day % 3 == 1)
    assert hr(outcome, "live+nightly", 10, changed) < 0.3
    assert hr(outcome, "live+online", 10, changed) > 0.9
    assert hr(outcome, "live+nightly", 10, settled) > 0.9


def test_where_people_only_go_back_the_repeat_prior_explains_everything() -> None:
    outcome = replayed(loyal(visits=40), NOW)

    assert outcome.judged.repeat.all()
    assert hr(outcome, REPEAT) == 1.0
    assert hr(outcome, "live+online") - hr(outcome, REPEAT) <= 0
    assert hr(outcome, "popular 7d") < 0.2


def test_the_repeat_prior_knows_nothing_new(sessions: Outcome) -> None:
    assert hr(sessions, REPEAT, 20, ~sessions.judged.repeat) == 0


def test_the_later_feedback_is_heard_of_the_less_it_helps() -> None:
    pauses = [1.0, 5.0, 20.0, 40.0, 120.0, 900.0, 1800.0]
    outcome = replayed(told_by_the_session(pauses), Settings(every=1, tuned=False, delays=DELAYS, gap_s=4000.0))
    curve = [hr(outcome, "live+online"), *(hr(outcome, delay_name(delay)) for delay in DELAYS)]

    assert all(later <= sooner for sooner, later in pairwise(curve))
    assert all(later < sooner - 0.02 for sooner, later in pairwise(curve))


def test_a_delay_that_is_shorter_than_every_pause_costs_nothing(sessions: Outcome) -> None:
    live, soon = (sessions.judged.ranks[:, sessions.arms.index(arm)] for arm in ("live+online", delay_name(10.0)))

    assert (live == soon).all()


def test_an_event_is_ranked_before_it_is_learned_from() -> None:
    # Everybody always acts on something that nobody has ever acted on: nobody can know.
    clicks: list[Click] = [(T0 + at * 60.0, f"u{at % 9}", "", f"i{at}") for at in range(400)]

    outcome = replayed(clicks, NOW)

    assert not outcome.judged.ranks.any()
    assert not outcome.judged.reached.any()
    assert (outcome.judged.item_age_s == 0).all()
    assert (outcome.judged.popularity == 0).all()


def test_what_comes_later_changes_nothing_before() -> None:
    clicks = told_by_the_session([30.0], sessions=200)
    log = records(clicks)
    cut = int(len(log) * 0.8)
    rng = np.random.default_rng(1)
    other = [
        msgspec.structs.replace(record, event=msgspec.structs.replace(record.event, item=f"z{rng.integers(0, 9)}"))
        for record in log[cut:]
    ]

    one, two = replayed(log, NOW), replayed([*log[:cut], *other], NOW)

    same = int((one.judged.time < log[cut].time).sum())
    assert same > 100
    assert (one.judged.ranks[:same] == two.judged.ranks[:same]).all()
    assert (one.judged.ranks[same:] != two.judged.ranks[same:]).any()


def test_the_same_seed_gives_the_same_outcome_and_another_one_other_events() -> None:
    clicks = told_by_the_session([30.0], sessions=300)

    one, again, other = (replayed(clicks, Settings(every=3, seed=seed, delays=())) for seed in (0, 0, 1))

    assert (one.judged.ranks == again.judged.ranks).all()
    assert (one.judged.time == again.judged.time).all()
    assert not np.array_equal(one.judged.time, other.judged.time)
    assert len(one.judged.time) == pytest.approx(480 / 3, rel=0.25)


def test_the_number_of_judged_events_chooses_how_many_are_drawn() -> None:
    outcome = replayed(told_by_the_session([30.0], sessions=300), Settings(judged=100, delays=(), tuned=False))

    assert outcome.every == 5
    assert 60 <= len(outcome.judged.time) <= 140


def test_all_paces_know_the_same_when_the_warm_up_ends(sessions: Outcome, drift: Outcome) -> None:
    for outcome in (sessions, drift):
        first = outcome.judged.ranks[0]
        for age in ("day", "session", "live"):
            assert len({first[outcome.arms.index(f"{age}+{pace}")] for pace in ("frozen", "nightly", "online")}) == 1


def test_a_night_later_the_nightly_counters_are_the_live_ones() -> None:
    # Guards the moves that the slow paces get against those that the engine's own fold counts.
    log = records(drifting(days=6))
    undone = Record(
        event=Interaction(user="u5-79", item="a1", action="undo"),
        received=log[-1].time,
        time=log[-1].time,
        flags=("undo",),
    )
    log.append(msgspec.structs.replace(undone, offset=len(log)))
    log.append(deletion("x5", log[-1].time, len(log)))
    log.insert(len(log) - 200, deletion("a3", log[-200].time, -1))
    log = [msgspec.structs.replace(record, offset=offset) for offset, record in enumerate(log)]
    made = project(counts__half_life_s=2 * DAY, counts__window=3, counts__reverse=0.5)
    run = Run(made, NOW, measure(log, 0.5), 1)
    for record in log:
        run.take(record)

    frozen, nightly = run._paces[0], run._paces[1]
    live = made.derived.counters.dump()
    assert nightly.counters is not None
    assert frozen.counters is not None
    assert nightly.counters.dump() != live
    nightly.catch_up(log[-1].time + DAY, made.derived.catalog.size)
    frozen.catch_up(log[-1].time + DAY, made.derived.catalog.size)
    assert nightly.counters.dump() == live
    assert frozen.counters.dump() != live


def test_the_live_online_arm_ranks_as_the_engine_serves() -> None:
    log = records(told_by_the_session([30.0], sessions=150))
    outcome = replayed(log, NOW)
    ranks = outcome.judged.ranks[:, outcome.arms.index("live+online")]
    start = measure(log, 0.6).start
    now = [T0]
    served = []
    settings = {**PLAIN, "log.backend": "memory", "engine.log_impressions": False}
    with swerve.open(None, config=settings, clock=lambda: now[0]) as engine:
        for record in log:
            event = record.event
            assert isinstance(event, Interaction)
            now[0] = record.time
            if record.time >= start:
                picks = engine.recommend(event.user, session=event.session, n=20).picks
                scores = [pick.score for pick in picks]
                at = next((place for place, pick in enumerate(picks) if pick.item == event.item), -1)
                sure = at >= 0 and picks[at].score > 0 and scores.count(scores[at]) == 1
                served.append(at + 1 if sure else -1)
            engine.observe(msgspec.structs.replace(event, time=record.time))

    sure = np.array(served) > 0
    assert len(served) == len(ranks)
    assert sure.mean() > 0.3
    assert (ranks[sure] == np.array(served)[sure]).all()


def test_items_that_the_filters_hide_are_not_asked_for() -> None:
    clicks = loyal(visits=20)

    with pytest.raises(InvalidInput, match="found 0"):
        replayed(clicks, NOW, respond__hide_seen="all")  # nobody ever does anything new
    told = replayed(told_by_the_session([30.0], sessions=250), NOW, respond__hide_seen="all")
    assert told.hidden > 0
    assert not told.judged.repeat.any()


def test_a_deleted_item_is_shown_by_no_arm() -> None:
    log = records(told_by_the_session([30.0], sessions=300))
    gone = [f"{letter}{number}" for letter in "fg" for number in range(60)]
    at = int(len(log) * 0.6) + 30
    log[at:at] = [deletion(item, log[at].time, -1) for item in gone]
    log = [msgspec.structs.replace(record, offset=offset) for offset, record in enumerate(log)]
    made = project(catalog__unknown_items="ignore")
    items = [
        Record(event=Item(id=item), received=T0, time=T0)
        for item in [*gone, *(f"{letter}{number}" for letter in "ab" for number in range(60))]
    ]
    log = [msgspec.structs.replace(record, offset=offset) for offset, record in enumerate([*items, *log])]

    outcome = replay(lambda: iter(log), made, NOW)

    third = outcome.judged.position == 3
    assert third.sum() > 50
    after = outcome.judged.time > log[at + len(items) + len(gone)].time
    assert not outcome.judged.ranks[after & third].any()
    assert not outcome.judged.reached[after & third].any()


def test_weights_of_each_age_are_fitted_to_the_end_of_the_warm_up() -> None:
    outcome = replayed(told_by_the_session([30.0], sessions=1500), Settings(every=20, delays=()))

    assert set(outcome.tuned) == {"day", "session", "live"}
    assert outcome.tuned["live"].choices > 200
    assert outcome.tuned["live"].fitted
    assert (outcome.tuned["live"].table != outcome.tuned["day"].table).any()


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, 2.0])
def test_a_warm_up_is_a_part_of_the_time(share: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        replayed(loyal(visits=5), Settings(warm_up=share))


def test_too_little_to_judge_is_an_error_not_a_figure() -> None:
    with pytest.raises(InvalidInput, match="at least 50 events to judge, found 12"):
        replayed([(T0 + at, "u", "", f"i{at}") for at in range(30)], NOW)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    log = records(loyal(visits=40))
    replay(lambda: iter(log), project(), NOW, lambda done, total: told.append((done, total)))

    assert told == [(0, 1200), (512, 1200), (1024, 1200)]


def test_whatever_else_learns_hears_of_records_at_the_pace_it_belongs_to() -> None:
    log = records(drifting(days=4))
    made = project()
    heard: dict[str, list[int]] = {}

    def serve(pace: str, counters: object) -> object:
        heard[pace] = []
        served = made.serve(pace, counters)  # type: ignore[arg-type]
        learn = lambda records: heard[pace].extend(record.offset for record in records)  # noqa: E731
        return msgspec.structs.replace(served, learn=learn)

    replay(
        lambda: iter(log), msgspec.structs.replace(made, serve=serve), Settings(every=1, tuned=False, delays=(3600.0,))
    )

    start = next(record.offset for record in log if record.time >= measure(log, 0.6).start)
    night = next(record.offset for record in log if record.time >= T0 + 3 * DAY)
    assert heard["frozen"] == []
    assert heard["nightly"] == list(range(start, night))
    assert heard["online"] == list(range(start, len(log) - 1))  # the last one is judged, and nothing after it
    assert heard[delay_name(3600.0)] == [record.offset for record in log[start:] if record.time <= log[-1].time - 3600]
