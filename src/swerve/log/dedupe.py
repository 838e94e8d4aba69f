"""From a group of batches to rows: which records are new, which were said before, which contradict what was said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias
from zlib import crc32

from msgspec.structs import replace

from swerve.log.codec import LINK, Row, canonical, encode
from swerve.log.ids import Ids, keys_of
from swerve.types import Appended, Batch, Record

Original: TypeAlias = Callable[[Record], Record | None]
"""The stored record that holds this record's event_id within the window, or None."""


class Sorted(NamedTuple):
    """One batch, sorted out: records to store, and indices of those that are not."""

    fresh: Sequence[Record]
    duplicates: tuple[int, ...]
    conflicts: tuple[int, ...]


def sort_out(batches: Iterable[Batch], original: Original) -> list[Sorted]:
    """Sort out a group in order: what an earlier batch stores counts for the later ones.

    A record without an id is always new. An atomic batch with a conflict stores nothing and takes no id.
    """
    pending: dict[str, Record] = {}
    return [_sort_batch(batch, pending, original) for batch in batches]


def _sort_batch(batch: Batch, pending: dict[str, Record], original: Original) -> Sorted:
    fresh: list[Record] = []
    duplicates: list[int] = []
    conflicts: list[int] = []
    for index, record in enumerate(batch.records):
        event_id = record.event.event_id
        if event_id:
            before = pending.get(event_id) or original(record)
            if before is not None:
                same = canonical(before.event) == canonical(record.event)
                (duplicates if same else conflicts).append(index)
                continue
            pending[event_id] = record
        fresh.append(record)
    if batch.atomic and conflicts:
        for record in fresh:
            pending.pop(record.event.event_id, None)
        fresh = []
    return Sorted(fresh, tuple(duplicates), tuple(conflicts))


class Dedupe:
    """Sorts groups out against the records already stored. `fetch` reads one (None: a tombstone, or dropped)."""

    def __init__(self, ids: Ids, fetch: Callable[[int], Record | None], window_s: float) -> None:
        self.ids = ids
        self._fetch, self._window_s = fetch, window_s
        self._keys: dict[str, int] = {}

    def sort(self, batches: Sequence[Batch], now: float) -> list[Sorted]:
        """Sort out a group that is about to be stored."""
        names = [name for batch in batches for record in batch.records if (name := record.event.event_id)]
        self._keys = dict(zip(names, keys_of(names), strict=True)) if names else {}
        hints = self.ids.find(list(self._keys.values()), now) if names else {}
        return sort_out(batches, lambda record: self._original(record, hints) if hints else None)

    def take(self, answers: Iterable[Appended], head: int) -> None:
        """Remember the ids of the group that was sorted last, now that its new records are stored."""
        keys = self._keys
        if keys:
            new = [record for answer in answers for record in answer.new]
            pairs = [(keys[name], record.offset) for record in new if (name := record.event.event_id)]
        else:
            pairs = []
        self.ids.add(pairs, head)

    def _original(self, record: Record, hints: dict[int, list[int]]) -> Record | None:
        name = record.event.event_id
        for offset in hints.get(self._keys[name], ()):
            before = self._fetch(offset)
            if before is not None and before.event.event_id == name:
                return before if record.received - before.received <= self._window_s else None
        return None


def number(outcomes: Iterable[Sorted], offset: int, own: int) -> tuple[list[Row], list[Appended]]:
    """Give the fresh records of a group their offsets, from `offset` on; `own` is the checksum before it.

    Returns the rows to store and the answer for each batch.
    """
    rows: list[Row] = []
    answers = []
    link = (own & LINK) << 32
    for fresh, duplicates, conflicts in outcomes:
        new = []
        for record in fresh:
            payload = encode(record)
            own = crc32(payload, offset)
            rows.append((offset, own | link, payload))
            new.append(replace(record, offset=offset))
            link = (own & LINK) << 32
            offset += 1
        answers.append(Appended(tuple(new), duplicates, conflicts))
    return rows, answers
