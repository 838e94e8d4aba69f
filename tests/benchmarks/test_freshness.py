"""The judge of freshness sees every kind of staleness, and the benchmark runs on a real engine."""

from __future__ import annotations

import pytest

import swerve
from benchmarks.freshness import ACTIONS, Lane, in_process, is_stale


def slate(offset: int, *items: str) -> swerve.Slate:
    picks = tuple(swerve.Pick(item=item, position=place, score=1.0) for place, item in enumerate(items))
    return swerve.Slate(slate="0-x", picks=picks, state_offset=offset, model_version=0)


def event(action: str, item: str = "a") -> swerve.Interaction:
    return swerve.Interaction(user="u", item=item, action=action)


def test_a_list_from_an_older_state_is_stale() -> None:
    assert is_stale(event("view"), 5, slate(4, "b"))
    assert not is_stale(event("view"), 5, slate(5, "b"))
    assert not is_stale(event("view"), 5, slate(6, "b"))


@pytest.mark.parametrize("action", ["buy", "not_interested"])
def test_a_list_that_still_shows_what_was_taken_out_is_stale(action: str) -> None:
    assert is_stale(event(action), 5, slate(5, "b", "a"))
    assert not is_stale(event(action), 5, slate(5, "b"))


def test_what_was_only_viewed_may_be_shown_again() -> None:
    assert not is_stale(event("view"), 5, slate(5, "a"))


def test_a_lane_acts_on_what_its_user_saw_last() -> None:
    lane = Lane("lane", items=3, users=1)
    first = lane.act(0)
    lane.judge(first, 1, slate(1, "i77", "i78"))

    assert lane.act(1).item == "i77"
    assert [lane.act(number).action for number in range(len(ACTIONS))] == list(ACTIONS)


def test_a_lane_counts_what_is_stale() -> None:
    lane = Lane("lane", items=3)
    lane.judge(event("view"), 5, slate(4, "b"))
    lane.judge(event("view"), 5, slate(5))

    assert (lane.stale, lane.shortest) == (1, 0)


def test_no_pair_is_stale_in_process() -> None:
    lanes = [Lane(f"t{number}", items=50, users=5) for number in range(3)]
    with swerve.open(None, preset="shop") as engine:
        engine.observe([swerve.Item(id=f"i{number}", title=f"thing {number}") for number in range(50)])
        took = in_process(engine, lanes, 60)

    assert len(took) == 60
    assert sum(lane.stale for lane in lanes) == 0
    assert min(lane.shortest for lane in lanes) == 10
