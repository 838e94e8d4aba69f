"""Counters that learn later than the live ones: never, once a day, or after a fixed delay.

Each pace holds back what it may not know yet and takes it in, in log order, when its time has come. What an item's
deletion removes is removed everywhere at once: a row may stand for another item soon.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from swerve.counts.config import CountsConfig
from swerve.counts.counters import Counters, Move
from swerve.evaluate.prq.places import DAY_S
from swerve.types import Record

Learn = Callable[[Sequence[Record]], None]
"""Takes records in log order, each once, when a pace may know them."""


class _Held(NamedTuple):
    """One record that waits."""

    clock: float
    record: Record
    move: Move | None
    """How the counters see it; None = they do not."""
    gone: int
    """Row of the item that it deleted; -1 = none."""


def frozen(now: float) -> float:
    """Nothing after the warm-up is ever known."""
    return -math.inf


def nightly(now: float) -> float:
    """At `now`, what happened before the last midnight (UTC) is known."""
    return float(np.nextafter(math.floor(now / DAY_S) * DAY_S, -math.inf))


def online(now: float) -> float:
    """Everything is known at once."""
    return math.inf


def delayed(delay_s: float) -> Callable[[float], float]:
    """Everything is known `delay_s` after it happened."""
    return lambda now: now - delay_s


def copied(counters: Counters, config: CountsConfig) -> Counters:
    """Counters of their own with the same content."""
    fresh = Counters(config)
    fresh.load(counters.dump())
    return fresh


class Pace:
    """One set of counters, and optionally whatever else learns from records, with a rule of what is known when."""

    def __init__(
        self, name: str, counters: Counters | None, known: Callable[[float], float], learn: Learn | None = None
    ) -> None:
        """`known`: time now -> the latest time whose events are known. `counters` None: they are kept elsewhere."""
        self.name = name
        self.counters = counters
        self._known = known
        self._learn = learn
        self._held: deque[_Held] = deque()
        self._never = known is frozen

    def add(self, clock: float, record: Record, move: Move | None) -> None:
        """The next record of the log, at `clock` (Unix s, never going back)."""
        if not self._never and (self._learn is not None or (self.counters is not None and move is not None)):
            self._held.append(_Held(clock, record, move, -1))

    def forget(self, clock: float, record: Record, row: int) -> None:
        """The item on this row was deleted by `record`."""
        if self.counters is not None:
            self.counters.forget(np.array([row], np.int32))
        if not self._never:
            self._held.append(_Held(clock, record, None, row))

    def catch_up(self, now: float, rows: int) -> None:
        """Take in everything that is known at `now`; afterwards item rows below `rows` can be asked for."""
        limit = self._known(now)
        due: list[_Held] = []
        while self._held and self._held[0].clock <= limit:
            due.append(self._held.popleft())
        if self.counters is not None:
            self.counters.ensure(rows)
            self._count(self.counters, due)
        if self._learn is not None and due:
            self._learn([held.record for held in due])

    def _count(self, counters: Counters, due: Sequence[_Held]) -> None:
        moves: list[Move] = []
        for held in due:
            if held.move is not None:
                moves.append(held.move)
            if held.gone >= 0:
                counters.add(moves)
                moves.clear()
                counters.forget(np.array([held.gone], np.int32))
        if moves:
            counters.add(moves)
