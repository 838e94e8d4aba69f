"""Everything that is derived from the log, folded in one place: catalog, vectors, user states, population counters.

Serving, replay, evaluation and tests all fold through `Derived.apply`, so what is measured offline is what serves.
Knows the rooms it folds into; knows neither the log nor http.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from swerve.catalog.catalog import Catalog
from swerve.catalog.config import CatalogConfig
from swerve.catalog.vectors import Vectors
from swerve.counts.config import CountsConfig
from swerve.counts.counters import Counters, Move
from swerve.protocols import Encoder, VectorIndex
from swerve.retrieve.neighbours import Neighbours
from swerve.state.config import StateConfig
from swerve.state.users import Users
from swerve.types import Interaction, Item, Query, Record, Touch, User, UserState

UNDO = "undo"
"""Flag of a record that takes an earlier interaction back."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The settings and plug-ins that decide what is derived."""

    catalog: CatalogConfig
    state: StateConfig
    counts: CountsConfig
    encoder: Encoder
    index: VectorIndex
    neighbours: int
    """Content neighbours remembered per item."""


class Derived:
    """The fold of the log. One thread applies; readers hold `lock` while they read counters."""

    def __init__(self, parts: Parts, directory: Path | None = None) -> None:
        """`directory` holds the memory-mapped vectors; None keeps them in memory."""
        self._parts = parts
        self.catalog = Catalog(parts.catalog)
        self.users = Users(parts.state)
        self.counters = Counters(parts.counts)
        self.neighbours = Neighbours(
            parts.index, Vectors(directory, parts.encoder.dim, parts.encoder.name), parts.neighbours
        )
        folded_under = (parts.catalog, parts.state, parts.counts)
        self.settings = msgspec.json.encode([msgspec.to_builtins(part) for part in folded_under])
        """What a dump depends on besides the log; one made under other settings must not be loaded."""
        self.lock = threading.Lock()
        self.offset = 0
        """Offset of the next record to fold."""

    def apply(self, records: Sequence[Record], chunk: int | None = None) -> None:
        """Fold records in log order. Readers get a turn after every `chunk` records, and while items are encoded."""
        step = chunk or self._parts.counts.chunk
        for start in range(0, len(records), step):
            with self.lock:
                changed = self._apply(records[start : start + step])
            self._encode(changed)

    def _apply(self, records: Sequence[Record]) -> Mapping[int, Item]:
        """Fold all but vectors; returns the items whose vectors are to be made, by row."""
        moves: list[Move] = []
        changed: dict[int, Item] = {}
        for record in records:
            event = record.event
            if type(event) is Interaction:
                self._interaction(event, record, moves)
            elif type(event) is Item:
                row = self.catalog.apply(record)
                if row >= 0:  # -1: an unknown item was deleted, or the catalog is full
                    changed[row] = self.catalog.get(event.id) or event
                if self.catalog.freed:
                    self._count(moves)
                    self._forget(changed)
            elif type(event) is User:
                self.users.apply(record)
            self.offset = record.offset + 1
        self._count(moves)
        return changed

    def _interaction(self, event: Interaction, record: Record, moves: list[Move]) -> None:
        row = self.catalog.ensure(event.item, record.time)
        before = self.users.apply(record)
        if row < 0 or UNDO in record.flags:
            return
        tail = before.touches[-self._parts.counts.window :] if record.gain > 0 else ()
        moves.append(Move(row, record.time, record.gain, tuple(self._rows(tail))))

    def _rows(self, touches: Sequence[Touch]) -> list[int]:
        """Item rows of touches, most recent first; items the catalog no longer knows are left out."""
        row_of = self.catalog.rows.get
        return [row for touch in reversed(touches) if (row := row_of(touch.item)) is not None]

    def _count(self, moves: list[Move]) -> None:
        self.counters.ensure(self.catalog.size)
        self.counters.add(moves)
        moves.clear()

    def _forget(self, changed: dict[int, Item]) -> None:
        freed = np.array(self.catalog.freed, np.int32)
        self.catalog.freed.clear()
        self.counters.forget(freed)
        self.neighbours.update(freed, np.zeros((len(freed), self._parts.encoder.dim), np.float32))
        for row in freed.tolist():
            changed.pop(row, None)

    def _encode(self, changed: Mapping[int, Item]) -> None:
        """Make vectors without the lock, for a large model takes its time, and put them with it."""
        if changed:
            vectors = self._parts.encoder.encode(list(changed.values()))
            with self.lock:
                self.neighbours.update(np.array(list(changed), np.int32), vectors)

    def query(self, state: UserState, now: float, n: int, k: int) -> Query:
        """What retrieval and ranking see of a user at this moment."""
        touches = state.touches[::-1]
        row_of = self.catalog.rows.get
        rows = np.array([row_of(touch.item, -1) for touch in touches], np.int32)
        ages_s = now - np.array([touch.time for touch in touches])
        known = rows >= 0
        ages = np.maximum(ages_s[known], 0.0).astype(np.float32)
        return Query(state=state, time=now, n=n, k=k, history=rows[known], ages=ages)

    def dump(self) -> dict[str, bytes]:
        """Named parts, byte-equal for the same log."""
        rooms = {"catalog": self.catalog.dump(), "users": self.users.dump(), "counts": self.counters.dump()}
        return {f"{room}.{name}": data for room, parts in rooms.items() for name, data in parts.items()}

    def load(self, parts: Mapping[str, bytes], offset: int) -> None:
        """Replace everything by what `dump` gave for the log up to `offset`; vectors are encoded again."""
        for room, target in (("catalog", self.catalog), ("users", self.users), ("counts", self.counters)):
            prefix = f"{room}."
            target.load({name.removeprefix(prefix): data for name, data in parts.items() if name.startswith(prefix)})
        self.counters.ensure(self.catalog.size)
        self.offset = offset
        self._encode({row: item for row, name in enumerate(self.catalog.ids) if (item := self.catalog.get(name))})


def touches_of(history: Sequence[str], now: float) -> UserState:
    """The state of somebody known only by the items given with the request, oldest first."""
    return UserState(touches=tuple(Touch(item, "view", 1.0, now, -1) for item in history))
