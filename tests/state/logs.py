"""Random logs for the state tests: what a door would let through, at gap-free offsets."""

from __future__ import annotations

from hypothesis import strategies as st

from swerve.types import Interaction, Record, User, UserState

ACTIONS = (("view", 1.0), ("like", 2.0), ("pass", 0.0), ("dislike", -2.0))


def interaction(  # one record, spelled out as little as a test needs
    offset: int,
    item: str,
    gain: float = 1.0,
    *,
    user: str = "ann",
    session: str = "",
    action: str = "view",
    undo: bool = False,
    received: float | None = None,
) -> Record:
    at = 1_700_000_000.0 + offset if received is None else received
    event = Interaction(item=item, action=action, user=user, session=session)
    return Record(event=event, received=at, time=at, gain=gain, flags=("undo",) if undo else (), offset=offset)


def said(offset: int, user: str = "ann", **fields: str | int | float | bool | list[str]) -> Record:
    return Record(event=User(id=user, fields=fields), received=0.0, time=0.0, offset=offset)


@st.composite
def logs(
    draw: st.DrawFn,
    *,
    users: tuple[str, ...] = ("ann", "bob"),
    sessions: tuple[str, ...] = ("", "s1", "s2", "s3"),
    undo: bool = True,
    size: int = 60,
) -> list[Record]:
    """A log of interactions (with users, sessions or both, and undos), `User` events, and clocks that jump."""
    one = st.tuples(
        st.sampled_from(["", *users]),
        st.sampled_from(sessions),
        st.sampled_from("abcdef"),
        st.sampled_from(ACTIONS),
        st.integers(0, 9),
        st.floats(-1e8, 1e8),
    )
    log: list[Record] = []
    for user, session, item, (action, gain), kind, jump in draw(st.lists(one, max_size=size)):
        offset = len(log)
        if kind == 0 and user:
            log.append(said(offset, user, **{item: jump}))
        elif user or session:
            at = 1_700_000_000.0 + offset * 60 + (jump if kind == 1 else 0)
            is_undo = undo and kind in {2, 3}
            name, amount = ("undo", 0.0) if is_undo else (action, gain)
            log.append(
                interaction(offset, item, amount, user=user, session=session, action=name, undo=is_undo, received=at)
            )
    return log


def remembered(state: UserState) -> tuple[object, ...]:
    """What an undo has to restore: everything but the offset."""
    return state.touches, state.rejected, state.older, state.counters, state.fields
