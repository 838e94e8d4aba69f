"""The log's likes as columns."""

from __future__ import annotations

import pytest

from swerve.errors import InvalidInput
from swerve.learn.corpus import LEAST_USERS, from_records, from_sequences
from swerve.types import Interaction, Item, Record


def record(
    offset: int, item: str, *, gain: float = 1.0, user: str = "", session: str = "", action: str = "view"
) -> Record:
    event = Interaction(user=user, session=session, item=item, action=action)
    return Record(event=event, received=0.0, time=100.0 + offset, gain=gain, offset=offset)


def crowd(start: int) -> list[Record]:
    """As many users as are needed, two events each."""
    return [record(start + n, f"i{n % 5}", user=f"u{n // 2}") for n in range(2 * LEAST_USERS)]


def test_histories_follow_the_log_by_user_and_by_session() -> None:
    records = [
        record(0, "b", user="ann", action="buy"),
        record(1, "a", session="s"),
        record(2, "a", user="ann"),
        record(3, "c", user="ann", gain=-1.0),
        Record(event=Item(id="z"), received=0.0, time=0.0, offset=4),
        record(5, "b", session="s"),
        record(6, "a", user="once"),
        *crowd(7),
    ]
    corpus = from_records(records)
    ann, session = corpus.histories[:2]
    assert [corpus.items[row - 1] for row in ann.items] == ["b", "a"]
    assert [corpus.actions[row - 1] for row in ann.actions] == ["buy", "view"]
    assert ann.times.tolist() == [100.0, 102.0]
    assert [corpus.items[row - 1] for row in session.items] == ["a", "b"]
    assert len(corpus.histories) == 2 + LEAST_USERS  # who liked one thing only says nothing about order
    assert "c" not in corpus.items
    assert "z" not in corpus.items
    assert corpus.offset == 7 + 2 * LEAST_USERS


def test_too_little_is_said() -> None:
    with pytest.raises(InvalidInput, match="at least 20 users or sessions with two liked items, found 1"):
        from_records([record(0, "a", user="ann"), record(1, "b", user="ann")])


def test_counts_and_shortening() -> None:
    corpus = from_sequences([["a", "b", "a"], ["b"], []])
    assert corpus.events == 4
    assert corpus.seen().tolist() == [0, 2, 2]
    shorter = corpus.without_last(2)
    assert [len(history) for history in shorter.histories] == [1, 0, 0]
    assert shorter.items == corpus.items
