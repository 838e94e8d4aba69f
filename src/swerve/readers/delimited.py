"""CSV, TSV and their relatives: what separates the columns, whether there is a header, and reading them fast.

Also `::` (MovieLens), `|`, `;` and blanks, and the atomic files of RecBole (`user_id:token`).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Literal

from swerve.errors import InvalidInput
from swerve.readers.columns import Columns, Table, transpose
from swerve.readers.files import SAMPLE_BYTES, File, count_lines, head_of, open_text
from swerve.readers.guess import target_of
from swerve.readers.source import CHUNK

_DELIMITERS = ("::", "\t", ",", ";", "|", " ")
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " ", "blank": " "}
_SAMPLE_LINES = 1_000
_TYPED = re.compile(r"(.+):(token|token_seq|float|float_seq)")
_NUMERIC = re.compile(r"\s*[-+]?[0-9][-+0-9.:/TZeE ]*")
"""A number or a date: what stands below a name, and hardly ever is one."""


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written."""

    delimiter: str
    quoted: bool
    """True when `"` at the start of a cell opens a quoted cell."""
    encoding: str


def read_delimited(file: File, *, delimiter: str = "", header: bool | None = None, encoding: str = "") -> Table:
    """The file as a table; what is not given is found out from its first lines.

    Raises InvalidInput when it is not in the encoding, has no columns, or is empty.
    """
    head = head_of(file)
    if not head.strip():
        raise InvalidInput(f"{file.name} is empty", field=file.name, code="empty")
    encoding = encoding or _encoding(head)
    lines = _sample_lines(file, head, encoding)
    dialect = _dialect(file, lines, _NAMES.get(delimiter, delimiter), encoding)
    rows = _rows(lines, dialect)
    width = _usual_width(rows)[0]
    rows = [row for row in rows if len(row) == width]
    if header is None:
        header = _has_header(rows)
    names = tuple(_clean(cell) for cell in rows[0]) if header else tuple(str(k + 1) for k in range(width))
    body = rows[1:] if header else rows

    def read() -> Iterator[Columns]:
        with open_text(file, encoding) as text:
            yield from _blocks(_split(text, dialect), width, skip=1 if header else 0)

    count = count_lines(file, lines, encoding) - int(header)
    sample = Columns(transpose(body, width), list(range(1, len(body) + 1)))
    notes = () if encoding in ("utf-8-sig", "utf-8") else (f"encoding {encoding}",)
    return Table(file.name, _form(dialect), names, sample, read, max(count, 0), header, notes)


def _form(dialect: Dialect) -> str:
    return {",": "csv", "\t": "tsv"}.get(dialect.delimiter, f"delimited by {dialect.delimiter!r}")


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig"  # utf-8, and a byte order mark at the start is not part of the first name


def _sample_lines(file: File, head: bytes, encoding: str) -> list[str]:
    whole = len(head) < SAMPLE_BYTES
    try:
        # A cut may fall inside a character: the last, incomplete line is dropped below anyway.
        text = head.decode(encoding, "strict" if whole else "ignore")
        if not whole:
            head[: head.rfind(b"\n") + 1].decode(encoding)
    except UnicodeDecodeError as error:
        line = head.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            f"{file.name} is not {encoding.removesuffix('-sig')} (line {line}): "
            "name its encoding, e.g. --encoding latin-1",
            field=file.name,
            code="encoding",
        ) from error
    except LookupError as error:
        raise InvalidInput("unknown encoding", field="encoding", code="encoding") from error
    lines = list(io.StringIO(text, newline=""))  # as files are read: str.splitlines knows ten more line ends
    return (lines if whole else lines[:-1] or lines)[:_SAMPLE_LINES]


def _dialect(file: File, lines: list[str], delimiter: str, encoding: str) -> Dialect:
    best: tuple[tuple[bool, int], Dialect] | None = None
    for candidate in (delimiter,) if delimiter else _DELIMITERS:
        dialect = Dialect(candidate, _quoted(lines, candidate, encoding), encoding)
        width, share = _usual_width(_rows(lines, dialect))
        rank = share >= 0.9, width
        # Blanks stand inside most texts, so they only count when nothing else separates the columns.
        if width > 1 and (share >= 0.5 or delimiter) and (best is None or (rank > best[0] and candidate != " ")):
            best = rank, dialect
    if best is None:
        what = f"{delimiter!r} does not separate" if delimiter else "no delimiter separates"
        raise InvalidInput(f"{file.name}: {what} its lines into columns", field=file.name, code="no_columns")
    return best[1]


