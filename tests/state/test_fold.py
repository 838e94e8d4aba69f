"""One record changes one user state: the rules, the bounds, and that nothing else has a say."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.state.config import StateConfig
from swerve.state.fold import EMPTY, fold
from swerve.types import Impression, Item, Record, UserState
from tests.state.logs import interaction, logs, remembered, said

CONFIG = StateConfig()
SMALL = StateConfig(touches=4, rejected=2, older=3, actions=2, fields=2)


def folded(*records: Record, config: StateConfig = CONFIG, state: UserState = EMPTY) -> UserState:
    for record in records:
        state = fold(state, record, config)
    return state


def items(state: UserState) -> list[str]:
    return [touch.item for touch in state.touches]


def rejected(state: UserState) -> list[str]:
    return [touch.item for touch in state.rejected]


def test_a_touch_keeps_what_the_record_says() -> None:
    record = msgspec.structs.replace(interaction(7, "mug", 3.0, action="buy"), time=123.0)

    state = folded(record)

    assert state.offset == 7
    assert [msgspec.structs.astuple(touch) for touch in state.touches] == [("mug", "buy", 3.0, 123.0, 7)]
    assert state.counters == (("buy", 1),)


def test_touches_are_oldest_first_and_a_gain_of_zero_is_one() -> None:
    assert items(folded(interaction(0, "a"), interaction(1, "b", 0.0), interaction(2, "a"))) == ["a", "b", "a"]


def test_a_negative_gain_is_rejected_and_the_touches_stay() -> None:
    state = folded(interaction(0, "a"), interaction(1, "a", -1.0, action="dislike"))

    assert items(state) == ["a"]
    assert rejected(state) == ["a"]
    assert state.counters == (("dislike", 1), ("view", 1))


def test_a_later_positive_interaction_lifts_every_rejection_of_that_item_only() -> None:
    state = folded(
        interaction(0, "a", -1.0), interaction(1, "b", -1.0), interaction(2, "a", -1.0), interaction(3, "a", 1.0)
    )

    assert rejected(state) == ["b"]


def test_a_gain_of_zero_lifts_nothing() -> None:
    assert rejected(folded(interaction(0, "a", -1.0), interaction(1, "a", 0.0))) == ["a"]


def test_when_touches_are_full_the_oldest_move_to_older() -> None:
    state = folded(*(interaction(at, item) for at, item in enumerate("abcde")), config=SMALL)

    assert items(state) == list("bcde")
    assert state.older == ("a",)


def test_older_is_distinct_and_an_item_that_falls_again_becomes_its_newest() -> None:
    config = StateConfig(touches=1, older=3)

    assert folded(*(interaction(at, item) for at, item in enumerate("abcax")), config=config).older == ("b", "c", "a")
    assert folded(*(interaction(at, item) for at, item in enumerate("abcdex")), config=config).older == ("c", "d", "e")


def test_a_full_history_moves_in_eighths_so_that_a_heavy_user_costs_no_more() -> None:
    state = folded(*(interaction(at, f"i{at}") for at in range(200)))
    assert (len(state.touches), len(state.older)) == (200, 0)

    state = folded(interaction(200, "next"), state=state)
    assert (len(state.touches), len(state.older)) == (176, 25)
    assert state.older == tuple(f"i{at}" for at in range(25))
    assert items(state) == [*(f"i{at}" for at in range(25, 200)), "next"]


def test_actions_beyond_the_bound_are_folded_but_not_counted() -> None:
    names = ["view", "like", "share", "view"]
    state = folded(*(interaction(at, "a", action=name) for at, name in enumerate(names)), config=SMALL)

    assert state.counters == (("like", 1), ("view", 2))
    assert len(state.touches) == 4


def test_user_events_merge_their_fields_within_the_bound() -> None:
    state = folded(said(0, country="at", age=30), said(1, age=31, zip="1010"), config=SMALL)

    assert state.fields == (("age", 31), ("country", "at"))
    assert state.offset == 1


def test_events_that_are_about_no_user_leave_the_state_alone() -> None:
    state = folded(interaction(0, "a"))
    for event in (Item(id="a"), Impression(slate="s", picks=(), user="ann")):
        assert fold(state, Record(event=event, received=0.0, time=0.0, offset=1), CONFIG) is state


def test_the_offset_moves_with_every_record_even_when_nothing_else_does() -> None:
    assert folded(interaction(4, "a", undo=True)).offset == 4


# --- undo ---------------------------------------------------------------------------------------------------


def test_undo_takes_back_the_latest_interaction_with_that_item() -> None:
    state = folded(interaction(0, "a"), interaction(1, "b"), interaction(2, "a"), interaction(3, "a", undo=True))

    assert [(touch.item, touch.offset) for touch in state.touches] == [("a", 0), ("b", 1)]
    assert state.counters == (("view", 2),)


def test_undo_takes_back_whichever_sign_came_last() -> None:
    liked = folded(interaction(0, "a", -1.0), interaction(1, "a", 0.0), interaction(2, "a", undo=True))
    disliked = folded(interaction(0, "a", 0.0), interaction(1, "a", -1.0), interaction(2, "a", undo=True))

    assert (items(liked), rejected(liked)) == ([], ["a"])
    assert (items(disliked), rejected(disliked)) == (["a"], [])


def test_undo_twice_takes_back_two() -> None:
    undo = [interaction(3, "a", undo=True), interaction(4, "a", undo=True)]
    assert items(folded(interaction(0, "a"), interaction(1, "b"), interaction(2, "a"), *undo)) == ["b"]


@pytest.mark.parametrize("item", ["b", "fallen"])
def test_undo_of_nothing_changes_nothing(item: str) -> None:
    before = folded(*(interaction(at, name) for at, name in enumerate(["fallen", *"wxyz"])), config=SMALL)

    after = folded(interaction(9, item, undo=True), config=SMALL, state=before)

    assert remembered(after) == remembered(before)
    assert after.offset == 9


@given(logs(users=("ann",), sessions=("",)), st.sampled_from("abcdef"), st.sampled_from([-1.0, 0.0, 2.0]))
def test_undo_restores_the_state_as_it_was(log: list[Record], item: str, gain: float) -> None:
    """But for a lifted rejection: exactly what the module says is not brought back."""
    before = folded(*log)
    after = folded(interaction(100, item, gain), interaction(101, item, undo=True), state=before)

    lifts = gain > 0 and item in rejected(before)
    kept = tuple(one for one in before.rejected if not (lifts and one.item == item))
    assert remembered(after) == (before.touches, kept, before.older, before.counters, before.fields)


@given(logs(users=("ann",), sessions=("",)), st.sampled_from("abcdef"))
def test_undo_under_tight_bounds_loses_only_what_fell_out(log: list[Record], item: str) -> None:
    before = folded(*log, config=SMALL)
    after = folded(interaction(100, item), interaction(101, item, undo=True), config=SMALL, state=before)

    assert after.touches == before.touches[len(before.touches) - len(after.touches) :]
    assert {touch.item for touch in before.touches} <= {touch.item for touch in after.touches} | set(after.older)


# --- laws ---------------------------------------------------------------------------------------------------


@given(logs(users=("ann",), sessions=("",)), st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))
def test_no_bound_is_ever_exceeded(log: list[Record], touches: int, rejections: int, older: int) -> None:
    config = StateConfig(touches=touches, rejected=rejections, older=older, actions=2, fields=1)
    state = EMPTY
    for record in log:
        state = fold(state, record, config)
        assert len(state.touches) <= touches
        assert len(state.rejected) <= rejections
        assert len(state.older) == len(set(state.older)) <= older
        assert len(state.counters) <= 2
        assert len(state.fields) <= 1
        assert list(state.counters) == sorted(state.counters)
        assert [touch.offset for touch in state.touches] == sorted(touch.offset for touch in state.touches)
        assert all(times > 0 for _, times in state.counters)


@given(logs(users=("ann",), sessions=("",), undo=False))
def test_a_smaller_history_is_the_end_of_a_larger_one(log: list[Record]) -> None:
    large, small = folded(*log), folded(*log, config=SMALL)

    assert small.touches == large.touches[len(large.touches) - len(small.touches) :]


@given(logs(users=("ann",), sessions=("",)))
def test_F3_the_fold_reads_offset_order_and_no_clock(log: list[Record]) -> None:
    """Whatever the server clock said, the state is the same but for nothing."""
    shifted = [msgspec.structs.replace(record, received=record.received * 2 - 5) for record in log]

    assert folded(*shifted) == folded(*log)
