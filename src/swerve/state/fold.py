"""How one record changes a user state: pure, bounded, deterministic, and cheap whatever the history's length.

Knows no clock, no catalog and no other user. Rules:

- gain >= 0: appended to `touches`. When those are full the oldest eighth moves to `older` at once, because moving
  one item per event would rebuild a tuple of thousands on every event of a heavy user.
- gain < 0: appended to `rejected`; the touches stay, they did happen.
- gain > 0 on a rejected item lifts its rejections: the user changed their mind.
- a record flagged `undo` takes back the latest remembered interaction with its item, whichever sign it had. What
  that interaction had caused is not brought back: a lifted rejection, or an item pushed out by the bounds. Nothing
  to undo is not an error. The undo itself is not counted.
- `User` events merge their fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import filterfalse
from sys import intern

from swerve.state.config import StateConfig
from swerve.types import FieldValue, Interaction, Record, Touch, User, UserState

Counters = tuple[tuple[str, int], ...]
Fields = tuple[tuple[str, FieldValue], ...]
Touches = tuple[Touch, ...]

EMPTY = UserState()
"""The state of a user nobody has heard of."""


def fold(state: UserState, record: Record, config: StateConfig) -> UserState:
    """The state after `record`. Interactions and `User` events move `offset`; other events return `state` itself.

    Strings are interned, so that a million touches share one copy of each item id; CPython drops an interned
    string with its last user, so this cannot grow beyond what the states hold.
    """
    event = record.event
    if type(event) is Interaction:
        if record.flags and "undo" in record.flags:
            return _undo(state, record.offset, event.item)
        touch = Touch(intern(event.item), intern(event.action), record.gain, record.time, record.offset)
        return _reject(state, touch, config) if record.gain < 0 else _touch(state, touch, config)
    if type(event) is User:
        fields = merge_fields(state.fields, event.fields.items(), config.fields)
        return UserState(record.offset, state.touches, state.rejected, state.older, state.counters, fields)
    return state


def _touch(state: UserState, touch: Touch, config: StateConfig) -> UserState:
    touches, older, rejected = state.touches, state.older, state.rejected
    if len(touches) >= config.touches:
        spilled = len(touches) - config.touches + max(1, config.touches // 8)
        older = remember(older, touches[:spilled], config.older)
        touches = touches[spilled:]
    if rejected and touch.gain > 0:
        rejected = tuple(one for one in rejected if one.item != touch.item)
    counters = count(state.counters, touch.action, config.actions)
    return UserState(touch.offset, (*touches, touch), rejected, older, counters, state.fields)


def _reject(state: UserState, touch: Touch, config: StateConfig) -> UserState:
    rejected = (*state.rejected, touch)[-config.rejected :]
    counters = count(state.counters, touch.action, config.actions)
    return UserState(touch.offset, state.touches, rejected, state.older, counters, state.fields)


def _undo(state: UserState, offset: int, item: str) -> UserState:
    latest = max(_latest(state.touches, item), _latest(state.rejected, item), key=lambda touch: touch.offset)
    touches, rejected, counters = state.touches, state.rejected, state.counters
    if latest is not _NOTHING:
        touches = tuple(touch for touch in touches if touch is not latest)
        rejected = tuple(touch for touch in rejected if touch is not latest)
        counters = _uncount(counters, latest.action)
    return UserState(offset, touches, rejected, state.older, counters, state.fields)


_NOTHING = Touch("", "", 0.0, 0.0, -2)


def _latest(touches: Touches, item: str) -> Touch:
    for touch in reversed(touches):
        if touch.item == item:
            return touch
    return _NOTHING


def remember(older: tuple[str, ...], fallen: Touches, limit: int) -> tuple[str, ...]:
    """`older` with the items of `fallen` (oldest first) as its newest: distinct, at most `limit`."""
    items = tuple(dict.fromkeys([touch.item for touch in reversed(fallen)]))[::-1]
    moved = frozenset(items)
    if not moved.isdisjoint(older):
        older = tuple(filterfalse(moved.__contains__, older))
    return older[max(0, len(older) + len(items) - limit) :] + items[-limit:]


def count(counters: Counters, action: str, limit: int, times: int = 1) -> Counters:
    """`counters` with `action` counted `times` more; a new action beyond `limit` is left out."""
    for at, (name, known) in enumerate(counters):
        if name == action:
            return (*counters[:at], (name, known + times), *counters[at + 1 :])
    return counters if len(counters) >= limit else tuple(sorted((*counters, (action, times))))


def _uncount(counters: Counters, action: str) -> Counters:
    changed = ((name, known - (name == action)) for name, known in counters)
    return tuple((name, known) for name, known in changed if known > 0)


def merge_fields(fields: Fields, said: Iterable[tuple[str, FieldValue]], limit: int) -> Fields:
    """`fields` with what was `said` on top, sorted by name; new names only while there are fewer than `limit`."""
    known = dict(fields)
    for name, value in sorted(said):
        if name in known or len(known) < limit:
            known[name] = value
    return tuple(sorted(known.items()))
