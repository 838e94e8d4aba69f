"""What is asked and what may be known: nothing that an arm learns from comes after what it is asked about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import InvalidInput
from swerve.evaluate.cases import Pasts, Stream, descriptions, read_stream, set_task, training
from swerve.types import Impression, Interaction, Item, Record, User

Line = tuple[str, str, float, float]
"""user, item, time, gain."""


def log(lines: Sequence[Line], items: Sequence[str] = ()) -> list[Record]:
    """Items, then interactions, at the offsets a log would give."""
    events = [(Item(id=name), 0.0, 0.0) for name in items]
    events += [(Interaction(user=user, item=item, action="view"), time, gain) for user, item, time, gain in lines]
    return [
        Record(event=event, received=time, time=time, gain=gain, offset=offset)
        for offset, (event, time, gain) in enumerate(events)
    ]


def liked(*lines: tuple[str, str, float]) -> list[Line]:
    return [(*line, 1.0) for line in lines]


def ids(stream: Stream, positions: np.ndarray) -> list[str]:
    return [stream.items[row] for row in stream.rows[positions].tolist()]


# --- the stream ---


def test_a_stream_is_in_the_order_of_time_and_ties_keep_the_order_of_the_log() -> None:
    stream = read_stream(log(liked(("a", "x", 5.0), ("a", "y", 3.0), ("b", "z", 5.0), ("b", "x", 3.0))))

    assert ids(stream, np.arange(4)) == ["y", "x", "x", "z"]
    assert stream.offsets.tolist() == [1, 3, 0, 2]
    assert stream.users.tolist() == [0, 1, 0, 1]
    assert stream.times.tolist() == [3, 3, 5, 5]


def test_only_interactions_are_lines_and_only_item_events_describe() -> None:
    records = [
        *log(liked(("a", "x", 1.0)), items=["y"]),
        Record(event=User(id="a"), received=2.0, time=2.0, offset=2),
        Record(event=Impression(slate="s", picks=()), received=2.0, time=2.0, offset=3),
        Record(event=Item(id="gone", deleted=True), received=2.0, time=2.0, offset=4),
        Record(event=Interaction(user="a", item="x", action="undo"), received=3, time=3, flags=("undo",), offset=5),
    ]
    stream = read_stream(records)

    assert (stream.items, stream.described.tolist()) == (("y", "x"), [True, False])
    assert (len(stream.rows), stream.actions_named) == (1, ("view",))


def test_a_session_belongs_to_whoever_claims_it() -> None:
    events = [
        Interaction(session="s", item="x", action="view"),
        Interaction(session="t", item="x", action="view"),
        Interaction(user="ann", session="s", item="y", action="view"),
        Interaction(session="s", item="z", action="view"),
        Interaction(user="s", item="z", action="view"),
    ]
    records = [Record(event=one, received=k, time=k, gain=1.0, offset=k) for k, one in enumerate(events)]
    users = read_stream(records).users.tolist()

    assert users[0] == users[2], "what a session did before the login is the user's"
    assert len({users[0], users[1], users[3], users[4]}) == 4, "what comes after is a new session, and a name is no id"


def test_a_log_without_interactions_is_an_empty_stream() -> None:
    stream = read_stream(log([], items=["x"]))

    assert (len(stream.rows), stream.items) == (0, ("x",))
    with pytest.raises(InvalidInput):
        set_task(stream, "last")


# --- the task ---


def test_last_asks_for_each_users_last_liked_interaction() -> None:
    lines = [*liked(("a", "p", 1.0), ("a", "q", 2.0), ("a", "r", 3.0)), ("a", "s", 4.0, -1.0)]
    lines += liked(("b", "p", 1.5), ("b", "q", 2.5))
    stream = read_stream(log(lines))
    task = set_task(stream, "last")

    assert ids(stream, task.test) == ["r"], "b has two: too few to hold one out"
    assert ids(stream, task.validation) == ["q"]
    assert sorted(ids(stream, task.train)) == ["p", "p", "q", "q"], "what a did after the question is nobody's to know"
    assert [stream.items[row] for row in np.flatnonzero(task.known)] == ["p", "q"]


def test_time_asks_for_what_was_liked_after_the_cut() -> None:
    lines = [("u", f"i{k}", float(k), -1.0 if k == 19 else 1.0) for k in range(20)]
    stream = read_stream(log(lines, items=["described"]))
    task = set_task(stream, "time", test=0.2)

    assert ids(stream, task.test) == ["i16", "i17", "i18"]
    assert ids(stream, task.validation) == ["i14", "i15"]
    assert ids(stream, task.train) == [f"i{k}" for k in range(16)]
    assert task.known.sum() == 17, "what an item event describes is known, whoever touched it"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pqrst"), st.integers(0, 9)), max_size=40),
    st.sampled_from(["last", "time"]),
)
def test_nothing_may_be_learned_that_comes_after_what_is_asked(
    lines: list[tuple[str, str, int]], protocol: str
) -> None:
    stream = read_stream(log(liked(*lines)))
    try:
        task = set_task(stream, protocol)  # type: ignore[arg-type]
    except InvalidInput:
        return

    assert not set(task.train.tolist()) & set(task.test.tolist())
    assert set(task.validation.tolist()) <= set(task.train.tolist())
    for position in task.test.tolist():
        mine = task.train[stream.users[task.train] == stream.users[position]]
        assert (mine < position).all()
        if protocol == "time":
            assert (stream.times[task.train] < stream.times[position]).all()


def test_arms_are_given_the_training_part_as_records() -> None:
    records = log(liked(("a", "p", 3.0), ("a", "q", 2.0), ("a", "r", 1.0)), items=["p", "z"])
    records.append(Record(event=Item(id="late"), received=9, time=9, offset=5))
    records.append(Record(event=Item(id="z", deleted=True), received=9, time=9, offset=6))
    stream = read_stream(records)
    task = set_task(stream, "last")

    assert [record.event.item for record in training(records, stream, task)] == ["q", "r"]  # type: ignore[union-attr]
    assert [record.event.id for record in descriptions(records)] == ["p", "z", "late"]  # type: ignore[union-attr]


# --- pasts ---


def test_a_past_is_the_true_history_oldest_first_without_what_was_refused() -> None:
    lines = [("a", "p", 1.0, 1.0), ("b", "z", 2.0, 1.0), ("a", "q", 3.0, -1.0), ("a", "r", 4.0, 0.0)]
    lines += [("a", "s", 9.0, 1.0)]
    stream = read_stream(log(lines))
    past = Pasts(stream, query_time=False).of(4)

    assert [stream.items[row] for row in past.rows] == ["p", "r"]
    assert (past.times.tolist(), past.now) == ([1.0, 4.0], 4.0)
    assert Pasts(stream, query_time=True).of(4).now == 9.0
    assert [stream.items[row] for row in Pasts(stream, query_time=False).touched(4)] == ["p", "q", "r"]


def test_who_has_no_history_is_asked_at_the_moment_itself() -> None:
    past = Pasts(read_stream(log(liked(("a", "p", 7.0)))), query_time=False).of(0)

    assert (len(past.rows), past.now) == (0, 7.0)


def test_a_session_that_two_users_claim_one_after_the_other_is_shared_out_in_order() -> None:
    events = [
        Interaction(session="s", item="x", action="view"),
        Interaction(user="ann", session="s", item="y", action="view"),
        Interaction(session="s", item="z", action="view"),
        Interaction(user="bob", session="s", item="y", action="view"),
    ]
    records = [Record(event=one, received=k, time=k, gain=1.0, offset=k) for k, one in enumerate(events)]
    users = read_stream(records).users.tolist()

    assert users[0] == users[1], "what was claimed stays claimed"
    assert users[2] == users[3] != users[1]
