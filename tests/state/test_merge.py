"""A session joined to a user: as if it had been theirs all along, once, within the bounds."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from swerve.state.config import StateConfig
from swerve.state.fold import EMPTY, fold
from swerve.state.merge import join
from swerve.types import Record, UserState
from tests.state.logs import interaction, logs

CONFIG = StateConfig()


def folded(records: list[Record], config: StateConfig = CONFIG) -> UserState:
    state = EMPTY
    for record in records:
        state = fold(state, record, config)
    return state


def parted(log: list[Record], mask: int) -> tuple[list[Record], list[Record]]:
    """The log dealt out to a user and a session."""
    return [one for one in log if mask >> one.offset & 1], [one for one in log if not mask >> one.offset & 1]


one_user = logs(users=("ann",), sessions=("",))
without_undo = logs(users=("ann",), sessions=("",), undo=False)
deals = st.integers(0, 2**60 - 1)
tight = st.builds(
    StateConfig,
    touches=st.integers(1, 6),
    rejected=st.integers(1, 4),
    older=st.integers(1, 6),
    actions=st.integers(1, 3),
)


def test_both_histories_in_the_order_of_the_log() -> None:
    user = folded([interaction(0, "a"), interaction(3, "b"), interaction(4, "x", -1.0)])
    session = folded([interaction(1, "c"), interaction(2, "y", -1.0), interaction(5, "d")])

    joined = join(user, session, CONFIG)

    assert [touch.item for touch in joined.touches] == ["a", "c", "b", "d"]
    assert [touch.item for touch in joined.rejected] == ["y", "x"]
    assert joined.counters == (("view", 6),)
    assert joined.offset == 5


def test_what_the_session_liked_later_lifts_what_the_user_rejected_and_not_the_other_way_round() -> None:
    rejection, like = interaction(1, "a", -1.0), interaction(2, "a", 1.0)
    assert join(folded([rejection]), folded([like]), CONFIG).rejected == ()

    like, rejection = interaction(1, "a", 1.0), interaction(2, "a", -1.0)
    assert [one.item for one in join(folded([like]), folded([rejection]), CONFIG).rejected] == ["a"]


def test_what_no_longer_fits_goes_to_older_with_the_sessions_items_first_to_be_forgotten() -> None:
    config = StateConfig(touches=2, older=4)
    user = folded([interaction(at, item) for at, item in enumerate("abcd")], config)  # older a b, touches c d
    session = folded([interaction(at, item) for at, item in enumerate("xyz", start=10)], config)  # older x, touches y z

    joined = join(user, session, config)

    assert [touch.item for touch in joined.touches] == ["y", "z"]
    assert joined.older == ("a", "b", "c", "d")


@given(without_undo, deals)
def test_joining_equals_having_folded_everything_into_one(log: list[Record], deal: int) -> None:
    """Counters are the exception the docstring names: a session of which nothing is kept is not counted."""
    mine, theirs = parted(log, deal)
    user, session, together = folded(mine), folded(theirs), folded(log)

    joined = join(user, session, CONFIG)

    assert (joined.touches, joined.rejected, joined.older) == (together.touches, together.rejected, together.older)
    kept = {one.offset for one in (*joined.touches, *joined.rejected)}
    if not session.counters or kept & {one.offset for one in (*session.touches, *session.rejected)}:
        assert joined.counters == together.counters


@given(one_user, deals, tight)
def test_joining_again_changes_nothing(log: list[Record], deal: int, config: StateConfig) -> None:
    mine, theirs = parted(log, deal)
    user, session = folded(mine, config), folded(theirs, config)

    once = join(user, session, config)

    assert join(once, session, config) == once


@given(one_user, deals, tight)
def test_no_bound_is_exceeded_and_the_newest_are_kept(log: list[Record], deal: int, config: StateConfig) -> None:
    mine, theirs = parted(log, deal)
    user, session = folded(mine, config), folded(theirs, config)

    joined = join(user, session, config)

    both = sorted((*user.touches, *session.touches), key=lambda touch: touch.offset)
    assert list(joined.touches) == both[-config.touches :]
    assert len(joined.rejected) <= config.rejected
    assert len(joined.older) == len(set(joined.older)) <= config.older
    assert len(joined.counters) <= config.actions


@given(one_user)
def test_an_empty_side_changes_nothing(log: list[Record]) -> None:
    state = folded(log)

    assert join(state, EMPTY, CONFIG) == state
    assume(not state.rejected or state.touches)
    assert join(EMPTY, state, CONFIG) == state


@given(without_undo, deals)
def test_the_side_does_not_matter_while_nothing_is_pushed_out(log: list[Record], deal: int) -> None:
    mine, theirs = (folded(part) for part in parted(log, deal))

    one, other = join(mine, theirs, CONFIG), join(theirs, mine, CONFIG)

    assert (one.touches, one.rejected, one.offset) == (other.touches, other.rejected, other.offset)
