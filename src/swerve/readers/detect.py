"""From a path or a frame to a source: what is it, and how is it read?"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from swerve.errors import InvalidInput
from swerve.readers.columns import Table
from swerve.readers.delimited import read_delimited
from swerve.readers.files import File, files_in, fingerprint_bytes, head_of
from swerve.readers.frames import fingerprint_columns, frame_table
from swerve.readers.jsonl import event_part, looks_like_events, read_jsonl
from swerve.readers.mapping import Wanted, resolve
from swerve.readers.movielens import movielens
from swerve.readers.parquet import read_parquet
from swerve.readers.parts import ReadOptions, settings_of, table_part
from swerve.readers.source import Part, Source, digest

_DEFAULTS = ReadOptions()
_VERSION = b"1"
"""Counts up when the same file would give other events: an import begun before is then not continued."""


def detect(path: Path | str, options: ReadOptions = _DEFAULTS) -> Source:
    """The source at a path: a MovieLens folder or zip, or one CSV / TSV, JSON lines or Parquet file.

    Raises NotFound, InvalidInput (what could not be understood, and the option that helps) and MissingExtra.
    """
    path = Path(path)
    files = files_in(path)
    known = movielens(files, options) if not options.map else None
    if known:
        form, parts = known
        return Source(path.name, form, parts, _fingerprint(files, options))
    file = _only(path, files)
    form, part = _part(file, options)
    parts = (part,)
    if options.items:
        described = _only(Path(options.items), files_in(Path(options.items)))
        parts = (_part(described, options, role="items")[1], part)
        files = [described, file]
    return Source(path.name, form, parts, _fingerprint(files, options))


def read_frame(
    frame: Any, *, map: Wanted = "", items: Any = None, map_items: Wanted = "", name: str = "frame", **options: Any
) -> Source:
    """A source over a data frame: anything narwhals knows, a DuckDB relation, or `{"column": values}`.

    `items` is a second frame that describes the items; `options` are those of `ReadOptions`.
    Raises InvalidInput and MissingExtra.
    """
    try:
        chosen = msgspec.convert({"map": map, "map_items": map_items, **options}, ReadOptions)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"wrong option: {error}", field="options", code="bad_option") from error
    tables = [frame_table(frame, name)]
    parts = [_table_part(tables[0], chosen, "")]
    if items is not None:
        tables.insert(0, frame_table(items, f"{name} (items)"))
        parts.insert(0, _table_part(tables[0], chosen, "items"))
    content = chain.from_iterable(fingerprint_columns(table) for table in tables)
    return Source(name, "frame", tuple(parts), digest(chain(_reading(chosen), content)))


def _part(file: File, options: ReadOptions, role: str = "") -> tuple[str, Part]:
    """(format, part) of one file, told from its first bytes."""
    head = head_of(file, 65_536)
    if head.startswith(b"PAR1"):
        return _of_table(_parquet(file), options, role)
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first == b"[":
        raise InvalidInput(
            f"{file.name} is a JSON array, which must be read whole: write one object a line (jq -c '.[]')",
            field=file.name,
            code="json_array",
        )
    if first != b"{":
        # How the main file is written says nothing about a second one, but one maker mostly keeps to one encoding.
        how = msgspec.structs.replace(options, delimiter="", header=None) if role else options
        table = read_delimited(file, delimiter=how.delimiter, header=how.header, encoding=how.encoding)
        return _of_table(table, options, role)
    if not (options.map_items if role else options.map) and looks_like_events(file):
        return "events", event_part(file)
    return _of_table(read_jsonl(file), options, role)


def _parquet(file: File) -> Table:
    if file.member:
        raise InvalidInput(f"{file.name} is Parquet inside a zip: unpack it first", field=file.name, code="unreadable")
    return read_parquet(file)


def _of_table(table: Table, options: ReadOptions, role: str) -> tuple[str, Part]:
    return table.form, _table_part(table, options, role)


def _table_part(table: Table, options: ReadOptions, role: str) -> Part:
    wanted = options.map_items if role else options.map
    mapping = resolve(table, wanted, role=role, time_format=options.time_format)
    return table_part(table, mapping, settings_of(options), options.order)


def _only(path: Path, files: list[File]) -> File:
    if len(files) == 1:
        return files[0]
    found = ", ".join(file.name for file in files[:8]) or "nothing"
    raise InvalidInput(
        f"{path.name} is no MovieLens folder, and which of its files to read is not clear: it holds {found}; name one",
        field="path",
        code="ambiguous",
    )


def _reading(options: ReadOptions) -> list[bytes]:
    # The path of the items file says nothing about its content, which is in the fingerprint itself.
    return [_VERSION, msgspec.json.encode(msgspec.structs.replace(options, items=""))]


def _fingerprint(files: list[File], options: ReadOptions) -> str:
    blocks = chain.from_iterable(fingerprint_bytes(file) for file in files)
    return digest(chain(_reading(options), blocks))
