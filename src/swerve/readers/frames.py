"""Data frames of any library (through narwhals, extra `data`), database cursors, and plain columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from swerve.errors import InvalidInput, MissingExtra
from swerve.readers.columns import Columns, Table, transpose
from swerve.readers.source import CHUNK

_SAMPLE_LINES = 1_000


def frame_table(frame: Any, name: str = "frame") -> Table:
    """A table over a frame, which is read in slices and never copied whole.

    Takes `{"column": values}` with sequences of one length, and every frame that narwhals knows (pandas, polars,
    pyarrow, …; lazy ones are collected). Raises MissingExtra, or InvalidInput when it is none of these.
    """
    if isinstance(frame, Mapping):
        return _plain_table(dict(frame), name)
    if hasattr(frame, "fetchall") and hasattr(frame, "columns"):
        # A DuckDB relation: read in one go, for it may not give its lines in the same order twice.
        rows = frame.fetchall()
        return _plain_table(dict(zip(frame.columns, transpose(rows, len(frame.columns)), strict=True)), name)
    return _narwhals_table(frame, name)


def _plain_table(columns: dict[str, Any], name: str) -> Table:
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise InvalidInput("the columns must have one length", field=name, code="ragged")
    lists: list[Sequence[object]] = [_list(values) for values in columns.values()]
    return _table(tuple(map(str, columns)), lists, lengths.pop(), name)


def _list(values: Any) -> Sequence[object]:
    """NumPy arrays become Python values here, once: their scalars are slower to convert one by one."""
    return values.tolist() if hasattr(values, "tolist") else values  # type: ignore[no-any-return]


def _table(names: tuple[str, ...], lists: list[Sequence[object]], n: int, name: str) -> Table:
    def read() -> Iterator[Columns]:
        for start in range(0, n, CHUNK):
            yield _slice(lists, start, min(start + CHUNK, n))

    return Table(name, "frame", names, _slice(lists, 0, min(n, _SAMPLE_LINES)), read, n)


def _slice(lists: list[Sequence[object]], start: int, stop: int) -> Columns:
    return Columns([values[start:stop] for values in lists], list(range(start + 1, stop + 1)))


def _narwhals_table(frame: Any, name: str) -> Table:
    try:
        import narwhals.stable.v2 as narwhals  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise MissingExtra("data", "narwhals") from error
    try:
        known: Any = narwhals.from_native(frame)
    except TypeError as error:
        raise InvalidInput("not a data frame that narwhals knows", field=name, code="no_frame") from error
    if isinstance(known, narwhals.LazyFrame):
        known = known.collect()
    names, n = tuple(known.columns), len(known)

    def part(start: int, stop: int) -> Columns:
        piece = known[start:stop]
        return Columns([piece[column].to_list() for column in names], list(range(start + 1, stop + 1)))

    def read() -> Iterator[Columns]:
        for start in range(0, n, CHUNK):
            yield part(start, min(start + CHUNK, n))

    return Table(name, "frame", tuple(map(str, names)), part(0, min(n, _SAMPLE_LINES)), read, n)


def fingerprint_columns(table: Table) -> Iterator[bytes]:
    """Bytes that tell this frame from another: names, length, and the first and last lines."""
    yield repr((table.names, table.count)).encode()
    first, last = Columns([], []), Columns([], [])
    for columns in table.read():
        first, last = (first if first.lines else columns), columns
    for values in chain(first.data, last.data):
        yield repr(list(values)).encode()
