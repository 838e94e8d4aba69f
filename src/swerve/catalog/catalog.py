"""The catalog: items folded from the log, each on a row that stays its own as long as it exists.

The same records give the same bytes (`dump`). One thread applies; others may read beside it: take `size` before the
columns, and a row is either as it was or as it is. Knows no users, no vectors, no log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from swerve.catalog import dump as _dump
from swerve.catalog.columns import Columns
from swerve.catalog.config import CatalogConfig
from swerve.catalog.contents import Categories, Content, pack, unpack
from swerve.catalog.naming import Naming
from swerve.catalog.newest import Newest
from swerve.errors import InvalidInput
from swerve.types import FieldValue, Item, Record, Rows


class Catalog:
    """Item id <-> row, and what is known of each."""

    def __init__(self, config: CatalogConfig) -> None:
        self._config = config
        self._reset()

    def _reset(self) -> None:
        config = self._config
        self.freed: list[int] = []
        """Rows whose item was deleted, for the caller to drain: clear their counters and vectors, then this list."""
        self.refused = 0
        """Items that were not taken because `max_items` rows were in use."""
        self._naming = Naming(config.max_items, config.reuse_after, config.remember_deleted)
        self._categories = Categories(config.max_categories)
        self._columns = Columns(config.max_topics)
        self._packed: list[bytes] = []
        self._newest = Newest(config.newest, self._columns)

    # --- folding ---

    def apply(self, record: Record) -> int:
        """Fold one record; the row of the item it was about, -1 when there is none (no item event, refused, unknown).

        A deletion answers the row that it freed, which is then also in `freed`. An event without a time keeps the
        time the item was first heard of. A partial event keeps what it leaves empty; as `available: true` cannot be
        told from saying nothing, it makes an item available only when it says nothing else.
        """
        event = record.event
        if type(event) is not Item:
            return -1
        self._naming.applied += 1
        if event.deleted:
            return self._delete(event.id, record.offset)
        row = self._naming.rows.get(event.id, -1)
        known = row >= 0
        if not known and (row := self._take(event.id)) < 0:
            return -1
        old = Content()
        if event.partial and known:
            old = unpack(self._packed[row])
        self._describe(row, event, old)
        time = record.time if event.time or not known else float(self._columns.published[row])
        self._publish(row, self._availability(event, row, known), time)
        return row

    def ensure(self, item_id: str, time: float) -> int:
        """The row of an item that an interaction named at `time` (Unix s): a bare item when it was not known.

        -1 when bare items are not wanted (`unknown_items`), the item was deleted, or the catalog is full.
        """
        row = self._naming.rows.get(item_id, -1)
        if row >= 0 or self._config.unknown_items == "ignore" or item_id in self._naming.deleted:
            return row
        row = self._take(item_id)
        if row >= 0:
            self._publish(row, True, time)
        return row

    def release(self, before_offset: int) -> None:
        """Rows freed by records before this offset may be used again at once.

        Not in the log: call it at points that a replay will repeat, or rows will differ after one.
        """
        self._naming.release(before_offset)

    def _take(self, item_id: str) -> int:
        row = self._naming.take(item_id)
        if row < 0:
            self.refused += 1
        elif row == len(self._packed):
            self._columns.reserve(row + 1)
            self._packed.append(b"")
        return row

    def _describe(self, row: int, event: Item, old: Content) -> None:
        coded = self._categories.encode(event.categories) if event.categories else old.categories
        fields = {**old.fields, **event.fields} if old.fields else event.fields
        content = Content(event.title or old.title, event.text or old.text, coded, fields)
        self._packed[row] = pack(content)
        self._columns.topics[row] = self._topics(coded)

    def _topics(self, coded: Sequence[int | str]) -> list[int]:
        width = self._config.max_topics
        codes = [code for code in coded if isinstance(code, int)][:width]
        return codes + [-1] * (width - len(codes))

    def _availability(self, event: Item, row: int, known: bool) -> bool:
        if not (event.partial and known and event.available):
            return event.available
        says_more = event.title or event.text or event.categories or event.fields or event.time
        return bool(self._columns.available[row]) if says_more else True

    def _publish(self, row: int, available: bool, time: float) -> None:
        columns = self._columns
        before, since = bool(columns.available[row]), float(columns.published[row])
        columns.available[row], columns.published[row] = available, time
        if before == available and since == time:
            return
        if before:
            self._newest.remove(row, since, self.size)
        if available:
            self._newest.add(row, time)

    def _delete(self, item_id: str, offset: int) -> int:
        row = self._naming.drop(item_id, offset)
        if row >= 0:
            self._publish(row, False, 0.0)
            self._columns.clear(row)
            self._columns.generations[row] += 1
            self._packed[row] = b""
            self.freed.append(row)
        return row

    # --- reading ---

    def row(self, item_id: str) -> int:
        """The row of an item, -1 when it is not known."""
        return self._naming.rows.get(item_id, -1)

    @property
    def rows(self) -> Mapping[str, int]:
        """Row by item id, as it stands now: for loops that ask for very many."""
        return self._naming.rows

    def get(self, item_id: str) -> Item | None:
        """The item as it is now known, `time` being when it was published; None when it is not known."""
        row = self.row(item_id)
        if row < 0:
            return None
        content = unpack(self._packed[row])
        return Item(
            id=item_id,
            title=content.title,
            text=content.text,
            categories=self._categories.decode(content.categories),
            fields=content.fields,
            available=bool(self._columns.available[row]),
            time=float(self._columns.published[row]),
        )

    def fields_of(self, row: int) -> dict[str, FieldValue]:
        """The fields of the item on a row, decoded: a copy of the caller's own; empty for a free row."""
        return unpack(self._packed[row]).fields if self._packed[row] else {}

    def newest(self, k: int) -> Rows:
        """Up to k available rows, last published first, ties by lower row; shared, so read only."""
        return self._newest.first(k, self.size)

    def category_code(self, name: str) -> int:
        """The code of a category as in `topics`, -1 when no item ever had it."""
        return self._categories.codes.get(name, -1)

    def __len__(self) -> int:
        """How many items there are."""
        return len(self._naming.rows)

    @property
    def size(self) -> int:
        """Rows that were ever in use: every row is below it."""
        return len(self._packed)

    @property
    def ids(self) -> list[str]:
        """Item id of each row; "" = free. Read only."""
        return self._naming.ids

    @property
    def category_names(self) -> list[str]:
        """Category of each code. Read only."""
        return self._categories.names

    @property
    def available(self) -> NDArray[np.bool_]:
        """(at least size,) whether the row may be recommended."""
        return self._columns.available

    @property
    def published(self) -> NDArray[np.float64]:
        """(at least size,) Unix seconds."""
        return self._columns.published

    @property
    def topics(self) -> Rows:
        """(at least size, max_topics) int32 category codes, padded with -1."""
        return self._columns.topics

    @property
    def generations(self) -> Rows:
        """(at least size,) int32: how often the row was freed; who keeps rows keeps this beside them to notice."""
        return self._columns.generations

    # --- keeping ---

    def dump(self) -> dict[str, bytes]:
        """Named parts, byte-equal for the same records. Not while another thread applies."""
        kept = _dump.Kept(self._naming, self._categories, self._columns, self._packed, self.freed, self.refused)
        return _dump.write(kept)

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Replace everything by what `dump` gave. Raises InvalidInput (and is empty) when the parts cannot be read."""
        self._reset()
        kept = _dump.Kept(self._naming, self._categories, self._columns, self._packed, [], 0)
        try:
            self.freed, self.refused = _dump.read(parts, kept)
        except InvalidInput:
            self._reset()
            raise
        if kept.topics_differ:
            for row, packed in enumerate(self._packed):
                self._columns.topics[row] = self._topics(unpack(packed).categories)
        self._newest.refill(self.size)
