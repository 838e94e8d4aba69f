"""What is learned from: everybody's history as columns, and the words behind the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from swerve.errors import InvalidInput
from swerve.model.checkpoint import rows_of
from swerve.model.history import History
from swerve.types import Interaction, Record

LEAST_USERS = 20


class Corpus(msgspec.Struct, frozen=True):
    """Histories of all users, oldest event first, with rows of tables that start at 1."""

    histories: tuple[History, ...]
    items: tuple[str, ...]
    """Item id of rows 1, 2, …"""
    actions: tuple[str, ...]
    """Action of rows 1, 2, …"""
    offset: int = 0
    """The log up to here is in it."""
    refused: tuple[int, ...] = ()
    """Rows of actions that are read but never predicted: what they were done to was not liked."""
    repeats: bool = False
    """Whether people come back to what they had. If not, what a history holds is neither a negative nor a candidate."""

    @property
    def events(self) -> int:
        """How many there are."""
        return sum(map(len, self.histories))

    def without_last(self, n: int) -> Corpus:
        """The same without everybody's last n events."""
        kept = tuple(history.upto(max(len(history) - n, 0)) for history in self.histories)
        return msgspec.structs.replace(self, histories=kept)

    def seen(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """How often each row occurs, (items + 1,) int64."""
        counts = np.zeros(len(self.items) + 1, np.int64)
        for history in self.histories:
            counts += np.bincount(history.items, minlength=len(counts))
        return counts


def from_sequences(sequences: Iterable[Sequence[str]]) -> Corpus:
    """Plain sequences of item ids, oldest first, without actions and times. Rows by first appearance."""
    rows: dict[str, int] = {}
    histories = tuple(History.of([rows.setdefault(item, len(rows) + 1) for item in items]) for items in sequences)
    return Corpus(histories, tuple(rows), ())


def from_records(records: Iterable[Record], *, repeats: bool = False) -> Corpus:
    """The log's interactions that mean liking (gain > 0), by user, in log order.

    A session counts as a user of its own unless its events name one. Raises InvalidInput when there is too little to
    learn from.
    """
    columns: dict[tuple[str, str], tuple[list[str], list[str], list[float]]] = {}
    offset = 0
    for record in records:
        offset = record.offset + 1
        event = record.event
        if isinstance(event, Interaction) and record.gain > 0:
            who = ("user", event.user) if event.user else ("session", event.session)
            items, actions, times = columns.setdefault(who, ([], [], []))
            items.append(event.item)
            actions.append(event.action)
            times.append(record.time)
    long_enough = [column for column in columns.values() if len(column[0]) >= 2]
    if len(long_enough) < LEAST_USERS:
        words = f"expected at least {LEAST_USERS} users or sessions with two liked items, found {len(long_enough)}"
        raise InvalidInput(words, field="log")
    item_ids = sorted({item for items, _, _ in long_enough for item in items})
    names = sorted({action for _, actions, _ in long_enough for action in actions})
    item_row, action_row = rows_of(item_ids), rows_of(names)
    histories = tuple(
        History.of([item_row[item] for item in items], [action_row[action] for action in actions], times)
        for items, actions, times in long_enough
    )
    return Corpus(histories, tuple(item_ids), tuple(names), offset, repeats=repeats)
