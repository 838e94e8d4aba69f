"""`swerve export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from swerve.cli.projects import existing, opened, project
from swerve.terminal import Progress
from swerve.types import Event, Impression, Item, Record

_LINES = 5_000


@click.command
@project
@click.argument("file", type=click.File("wb"), default="-")
@click.option("--start", type=click.IntRange(0), default=0, help="First offset. [default: 0]")
@click.option("--stop", type=click.IntRange(0), help="Offset after the last one. [default: the end of the log]")
@click.option("--impressions/--no-impressions", default=True, help="With answered slates, or events only.")
def export(project: Path, file: BinaryIO, start: int, stop: int | None, impressions: bool) -> None:
    """Write the log to FILE (or stdout) as JSON lines, one event each, as the HTTP API takes them.

    `swerve import` reads them back into the same states and counts: every event carries the time it happened.
    """
    encoder = msgspec.json.Encoder()
    lines: list[Event] = []
    count = 0
    with opened(existing(project)) as engine:
        for record in engine.events(start, stop):
            if impressions or not isinstance(record.event, Impression):
                lines.append(dated(record))
                count += 1
            if len(lines) == _LINES:
                file.write(encoder.encode_lines(lines))
                lines.clear()
        file.write(encoder.encode_lines(lines))
        file.flush()
    Progress(sys.stderr, "export").end(f"{count:,} events written")


def dated(record: Record) -> Event:
    """The record's event with the time at which it happened, whatever its clock said."""
    event = record.event
    if isinstance(event, Item) and event.partial and not event.time:
        return event  # it did not say when the item was published, so it must not when it is read again
    return msgspec.structs.replace(event, time=record.time)
