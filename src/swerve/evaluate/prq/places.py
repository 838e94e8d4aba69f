"""Where an interaction stands: on the log's time axis, in its session, in its user's life.

The log's order is the order of learning. Its clock is the latest time of any interaction so far, so an event that
came late does not turn it back. Knows no items and no counters.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from swerve.errors import InvalidInput
from swerve.types import Interaction, Record

DAY_S = 86_400.0
TUNING = 0.1
"""The last part of the warm-up, in which settings may be fitted."""


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """The time axis of a log, Unix seconds, and how many interactions with gain > 0 lie on its parts."""

    first: float
    tuned_from: float
    """From here to `start`, choices may be fitted to."""
    start: float
    """The warm-up's end: what happens from here on is judged."""
    last: float
    records: int
    """Of every kind."""
    tuning: int
    judged: int
    late: int
    """Interactions of any gain whose time lay before the clock."""


def measure(records: Iterable[Record], warm_up: float) -> Axis:
    """Read a log once for its time axis. Raises InvalidInput when it has none: fewer than two distinct times."""
    clock, first, late, count = -math.inf, math.inf, 0, 0
    times = array("d")
    for record in records:
        count += 1
        if type(record.event) is Interaction:
            first = min(first, record.time)
            late += record.time < clock
            clock = max(clock, record.time)
            if record.gain > 0:
                times.append(clock)
    if not first < clock:
        raise InvalidInput("expected interactions at two different times at least", field="log")
    start = first + warm_up * (clock - first)
    tuned_from = start - TUNING * (start - first)
    after = bisect_left(times, start)
    return Axis(
        first=first,
        tuned_from=tuned_from,
        start=start,
        last=clock,
        records=count,
        tuning=after - bisect_left(times, tuned_from),
        judged=len(times) - after,
        late=late,
    )


class Place(NamedTuple):
    """One interaction's place, as it was just before the interaction."""

    person: int
    """A number for the user (for the session, where no user is named)."""
    age_s: float
    """Since the person's first interaction."""
    position: int
    """In the session, 1 = its first interaction."""
    opened: int
    """Offset of the session's first interaction; -1 when it is this one."""


class _Life:
    """What is remembered of one person."""

    __slots__ = ("first", "last", "number", "opened", "position", "session")

    def __init__(self, number: int, now: float) -> None:
        self.number = number
        self.first = now
        self.last = -math.inf
        self.session = ""
        self.opened = -1
        self.position = 0


class Sessions:
    """Cuts each person's interactions into sessions: by session id where one is given, by a pause elsewhere."""

    def __init__(self, gap_s: float) -> None:
        """`gap_s`: a pause longer than this ends a session that has no id."""
        self._gap_s = gap_s
        self._lives: dict[tuple[str, str], _Life] = {}

    def place(self, record: Record, now: float) -> Place:
        """The place of the next interaction, at `now` on the log's clock (Unix s). Raises TypeError for others."""
        event = record.event
        if type(event) is not Interaction:
            raise TypeError("expected an interaction")
        key = (event.user, "" if event.user else event.session)
        life = self._lives.get(key)
        if life is None:
            life = self._lives[key] = _Life(len(self._lives), now)
        same = life.session == event.session if event.session else now - life.last <= self._gap_s
        goes_on = life.position > 0 and same
        place = Place(
            life.number, now - life.first, life.position + 1 if goes_on else 1, life.opened if goes_on else -1
        )
        life.last, life.session, life.position = now, event.session, place.position
        if not goes_on:
            life.opened = record.offset
        return place
