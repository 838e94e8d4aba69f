"""All states together: sessions and logins, expiry, and the promise that the same log gives the same bytes."""

from __future__ import annotations

import threading

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.state import dump
from swerve.state.config import StateConfig
from swerve.state.fold import EMPTY, fold
from swerve.state.merge import join
from swerve.state.users import Users
from swerve.types import Item, Record, UserState
from tests.state.logs import interaction, logs, said

CONFIG = StateConfig()
TIGHT = StateConfig(touches=5, rejected=2, older=4, sessions=2, session_ttl_s=600)


def applied(records: list[Record], config: StateConfig = CONFIG) -> Users:
    users = Users(config)
    for record in records:
        users.apply(record)
    return users


def items(state: UserState) -> str:
    return "".join(touch.item for touch in state.touches)


def test_a_user_nobody_has_heard_of_is_empty() -> None:
    users = Users(CONFIG)

    assert users.state("ann") == users.state(session="s") == users.state("ann", "s") == users.state() == EMPTY
    assert users.dump() == {}


def test_apply_returns_the_state_before_the_record() -> None:
    users = Users(CONFIG)

    assert users.apply(interaction(0, "a")) == EMPTY
    assert items(users.apply(interaction(1, "b"))) == "a"
    assert items(users.state("ann")) == "ab"


def test_records_about_no_user_change_nothing() -> None:
    users = applied([interaction(0, "a")])
    before = users.dump()

    assert users.apply(Record(event=Item(id="a"), received=0.0, time=0.0, offset=1)) == EMPTY
    assert users.apply(interaction(2, "a", user="")) == EMPTY
    assert users.dump() == before


def test_user_events_reach_the_state() -> None:
    assert applied([said(0, "ann", country="at")]).state("ann").fields == (("country", "at"),)


# --- sessions -----------------------------------------------------------------------------------------------


def test_a_session_without_a_user_has_a_state_of_its_own() -> None:
    users = applied([interaction(0, "a", user="", session="s"), interaction(1, "b", user="", session="s")])

    assert items(users.state(session="s")) == "ab"
    assert (len(users), users.waiting) == (0, 1)


def test_login_joins_the_session_to_the_user_and_forgets_it() -> None:
    users = applied([interaction(0, "a"), interaction(1, "b", user="", session="s")])

    before = users.apply(interaction(2, "c", user="ann", session="s"))

    assert items(before) == "ab"
    assert items(users.state("ann")) == "abc"
    assert users.state(session="s") == EMPTY
    assert users.waiting == 0


def test_after_login_the_session_starts_anew_and_is_joined_again() -> None:
    users = applied(
        [
            interaction(0, "a", user="", session="s"),
            interaction(1, "b", user="ann", session="s"),
            interaction(2, "c", user="", session="s"),
        ]
    )
    assert items(users.state(session="s")) == "c"

    users.apply(interaction(3, "d", user="ann", session="s"))

    assert items(users.state("ann")) == "abcd"
    assert users.state("ann").counters == (("view", 4),)


def test_reading_user_and_session_together_joins_them_and_changes_nothing() -> None:
    users = applied([interaction(0, "a"), interaction(1, "b", user="", session="s")])
    before = users.dump()

    assert items(users.state("ann", "s")) == "ab"
    assert items(users.state("new", "s")) == "b"
    assert (items(users.state("ann")), items(users.state(session="s"))) == ("a", "b")
    assert users.dump() == before


def test_an_undo_at_login_reaches_into_the_session() -> None:
    users = applied(
        [interaction(0, "a", user="", session="s"), interaction(1, "a", user="ann", session="s", undo=True)]
    )
    assert users.state("ann").touches == ()


def test_beyond_the_maximum_the_session_untouched_for_longest_goes() -> None:
    log = [interaction(at, "a", user="", session=name) for at, name in enumerate(["s1", "s2", "s1", "s3"])]
    users = applied(log, StateConfig(sessions=2))

    assert users.state(session="s2") == EMPTY
    assert len(users.state(session="s1").touches) == 2
    assert len(users.state(session="s3").touches) == 1


