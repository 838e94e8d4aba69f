"""Parquet through DuckDB (extra `data`), streamed; the file is never loaded whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from swerve.errors import InvalidInput, MissingExtra
from swerve.readers.columns import Columns, Table, transpose
from swerve.readers.files import File
from swerve.readers.source import CHUNK

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SAMPLE_LINES = 1_000


def read_parquet(file: File) -> Table:
    """The file as a table. Raises MissingExtra without DuckDB, InvalidInput when it is no Parquet file."""
    path = str(file.path)
    with _connected() as connection:
        try:
            cursor = connection.execute(
                "SELECT * FROM read_parquet($path) LIMIT $n", {"path": path, "n": _SAMPLE_LINES}
            )
            names = tuple(str(column[0]) for column in cursor.description or ())
            rows = cursor.fetchall()
            counted = connection.execute("SELECT count(*) FROM read_parquet($path)", {"path": path}).fetchone()
        except Exception as error:
            raise _unreadable(file, error) from error
    sample = Columns(transpose(rows, len(names)), list(range(1, len(rows) + 1)))
    return Table(file.name, "parquet", names, sample, lambda: _blocks(path, file), counted[0] if counted else -1)


def _blocks(path: str, file: File) -> Iterator[Columns]:
    with _connected() as connection:
        cursor = connection.execute("SELECT * FROM read_parquet($path)", {"path": path})
        width, at = len(cursor.description or ()), 1
        while True:
            try:
                rows = cursor.fetchmany(CHUNK)
            except Exception as error:
                raise _unreadable(file, error) from error
            if not rows:
                return
            yield Columns(transpose(rows, width), list(range(at, at + len(rows))))
            at += len(rows)


@contextmanager
def _connected() -> Iterator[DuckDBPyConnection]:
    try:
        import duckdb  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise MissingExtra("data", "duckdb") from error
    connection = duckdb.connect(":memory:")
    try:
        # Lines keep their order and no file but the one named is read or fetched.
        connection.execute("SET preserve_insertion_order = true; SET autoinstall_known_extensions = false")
        yield connection
    finally:
        connection.close()


def _unreadable(file: File, error: Exception) -> InvalidInput:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InvalidInput(f"{file.name} cannot be read as Parquet: {first}", field=file.name, code="unreadable")
