"""JSON lines: events as in the HTTP API (and as `swerve export` writes them), or objects to be mapped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from swerve.errors import InvalidInput
from swerve.events.config import EventsConfig
from swerve.events.faults import KINDS
from swerve.events.parse import parse
from swerve.readers.columns import Columns, Table
from swerve.readers.files import File, count_lines, open_bytes
from swerve.readers.source import CHUNK, Chunk, Part
from swerve.types import Event, Interaction, Rejection

_SAMPLE_LINES = 1_000
_LINE_BYTES = 16 * 1024 * 1024
_BLOCK_BYTES = 4 * 1024 * 1024
_EVENTS = msgspec.json.Decoder(Event)
_OBJECTS = msgspec.json.Decoder(dict[str, Any])
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# A file was put there on purpose: only the limits that guard a server against a request are lifted.
_LIMITS = EventsConfig(max_body_bytes=_BLOCK_BYTES + _LINE_BYTES, max_batch=CHUNK + 1)


def looks_like_events(file: File) -> bool:
    """True when the objects at the start are events: they name a known `type`, or an action on an item."""
    objects, _ = _decoded(next(_blocks(file), []))
    mine = set(Interaction.__struct_fields__)
    events = [obj for _, obj in objects if obj.get("type") in KINDS or {"item", "action"} <= obj.keys() <= mine]
    return bool(objects) and 2 * len(events) > len(objects)


def event_part(file: File) -> Part:
    """The file's events, in its order: it may be the log of another directory, whose order is its truth."""
    block = next(_blocks(file), [])
    count = count_lines(file, [line for _, line in block])

    def read() -> Iterator[Chunk]:
        for lines in _blocks(file):
            yield Chunk(_events(b"".join(line for _, line in lines)), [at for at, _ in lines], file.name)

    return Part(file.name, "events", read, count)


def _events(body: bytes) -> list[Event | Rejection]:
    try:
        return list(_EVENTS.decode_lines(body))
    except _BROKEN:
        # Something is wrong with one of them: the parser of the HTTP API says which, in its words.
        return parse(body, "application/x-ndjson", _LIMITS)


def read_jsonl(file: File) -> Table:
    """The file's objects as a table: one column for each name that the first objects use."""
    block = next(_blocks(file), [])
    objects, broken = _decoded(block)
    if not objects:
        raise InvalidInput(f"{file.name} holds no JSON objects", field=file.name, code="empty")
    names = tuple(dict.fromkeys(name for _, obj in objects for name in obj))
    count = count_lines(file, [line for _, line in block])

    def read() -> Iterator[Columns]:
        for lines in _blocks(file):
            yield _columns(names, *_decoded(lines))

    return Table(file.name, "jsonl", names, _columns(names, objects[:_SAMPLE_LINES], broken), read, count)


def _columns(
    names: tuple[str, ...], objects: list[tuple[int, dict[str, Any]]], broken: list[tuple[int, str]]
) -> Columns:
    return Columns([[obj.get(name) for _, obj in objects] for name in names], [at for at, _ in objects], broken)


def _decoded(lines: list[tuple[int, bytes]]) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    objects: list[tuple[int, dict[str, Any]]] = []
    broken: list[tuple[int, str]] = []
    for at, line in lines:
        try:
            objects.append((at, _OBJECTS.decode(line)))
        except _BROKEN:
            broken.append((at, "is not a JSON object"))
    return objects, broken


def _blocks(file: File) -> Iterator[list[tuple[int, bytes]]]:
    """Lines that are not blank with their numbers, at most a chunk and about 4 MB at once."""
    with open_bytes(file) as stream:
        lines = _lines(iter(lambda: stream.readline(_LINE_BYTES), b""), file)
        block: list[tuple[int, bytes]] = []
        size = 0
        for numbered in lines:
            block.append(numbered)
            size += len(numbered[1])
            if len(block) == CHUNK or size >= _BLOCK_BYTES:
                yield block
                block, size = [], 0
        if block:
            yield block


def _lines(raw: Iterator[bytes], file: File) -> Iterator[tuple[int, bytes]]:
    for at, line in enumerate(raw, 1):
        if len(line) >= _LINE_BYTES:
            raise InvalidInput(f"{file.name}: line {at} is longer than 16 MiB", field=file.name, code="too_long")
        text = line.removeprefix(b"\xef\xbb\xbf") if at == 1 else line
        if text.strip():
            yield at, text if text.endswith(b"\n") else text + b"\n"
