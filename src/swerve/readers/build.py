"""Columns to events: the hot path of an import (about 1 µs a line).

A chunk of columns is converted whole. Only when that fails is it halved until the broken lines stand alone, so
clean files pay nothing for the exact report that broken ones get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from swerve.errors import InvalidInput
from swerve.readers import convert
from swerve.readers.columns import Columns, Table
from swerve.readers.mapping import ITEM, Mapping
from swerve.readers.ratings import Ratings
from swerve.readers.source import Chunk
from swerve.types import Event, FieldValue, Interaction, Item, Rejection, User


@dataclass(frozen=True)
class Settings:
    """How values are read, beside which column they stand in."""

    actions: dict[str, str] = field(default_factory=dict)
    """File's word -> our action; a word not named here is kept."""
    ratings: Ratings = field(default_factory=Ratings)
    scale: float = 1.0
    """Every value is multiplied by it."""
    time_format: str = ""
    """strptime format for times that are neither numbers nor ISO 8601."""


def build(table: Table, blocks: Iterable[Columns], mapping: Mapping, settings: Settings) -> Iterator[Chunk]:
    """Events of the table's `blocks`, chunk by chunk; lines that cannot be read stand there as rejections."""
    maker = _Maker(table.names, mapping, settings)
    for columns in blocks:
        events: list[Event | Rejection] = []
        lines: list[int] = []
        _fill(maker, columns, events, lines)
        for line, why in columns.broken:
            events.append(Rejection(index=len(events), code="bad_line", field="", message=why))
            lines.append(line)
        if events:
            yield Chunk(events, lines, table.name)


