"""A session becomes a user: two states of one person, merged as if all of it had been folded into one.

`join` is pure and idempotent: joining the same session again changes nothing, so a reader that meets a session
and its user in the middle of a login sees the same either way.
"""

from __future__ import annotations

from swerve.state.config import StateConfig
from swerve.state.fold import Counters, Touches, count, remember
from swerve.types import Touch, UserState


def join(user: UserState, session: UserState, config: StateConfig) -> UserState:
    """`user` with everything of `session`, in the order of the offsets, within the bounds of `config`.

    Touches and rejections keep the newest; a rejection is lifted by a later positive touch that is still kept. Items
    only `session.older` knows go before the user's own, so they are the first to be forgotten. No event gives a session
    fields; should it have some, the user's win. Counters add up once: not when an interaction of the session is in
    `user` already (a second join), and not when none of them is kept (which could not be told from a second join).
    """
    together = _by_offset(user.touches, session.touches)
    touches = together[-config.touches :]
    rejected = _unlifted(_by_offset(user.rejected, session.rejected), touches)[-config.rejected :]
    return UserState(
        max(user.offset, session.offset),
        touches,
        rejected,
        _older(user, session, touches, config.older),
        _counters(user, session, (*touches, *rejected), config.actions),
        user.fields or session.fields,
    )


def _by_offset(one: Touches, other: Touches) -> Touches:
    """Both, once per offset, oldest first."""
    merged = {touch.offset: touch for touch in (*one, *other)}
    return tuple(merged[offset] for offset in sorted(merged))


def _unlifted(rejected: Touches, touches: Touches) -> Touches:
    """Without the rejections that a later positive touch of the same item lifts."""
    liked = {touch.item: touch.offset for touch in touches if touch.gain > 0}
    return tuple(one for one in rejected if liked.get(one.item, -1) < one.offset)


def _older(user: UserState, session: UserState, touches: Touches, limit: int) -> tuple[str, ...]:
    """Older items of both with what the merge pushed out; the user's own count as newer (there are no offsets)."""
    mine = remember(user.older, _fallen(user.touches, touches), limit)
    theirs = remember(session.older, _fallen(session.touches, touches), limit)
    known = frozenset(mine)
    return tuple([*(item for item in theirs if item not in known), *mine][-limit:])


def _fallen(before: Touches, kept: Touches) -> Touches:
    first = kept[0].offset if kept else 0
    return tuple(touch for touch in before if touch.offset < first)


def _counters(user: UserState, session: UserState, kept: Touches, limit: int) -> Counters:
    counters = user.counters
    theirs = _offsets((*session.touches, *session.rejected))
    joined_before = theirs & _offsets((*user.touches, *user.rejected))
    if joined_before or not theirs & _offsets(kept):
        return counters
    for action, times in session.counters:
        counters = count(counters, action, limit, times)
    return counters


def _offsets(touches: tuple[Touch, ...]) -> frozenset[int]:
    return frozenset(touch.offset for touch in touches)
