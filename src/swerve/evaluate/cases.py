"""A log as a question paper: its interactions as columns, and which of them are asked about.

What an arm may learn from and what it is asked about never overlap, whatever the protocol; that is decided here, once,
for all arms. Item events are known from the start, whenever they were logged: they say what an item is, not what
anybody did. Deletions, users' fields and impressions play no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.derived import UNDO
from swerve.errors import InvalidInput
from swerve.evaluate.splits import Histories, leave_last_out, time_split
from swerve.types import Interaction, Item, Past, Record, Rows, Whole

Ints = NDArray[np.int64]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """The interactions of a log as columns (m,), in the order of time; ties keep the order of the log."""

    users: Rows
    """Who: a number for each user, and for each session that no user claimed."""
    rows: Rows
    """What: index into `items`."""
    actions: Rows
    """Index into `actions_named`."""
    times: NDArray[np.float64]
    gains: NDArray[np.float64]
    offsets: Ints
    items: tuple[str, ...]
    """Item ids, in the order in which the log first names them."""
    described: NDArray[np.bool_]
    """(items,): whether an item event describes it."""
    actions_named: tuple[str, ...]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, and what may be known. Positions in a stream, ascending."""

    train: Ints
    """May be learned from; includes `validation`."""
    validation: Ints
    """May be tuned on: the last of the training part, chosen as the test is."""
    test: Ints
    """Asked about, each from its true history."""
    known: NDArray[np.bool_]
    """(items,): described, or touched in the training part. Only these are ranked."""


class _Columns:
    """Collects the columns of a stream; a session's events become its user's when a record names both."""

    def __init__(self) -> None:
        self.items: dict[str, int] = {}
        self.described: list[int] = []
        self.actions: dict[str, int] = {}
        self.users: list[int] = []
        self.lines: list[tuple[int, int, float, float, int]] = []
        self._owners: dict[tuple[str, str], int] = {}
        self._waiting: dict[str, list[int]] = {}

    def interaction(self, event: Interaction, record: Record) -> None:
        """One more line."""
        kind = ("user", event.user) if event.user else ("session", event.session)
        owner = self._owners.setdefault(kind, len(self._owners))
        if not event.user:
            self._waiting.setdefault(event.session, []).append(len(self.users))
        elif event.session:
            for place in self._waiting.pop(event.session, ()):
                self.users[place] = owner
        self.users.append(owner)
        row = self.items.setdefault(event.item, len(self.items))
        action = self.actions.setdefault(event.action, len(self.actions))
        self.lines.append((row, action, record.time, record.gain, record.offset))


_LINE = [("row", np.int32), ("action", np.int32), ("time", np.float64), ("gain", np.float64), ("offset", np.int64)]


def read_stream(records: Iterable[Record]) -> Stream:
    """The stream of a log's records. What takes an interaction back is not in it; what it took back still is."""
    columns = _Columns()
    for record in records:
        event = record.event
        if type(event) is Item and not event.deleted:
            columns.described.append(columns.items.setdefault(event.id, len(columns.items)))
        elif type(event) is Interaction and UNDO not in record.flags:
            columns.interaction(event, record)
    lines = np.array(columns.lines, _LINE)
    order = np.argsort(lines["time"], kind="stable")
    described = np.zeros(len(columns.items), np.bool_)
    described[columns.described] = True
    return Stream(
        users=np.array(columns.users, np.int32)[order],
        rows=lines["row"][order],
        actions=lines["action"][order],
        times=lines["time"][order],
        gains=lines["gain"][order],
        offsets=lines["offset"][order],
        items=tuple(columns.items),
        described=described,
        actions_named=tuple(columns.actions),
    )


def set_task(stream: Stream, protocol: Literal["last", "time"], *, test: float = 0.1) -> Task:
    """What is asked: `last` = each user's last positive interaction, `time` = those of the newest share `test`.

    Only interactions with gain > 0 are asked about. Under `last` an arm may learn from everything but each asked user's
    last one and what that user did after it; under `time`, from everything before the moment of the cut. Raises
    InvalidInput when that leaves nothing to ask about or to learn from.
    """
    if protocol == "last":
        liked = np.flatnonzero(stream.gains > 0)
        split = leave_last_out([liked[places].tolist() for places in Histories(stream.users[liked]).sequences()])
        asked, validation = np.array(split.test, np.int64), np.array(split.validation, np.int64)
        first = np.full(int(stream.users.max(initial=-1)) + 1, len(stream.users), np.int64)
        first[stream.users[asked]] = asked
        train = np.flatnonzero(np.arange(len(stream.users)) < first[stream.users])
    else:
        cut = time_split(stream.times, test)
        asked, validation = (part[stream.gains[part] > 0] for part in (cut.test, cut.validation))
        train = np.concatenate([cut.train, cut.validation])
    if not len(asked) or not len(train):
        raise InvalidInput("expected users with three positive interactions or more, at different times", field="log")
    known = stream.described.copy()
    known[stream.rows[train]] = True
    return Task(train=np.sort(train), validation=np.sort(validation), test=np.sort(asked), known=known)


def descriptions(records: Iterable[Record]) -> Iterator[Record]:
    """The records that say what items are: an arm may know them from the start."""
    return (record for record in records if type(record.event) is Item and not record.event.deleted)


def training(records: Iterable[Record], stream: Stream, task: Task) -> Iterator[Record]:
    """The interactions that an arm may learn from, as records in the order of the log."""
    keep = np.zeros(int(stream.offsets.max(initial=-1)) + 1, np.bool_)
    keep[stream.offsets[task.train]] = True
    for record in records:
        if type(record.event) is Interaction and record.offset < len(keep) and keep[record.offset]:
            yield record


class Pasts:
    """The true history before any position of a stream."""

    def __init__(self, stream: Stream, *, query_time: bool) -> None:
        """`query_time`: whether `now` is the moment of the event asked about, else that of the last one before it."""
        self._stream = stream
        self._histories = Histories(stream.users)
        self._query_time = query_time

    def of(self, position: int) -> Past:
        """What the user had done; refused items are left out, as they are from a user's touches, but for `whole`."""
        stream = self._stream
        whole = self._histories.of(position)
        before = whole[stream.gains[whole] >= 0]
        times = stream.times[before]
        now = float(stream.times[position]) if self._query_time or not len(times) else float(times[-1])
        every = Whole(stream.rows[whole], stream.actions[whole], stream.times[whole], stream.gains[whole])
        return Past(stream.rows[before], stream.actions[before], times, now, every)

    def touched(self, position: int) -> Rows:
        """Every item the user had acted on, refused ones too."""
        rows: Rows = self._stream.rows[self._histories.of(position)]
        return rows