def test_a_session_idle_for_longer_than_its_time_is_forgotten_by_the_records_clock() -> None:
    def at(second: float, offset: int, session: str) -> Record:
        return interaction(offset, "a", user="", session=session, received=second)

    users = applied([at(0, 0, "s1"), at(500, 1, "s2")], TIGHT)
    users.apply(at(600, 2, "s2"))
    assert users.waiting == 2, "exactly the time to live is still alive"

    users.apply(interaction(3, "a", user="bob", received=601))
    assert users.state(session="s1") == EMPTY
    assert users.waiting == 1


def test_a_session_that_comes_back_too_late_starts_anew() -> None:
    log = [
        interaction(0, "a", user="", session="s", received=0),
        interaction(1, "b", user="", session="s", received=601),
    ]
    assert items(applied(log, TIGHT).state(session="s")) == "b"


# --- the promises -------------------------------------------------------------------------------------------


@given(logs())
def test_F3_the_same_log_gives_the_same_bytes(log: list[Record]) -> None:
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(log), type=list[Record])

    assert applied(log, TIGHT).dump() == applied(again, TIGHT).dump()


@given(logs(), st.integers(0, 60))
def test_F3_a_snapshot_and_the_tail_give_the_bytes_of_the_whole_log(log: list[Record], at: int) -> None:
    restored = Users(TIGHT)
    restored.load(applied(log[:at], TIGHT).dump())
    for record in log[at:]:
        restored.apply(record)

    assert restored.dump() == applied(log, TIGHT).dump()


@given(logs(sessions=("",)), logs(users=("cleo", "dan"), sessions=("",)), st.randoms(use_true_random=False))
def test_F4_users_do_not_touch_each_other_however_they_interleave(
    mine: list[Record], theirs: list[Record], dice: object
) -> None:
    """Given two logs of different people, when mixed in any way, then each state is what it is alone."""
    theirs = [msgspec.structs.replace(record, offset=record.offset + 1_000) for record in theirs]
    order = [0] * len(mine) + [1] * len(theirs)
    dice.shuffle(order)  # type: ignore[attr-defined]
    queues = [iter(mine), iter(theirs)]

    together = applied([next(queues[which]) for which in order])

    for name in ("ann", "bob"):
        assert together.state(name) == applied(mine).state(name)
    for name in ("cleo", "dan"):
        assert together.state(name) == applied(theirs).state(name)


@given(logs(users=("ann",)), st.sampled_from(["s1", "s2"]))
def test_a_read_with_both_names_sees_what_a_login_would_make(log: list[Record], session: str) -> None:
    users = applied(log)
    read = users.state("ann", session)

    assert users.apply(interaction(1_000, "z", user="ann", session=session, received=0.0)) == read


@given(logs())
def test_the_users_are_the_plain_fold_where_no_session_is_involved(log: list[Record]) -> None:
    alone = [record for record in log if not getattr(record.event, "session", "")]
    users = applied(alone)

    for name in ("ann", "bob"):
        expected = EMPTY
        for record in alone:
            if name in (getattr(record.event, "user", ""), getattr(record.event, "id", "")):
                expected = fold(expected, record, CONFIG)
        assert users.state(name) == expected


@given(logs())
def test_sessions_never_exceed_their_maximum(log: list[Record]) -> None:
    users = Users(TIGHT)
    for record in log:
        users.apply(record)
        assert users.waiting <= TIGHT.sessions


def test_F1_a_reader_beside_a_login_never_loses_the_session() -> None:
    """Given a session of one touch, when a login happens while readers ask, then each answer has that touch."""
    users, missing = Users(CONFIG), []
    rounds = 3_000
    started = threading.Event()

    def read() -> None:
        started.set()
        for number in range(rounds):
            while users.state(session=f"s{number}") == EMPTY and users.state(f"u{number}") == EMPTY:
                pass
            for _ in range(3):
                if f"i{number}" not in [touch.item for touch in users.state(f"u{number}", f"s{number}").touches]:
                    missing.append(number)

    reader = threading.Thread(target=read)
    reader.start()
    started.wait()
    for number in range(rounds):
        users.apply(interaction(2 * number, f"i{number}", user="", session=f"s{number}"))
        users.apply(interaction(2 * number + 1, "x", user=f"u{number}", session=f"s{number}"))
    reader.join()

    assert not missing


