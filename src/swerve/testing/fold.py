"""What every fold of a user state owes its callers, as a check to run on your own: `check_fold(my_fold)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from swerve.state.config import StateConfig
from swerve.testing.obligations import owes
from swerve.types import Interaction, Record, User, UserState

_owes = owes("a fold owes its callers")

Fold: TypeAlias = Callable[[UserState, Record, StateConfig], UserState]
_SMALL = StateConfig(touches=10, rejected=4, older=12, actions=3, fields=2)


def check_fold(fold: Fold) -> int:
    """Hold a fold to its obligations; raises AssertionError saying which one it breaks.

    It must be pure, deterministic, bounded by the settings, keep the order of the log whatever the clocks say, take
    an undo of nothing for nothing, and survive a round trip through bytes at any point. Returns the number of checks.
    """
    checks = [_pure, _deterministic, _offset, _bounded, _ordered, _undo, _restartable]
    for check in checks:
        check(fold)
    return len(checks)


def _log(seed: int, size: int = 300) -> list[Record]:
    """One user's records: interactions of every sign, undos, fields, and clocks that jump back and forth."""
    rng = np.random.default_rng(seed)
    log = []
    for offset in range(0, 2 * size, 2):  # other users' records lie between
        kind, item = rng.random(), f"item{rng.integers(40)}"
        time = 1_700_000_000.0 + float(rng.normal(0, 1e8))
        undo = 0.9 < kind < 0.97
        event: Interaction | User = Interaction(user="ann", item=item, action="undo" if undo else f"a{int(kind * 6)}")
        if kind > 0.97:
            event = User(id="ann", fields={item: offset})
        gain = 0.0 if undo or isinstance(event, User) else float(rng.integers(-1, 3))
        flags = ("undo",) if undo else ()
        log.append(Record(event=event, received=time, time=time, gain=gain, flags=flags, offset=offset))
    return log


def _folded(fold: Fold, log: Sequence[Record], config: StateConfig = _SMALL) -> list[UserState]:
    """The state after each record."""
    states = [UserState()]
    for record in log:
        states.append(fold(states[-1], record, config))
    return states[1:]


def _bytes(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


def _pure(fold: Fold) -> None:
    states = _folded(fold, log := _log(1))
    before = _bytes([states, log])
    for state, record in zip(states, log[1:], strict=False):
        fold(state, record, _SMALL)
    _owes(_bytes([states, log]) == before, "states and records left as they were")


def _deterministic(fold: Fold) -> None:
    log = _log(2)
    copy = msgspec.msgpack.decode(_bytes(log), type=list[Record])
    _owes(_bytes(_folded(fold, log)) == _bytes(_folded(fold, copy)), "the same bytes for the same log")


def _offset(fold: Fold) -> None:
    log = _log(3)
    offsets = [state.offset for state in _folded(fold, log)]
    _owes(offsets == [record.offset for record in log], "the offset of the last record, whatever it was")


def _bounded(fold: Fold) -> None:
    for state in _folded(fold, _log(4)):
        _owes(len(state.touches) <= _SMALL.touches, "at most `touches` touches")
        _owes(len(state.rejected) <= _SMALL.rejected, "at most `rejected` rejections")
        _owes(len(state.older) <= _SMALL.older, "at most `older` older items")
        _owes(len(set(state.older)) == len(state.older), "distinct older items")
        _owes(len(state.counters) <= _SMALL.actions, "at most `actions` counters")
        _owes(len(state.fields) <= _SMALL.fields, "at most `fields` fields")


def _ordered(fold: Fold) -> None:
    for state in _folded(fold, _log(5)):
        for touches in (state.touches, state.rejected):
            offsets = [touch.offset for touch in touches]
            _owes(offsets == sorted(set(offsets)), "interactions once each, in the order of the log, not of the clocks")
        _owes(all(touch.gain >= 0 for touch in state.touches), "no negative gain among the touches")
        _owes(all(touch.gain < 0 for touch in state.rejected), "only negative gains among the rejections")
        _owes(list(state.counters) == sorted(state.counters), "counters sorted by action")
        _owes(list(dict(state.fields)) == sorted(dict(state.fields)), "fields sorted by name")


def _undo(fold: Fold) -> None:
    event = Interaction(user="ann", item="never touched", action="undo")
    for state in [UserState(), *_folded(fold, _log(6))]:
        undo = Record(event=event, received=0.0, time=0.0, flags=("undo",), offset=state.offset + 1)
        after = fold(state, undo, _SMALL)
        unchanged = msgspec.structs.replace(after, offset=state.offset)
        _owes(_bytes(unchanged) == _bytes(state), "an undo of nothing changes nothing but the offset")


def _restartable(fold: Fold) -> None:
    log = _log(7)
    whole = _folded(fold, log)
    for at in range(0, len(log), 29):
        restored = msgspec.msgpack.decode(_bytes(whole[at]), type=UserState)
        for record in log[at + 1 :]:
            restored = fold(restored, record, _SMALL)
        _owes(_bytes(restored) == _bytes(whole[-1]), "nothing remembered outside the state")