def _fill(maker: _Maker, columns: Columns, events: list[Event | Rejection], lines: list[int]) -> None:
    try:
        made, at = maker.make(columns)
    except InvalidInput as error:
        n = len(columns.lines)
        if n == 1:
            events.append(Rejection(index=len(events), code=error.code, field=error.field, message=error.message))
            lines.append(columns.lines[0])
            return
        _fill(maker, columns.part(0, n // 2), events, lines)
        _fill(maker, columns.part(n // 2, n), events, lines)
        return
    events.extend(made)
    lines.extend(at)


class _Maker:
    """Makes events of one table. Remembers which items and users it has described already."""

    def __init__(self, names: Sequence[str], mapping: Mapping, settings: Settings) -> None:
        self._at = {target: names.index(column) for target, column in mapping.columns.items()}
        self._mapping = mapping
        self._settings = settings
        self._described: set[str] = set()
        self._item_fields = _fields_of("item.", mapping, ITEM)
        self._user_fields = _fields_of("user.", mapping, ())
        self._makes: Callable[[Columns], tuple[Sequence[Event], list[int]]] = {
            "interactions": self._interactions,
            "items": lambda columns: (self._items(columns), columns.lines),
            "users": lambda columns: (self._users(columns), columns.lines),
        }[mapping.kind]

    def make(self, columns: Columns) -> tuple[Sequence[Event], list[int]]:
        """(events, their lines). Raises InvalidInput when any value of the chunk cannot be taken."""
        return self._makes(columns)

    def _raw(self, columns: Columns, target: str) -> Sequence[object] | None:
        at = self._at.get(target)
        if at is not None:
            return columns.data[at]
        constant = self._mapping.constants.get(target)
        return None if constant is None else [constant] * len(columns.lines)

    def _ids(self, columns: Columns, target: str) -> Sequence[str]:
        raw = self._raw(columns, target)
        return [""] * len(columns.lines) if raw is None else convert.ids(raw)

    def _times(self, columns: Columns, target: str) -> Sequence[float]:
        raw = self._raw(columns, target)
        if raw is None:
            return [0.0] * len(columns.lines)
        unit = self._mapping.units.get(target, "iso")
        return convert.times(raw, unit, self._settings.time_format)

    def _acts(self, columns: Columns) -> tuple[Sequence[str], Sequence[float | None]]:
        raw = self._raw(columns, "value")
        values = [None] * len(columns.lines) if raw is None else convert.numbers(raw, self._settings.scale, "value")
        if self._mapping.ratings:
            return self._settings.ratings.acts(values)
        actions = self._ids(columns, "action")
        names = self._settings.actions
        return (list(map(names.get, actions, actions)) if names else actions), values

    def _interactions(self, columns: Columns) -> tuple[Sequence[Event], list[int]]:
        users, items = self._ids(columns, "user"), self._ids(columns, "item")
        actions, values = self._acts(columns)
        times = self._times(columns, "time")
        if self._at.keys() <= _PLAIN:
            made: list[Event] = [
                Interaction(item=item, action=action, user=user, value=value, time=time)
                for item, action, user, value, time in zip(items, actions, users, values, times, strict=True)
            ]
        else:
            sessions, slates = self._ids(columns, "session"), self._ids(columns, "slate")
            event_ids = self._ids(columns, "event_id")
            made = [
                Interaction(
                    item=item,
                    action=action,
                    user=user,
                    session=session,
                    value=value,
                    slate=slate,
                    time=time,
                    event_id=key,
                )
                for item, action, user, session, value, slate, time, key in zip(
                    items, actions, users, sessions, values, slates, times, event_ids, strict=True
                )
            ]
        if not self._item_fields.any and not self._user_fields.any:
            return made, columns.lines
        return self._with_described(columns, made, users, items)

    def _with_described(
        self, columns: Columns, made: list[Event], users: Sequence[str], items: Sequence[str]
    ) -> tuple[Sequence[Event], list[int]]:
        """Puts an item or user event before the first line that names it."""
        events: list[Event] = []
        lines: list[int] = []
        about_items = self._items(columns) if self._item_fields.any else repeat(None)
        about_users = self._users(columns) if self._user_fields.any else repeat(None)
        rows = zip(made, columns.lines, items, about_items, users, about_users, strict=False)
        for event, line, item, about_item, user, about_user in rows:
            for about, key in ((about_item, f"item {item}"), (about_user, f"user {user}")):
                if about is not None and key not in self._described:
                    self._described.add(key)
                    events.append(about)
                    lines.append(line)
            events.append(event)
            lines.append(line)
        return events, lines

    def _items(self, columns: Columns) -> Sequence[Event]:
        n = len(columns.lines)
        raw = self._raw(columns, "item.categories")
        available = self._raw(columns, "item.available")
        rows = zip(
            self._ids(columns, "item"),
            self._ids(columns, "item.title"),
            self._ids(columns, "item.text"),
            [()] * n if raw is None else convert.categories(raw),
            [True] * n if available is None else convert.flags(available),
            self._times(columns, "item.time"),
            self._fields(columns, self._item_fields),
            strict=True,
        )
        return [
            Item(id=id, title=title, text=text, categories=groups, available=on, time=time, fields=fields)
            for id, title, text, groups, on, time, fields in rows
        ]

    def _users(self, columns: Columns) -> Sequence[Event]:
        rows = zip(self._ids(columns, "user"), self._fields(columns, self._user_fields), strict=True)
        return [User(id=id, fields=fields) for id, fields in rows]

    def _fields(self, columns: Columns, wanted: _Fields) -> Sequence[dict[str, FieldValue]]:
        if not wanted.targets:
            return [{}] * len(columns.lines)
        names = [target.partition(".")[2] for target in wanted.targets]
        raw: list[Any] = [self._raw(columns, target) for target in wanted.targets]
        rows = zip(*map(convert.fields, raw), strict=True)
        return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]


_PLAIN = frozenset({"user", "item", "action", "value", "time"})


@dataclass(frozen=True)
class _Fields:
    targets: tuple[str, ...]
    """Targets that become fields."""
    any: bool
    """True when the table says anything about this kind of thing, as a field or not."""


def _fields_of(prefix: str, mapping: Mapping, own: Sequence[str]) -> _Fields:
    targets = [target for target in mapping.shown() if target.startswith(prefix)]
    return _Fields(tuple(target for target in targets if target.removeprefix(prefix) not in own), bool(targets))