def _quoted(lines: list[str], delimiter: str, encoding: str) -> bool:
    """Comma and semicolon files quote by custom; in others a quote is mostly a letter like any other."""
    if delimiter in (",", ";"):
        return True
    if len(delimiter) > 1 or delimiter == " ":
        return False
    plain = _rows(lines, Dialect(delimiter, False, encoding))
    if not any(len(cell) > 1 and cell[0] == cell[-1] == '"' for row in plain for cell in row):
        return False
    quoted = _rows(lines, Dialect(delimiter, True, encoding))
    return _usual_width(quoted)[1] >= _usual_width(plain)[1]


def _usual_width(rows: list[list[str]]) -> tuple[int, float]:
    """The most common number of columns and the share of lines that have it."""
    if not rows:
        return 0, 0.0
    width, times = Counter(map(len, rows)).most_common(1)[0]
    return width, times / len(rows)


def _has_header(rows: list[list[str]]) -> bool:
    """A first line without numbers is a header when numbers follow below it, or when we know its names."""
    first, rest = rows[0], rows[1:51]
    if any(_NUMERIC.fullmatch(cell) for cell in first) or len(set(first)) < len(first):
        return False
    known = sum(target_of(_clean(cell)) != "" for cell in first)
    below = any(all(_NUMERIC.fullmatch(row[k]) for row in rest) for k in range(len(first))) if rest else False
    return below or known >= 2


def _clean(cell: str) -> str:
    typed = _TYPED.fullmatch(cell.strip())
    return typed[1] if typed else cell.strip()


def _rows(lines: list[str], dialect: Dialect) -> list[list[str]]:
    return [row for block in _split(lines, dialect) for row in block.rows]


@dataclass(frozen=True)
class _Lines:
    """Some consecutive lines split into cells, blank ones left out."""

    rows: list[list[str]]
    lines: list[int]
    broken: list[tuple[int, str]]


def _split(text: Iterable[str], dialect: Dialect) -> Iterator[_Lines]:
    if len(dialect.delimiter) > 1 or dialect.delimiter == " ":
        return _split_plainly(iter(text), None if dialect.delimiter == " " else dialect.delimiter)
    return _split_csv(text, dialect)


def _split_plainly(text: Iterator[str], delimiter: str | None) -> Iterator[_Lines]:
    at = 1
    while block := list(islice(text, CHUNK)):
        rows = [line.rstrip("\r\n").split(delimiter) for line in block]
        yield _without_blank(rows, list(range(at, at + len(rows))), [])
        at += len(rows)


def _split_csv(text: Iterable[str], dialect: Dialect) -> Iterator[_Lines]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    reader = csv.reader(text, delimiter=dialect.delimiter, quoting=quoting)
    while True:
        rows: list[list[str]] = []
        broken: list[tuple[int, str]] = []
        at = reader.line_num + 1
        try:
            rows.extend(islice(reader, CHUNK))
        except csv.Error as error:  # what was split before the broken line stays in `rows`
            broken.append((reader.line_num, f"cannot be split ({error}): is a quote before it never closed?"))
        if not rows and not broken:
            return
        lines = list(range(at, at + len(rows)))
        if rows and reader.line_num >= at + len(rows):  # cells with line ends inside: count them
            lines = list(accumulate((1 + sum(cell.count("\n") for cell in row) for row in rows[:-1]), initial=at))
        yield _without_blank(rows, lines, broken)


def _without_blank(rows: list[list[str]], lines: list[int], broken: list[tuple[int, str]]) -> _Lines:
    if all(map(_holds_something, rows)):
        return _Lines(rows, lines, broken)
    kept = [k for k, row in enumerate(rows) if _holds_something(row)]
    return _Lines([rows[k] for k in kept], [lines[k] for k in kept], broken)


def _holds_something(row: list[str]) -> bool:
    """False for a blank line only: one of delimiters and nothing else is a line whose cells are empty."""
    return len(row) > 1 or (len(row) == 1 and row[0] != "")


def _blocks(split: Iterator[_Lines], width: int, skip: int) -> Iterator[Columns]:
    for block in split:
        rows, lines, broken = block.rows[skip:], block.lines[skip:], block.broken
        skip = 0
        if set(map(len, rows)) - {width}:
            broken = broken + [(at, _why(row, width)) for at, row in zip(lines, rows, strict=True) if len(row) != width]
            lines = [at for at, row in zip(lines, rows, strict=True) if len(row) == width]
            rows = [row for row in rows if len(row) == width]
        yield Columns(transpose(rows, width), lines, broken)


def _why(row: list[str], width: int) -> str:
    return f"has {len(row)} columns, expected {width}"
