"""A table with its mapping -> a part of a source: events in the right order, with notes on how they are read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.errors import InvalidInput
from swerve.readers import convert
from swerve.readers.build import Settings, build
from swerve.readers.columns import Columns, Table
from swerve.readers.mapping import Mapping, Wanted, parse_pairs
from swerve.readers.order import by_time, is_ordered
from swerve.readers.ratings import Ratings, parse_ratings
from swerve.readers.source import Chunk, Part


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read: everything may be left out and is then found out or guessed."""

    map: Wanted = ""
    """`user=visitorid,item=itemid,action:=view`; empty = guess by the columns' names."""
    actions: str = ""
    """`transaction=buy,addtocart=cart`: the file's word -> our action."""
    ratings: str = ""
    """`4=like,0=hide`: least rating -> action; empty = the action `rate` with the rating as its value."""
    scale: float = 1.0
    """Every value is multiplied by it, e.g. 0.5 for ratings up to 10."""
    items: str = ""
    """Path of a second file that describes the items."""
    map_items: Wanted = ""
    """Mapping of that file: `id=sku,title=name`; names without a place of their own become fields."""
    delimiter: str = ""
    """`tab`, `,`, `::`, …; empty = found out."""
    header: bool | None = None
    """Whether the first line names the columns; None = found out."""
    encoding: str = ""
    """Empty = UTF-8 (UTF-16 with a byte order mark is seen)."""
    time_format: str = ""
    """strptime format for times that are neither numbers nor ISO 8601, e.g. `%m/%d/%Y %H:%M`; taken as UTC."""
    order: str = "auto"
    """`time`: sort by time; `file`: keep the order; `auto`: sort unless the start of the file is in order."""


def settings_of(options: ReadOptions) -> Settings:
    """The part of the options that says how values are read. Raises InvalidInput."""
    if options.order not in ("auto", "time", "file"):
        raise InvalidInput("expected auto, time or file", field="order", code="bad_order")
    actions = parse_pairs(options.actions, "actions")
    return Settings(actions, parse_ratings(options.ratings), options.scale, options.time_format)


def table_part(table: Table, mapping: Mapping, settings: Settings, order: str = "auto") -> Part:
    """The table's events as a part; interactions are sorted by time as `order` says."""
    sort, notes = _sorting(table, mapping, settings, order)
    at = table.names.index(mapping.columns["time"]) if sort else 0

    def keys(columns: Columns) -> NDArray[np.float64]:
        return np.array(_times(columns.data[at], mapping.units["time"], settings.time_format), dtype=np.float64)

    def read() -> Iterator[Chunk]:
        blocks = table.read()
        return build(table, by_time(blocks, keys) if sort else blocks, mapping, settings)

    shown = mapping.shown() | ({"action": _shown(settings.ratings)} if mapping.ratings else {})
    notes = (*table.notes, *notes, *_scale_note(table, mapping, settings))
    return Part(table.name, mapping.kind, read, table.count, shown, mapping.guessed, notes)


def _times(column: convert.Column, unit: str, time_format: str) -> list[float]:
    """Times to sort by; what is no time comes first, and is refused when its event is made."""
    try:
        return convert.times(column, unit, time_format)
    except InvalidInput:
        if len(column) == 1:
            return [float("-inf")]
    half = len(column) // 2
    return [*_times(column[:half], unit, time_format), *_times(column[half:], unit, time_format)]


def _shown(ratings: Ratings) -> str:
    if not ratings.steps:
        return ":=rate"
    return ":=" + " or ".join(f"{action} (from {least:g})" for least, action in ratings.steps)


def _sorting(table: Table, mapping: Mapping, settings: Settings, order: str) -> tuple[bool, tuple[str, ...]]:
    column = mapping.columns.get("time")
    if mapping.kind != "interactions" or column is None:
        if order == "time" and mapping.kind == "interactions":
            raise InvalidInput("no column holds the time to sort by: add time=COLUMN", field="order", code="no_time")
        return False, ()
    unit = mapping.units["time"]
    note = f"times in {'ISO 8601' if unit == 'iso' else settings.time_format if unit == 'pattern' else unit}"
    if order == "file":
        return False, (f"{note}, kept in file order",)
    if order == "auto" and _starts_in_order(table, column, unit, settings):
        return False, (f"{note}, in order already",)
    return True, (f"{note}, sorted",)


def _starts_in_order(table: Table, column: str, unit: str, settings: Settings) -> bool:
    try:
        times = convert.times(table.column(column), unit, settings.time_format)
    except InvalidInput:
        return False
    return is_ordered(times)


def _scale_note(table: Table, mapping: Mapping, settings: Settings) -> tuple[str, ...]:
    if not mapping.ratings:
        return ()
    values = [value for value in _numbers(table, mapping) if value is not None]
    top = max(values, default=0.0) * settings.scale
    return (f"ratings up to {top:g}: --scale {5 / top:g} brings them to the usual 1 to 5",) if top > 5 else ()


def _numbers(table: Table, mapping: Mapping) -> list[float | None]:
    try:
        return convert.numbers(table.column(mapping.columns["value"]), 1.0, "value")
    except InvalidInput:
        return []