# --- dump and load ------------------------------------------------------------------------------------------


def many(users: int, each: int) -> Users:
    return applied(
        [interaction(at, f"item{at * 7 % 101}", user=f"u{at % users}") for at in range(users * each)]
        + [interaction(10**6 + at, "a", user="", session=f"s{at}") for at in range(700)]
    )


def test_load_brings_back_every_state_and_order() -> None:
    users = many(1_200, 5)
    restored = Users(CONFIG)
    restored.load({**users.dump(), "catalog-0": b"another room's"})

    assert restored.cut() == users.cut()


def test_load_replaces_what_was_there() -> None:
    users = applied([interaction(0, "a", user="old"), interaction(1, "a", user="", session="old")])
    users.load({})

    assert (len(users), users.waiting) == (0, 0)


def test_a_cut_does_not_change_while_events_go_on() -> None:
    users = many(50, 4)
    cut, before = users.cut(), users.dump()
    users.apply(interaction(10**7, "later", user="u1"))
    users.apply(interaction(10**7 + 1, "later", user="new", session="s0"))

    pieces: dict[str, bytes] = {}
    for name, piece in dump.serialize(cut):
        pieces[name] = pieces.get(name, b"") + piece
    assert pieces == before


def test_a_dump_is_made_in_small_steps_and_more_than_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "_PART_FRAMES", 2)
    users = many(300, 50)

    pieces = list(dump.serialize(users.cut()))

    assert max(len(piece) for _, piece in pieces) < 400_000
    assert len({name for name, _ in pieces}) >= 3
    restored = Users(CONFIG)
    restored.load(users.dump())
    assert restored.cut() == users.cut()


def test_loaded_states_share_one_copy_of_each_string() -> None:
    users = Users(CONFIG)
    users.load(applied([interaction(0, "a-mug"), interaction(1, "a-mug", user="bob")]).dump())

    (ann,), (bob,) = users.state("ann").touches, users.state("bob").touches
    assert ann.item is bob.item
    assert ann.action is bob.action


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=200)
def test_damage_is_refused_by_name_or_gives_other_states_but_never_a_crash(at: int, flip: int) -> None:
    """The snapshot's checksums find every damage; here only that nothing else than InvalidInput comes out."""
    parts = applied([interaction(0, "a"), interaction(1, "b", user="", session="s")]).dump()
    name = sorted(parts)[at % len(parts)]
    damaged = bytearray(parts[name])
    damaged[at % len(damaged)] ^= flip
    users, refused = Users(CONFIG), None
    try:
        users.load({**parts, name: bytes(damaged)})
    except InvalidInput as error:
        refused = error
    assert refused is None or (refused.code, refused.field, len(users)) == ("damaged", name, 0)


def test_a_truncated_part_is_refused() -> None:
    parts = applied([interaction(0, "a")]).dump()
    with pytest.raises(InvalidInput, match="cannot be read"):
        Users(CONFIG).load({name: part[:-1] for name, part in parts.items()})


def test_a_million_touches_share_their_strings() -> None:
    """600,000 touches fit into 120 MB; here a tenth of it, measured by what the allocator was asked for."""
    import tracemalloc

    tracemalloc.start()
    try:
        users = applied([])
        for at in range(60_000):
            users.apply(interaction(at, f"item-with-a-rather-long-id-{at % 3_700}", user=f"u{at % 604}"))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert used < 12_000_000
    assert sum(len(state.touches) for _, state in users.cut().users) == 60_000


def test_join_is_what_users_use() -> None:
    users = applied([interaction(0, "a"), interaction(1, "b", user="", session="s")])
    assert users.state("ann", "s") == join(users.state("ann"), users.state(session="s"), CONFIG)
