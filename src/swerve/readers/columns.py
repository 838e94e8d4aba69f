"""A table as columns: what every tabular format is read into, and all that mapping and building see of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Columns:
    """Some consecutive lines of a table as columns of one length."""

    data: Sequence[Sequence[object]]
    """One sequence for each column, in the order of `Table.names`."""
    lines: list[int]
    """1-based line (or row) each entry came from."""
    broken: list[tuple[int, str]] = field(default_factory=list)
    """Lines that could not be split into columns, and why; they are in none of the columns."""

    def part(self, start: int, stop: int) -> Columns:
        """Entries start <= i < stop."""
        return Columns([column[start:stop] for column in self.data], self.lines[start:stop])


@dataclass(frozen=True)
class Table:
    """A tabular file or frame: its columns' names, a first look, and a way to read it from the start."""

    name: str
    form: str
    names: tuple[str, ...]
    """Column names; their 1-based positions as text when the table has no header."""
    sample: Columns
    """The first lines, for guessing."""
    read: Callable[[], Iterator[Columns]]
    count: int = -1
    """Expected number of lines, -1 = unknown."""
    header: bool = True
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> Sequence[object]:
        """The sample's values of one column."""
        return self.sample.data[self.names.index(name)]


def transpose(rows: Sequence[Sequence[object]], width: int) -> Sequence[Sequence[object]]:
    """Rows of one width as columns; `width` empty columns when there are no rows."""
    return list(zip(*rows, strict=True)) if rows else [()] * width
