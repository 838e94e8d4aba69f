"""Our own fold passes the check we ship, and the check finds a fold with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from swerve.state.config import StateConfig
from swerve.state.fold import fold
from swerve.testing.fold import Fold, check_fold
from swerve.types import Record, Touch, UserState

LARGE = StateConfig()


def test_the_contract_holds() -> None:
    assert check_fold(fold) == 7


def remembering() -> Fold:
    """Keeps something of its own between calls."""
    calls: list[int] = []

    def broken(state: UserState, record: Record, config: StateConfig) -> UserState:
        calls.append(record.offset)
        after = fold(state, record, config)
        return replace(after, counters=(("calls", len(calls)),))

    return broken


def writing(state: UserState, record: Record, config: StateConfig) -> UserState:
    """Changes a record's fields in place."""
    fields = getattr(record.event, "fields", {})
    fields["more"] = len(fields)
    return fold(state, record, config)


def by_clock(state: UserState, record: Record, config: StateConfig) -> UserState:
    after = fold(state, record, config)
    return replace(after, touches=tuple(sorted(after.touches, key=lambda touch: touch.time)))


def unbounded(state: UserState, record: Record, config: StateConfig) -> UserState:
    return fold(state, record, LARGE)


def stuck_offset(state: UserState, record: Record, config: StateConfig) -> UserState:
    after = fold(state, record, config)
    return replace(after, offset=state.offset) if "undo" in record.flags else after


def one_sign(state: UserState, record: Record, config: StateConfig) -> UserState:
    return fold(state, replace(record, gain=abs(record.gain)), config) if record.gain > -1 else _as_touch(state, record)


def _as_touch(state: UserState, record: Record) -> UserState:
    touch = Touch("a", "view", record.gain, record.time, record.offset)
    return replace(state, offset=record.offset, touches=(*state.touches, touch)[-10:])


def undoing_anything(state: UserState, record: Record, config: StateConfig) -> UserState:
    if "undo" in record.flags:
        return replace(state, offset=record.offset, touches=state.touches[:-1])
    return fold(state, record, config)


@pytest.mark.parametrize(
    ("make", "obligation"),
    [
        (remembering, "the same bytes|nothing remembered"),
        (lambda: writing, "left as they were"),
        (lambda: by_clock, "order of the log"),
        (lambda: unbounded, "at most"),
        (lambda: stuck_offset, "offset of the last record"),
        (lambda: one_sign, "no negative gain"),
        (lambda: undoing_anything, "undo of nothing"),
    ],
)
def test_the_check_finds_a_wrong_fold(make: Callable[[], Fold], obligation: str) -> None:
    with pytest.raises(AssertionError, match=obligation):
        check_fold(make())
