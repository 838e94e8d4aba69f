"""`swerve import`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import click
import msgspec

from swerve.cli.projects import opened, preset, project
from swerve.config import load
from swerve.engine import Engine
from swerve.errors import InvalidInput
from swerve.importing import How, ImportReport, run_import
from swerve.readers import ReadOptions, Source, detect, from_events
from swerve.readers.ratings import usual_ratings
from swerve.readers.resume import Position, others
from swerve.terminal import Paint, Progress

POSITIONS = "imports"
"""Folder of a project that holds how far each import came."""
_HOW = ("batch", "again", "idempotent")
_INTERRUPTED = 130


@click.command("import")
@project
@click.argument("path")
@preset
@click.option("--map", metavar="PAIRS", help="Which column is what: user=visitorid,item=sku,time=ts,action:=view")
@click.option("--actions", metavar="PAIRS", help="The file's word for our action: transaction=buy,addtocart=cart")
@click.option("--items", metavar="PATH", help="A second file that describes the items.")
@click.option("--map-items", metavar="PAIRS", help="Its columns: id=sku,title=name,categories=genre,price=price")
@click.option("--ratings", metavar="PAIRS", help="Least rating and its action: 4=like,0=hide")
@click.option("--scale", type=float, metavar="FACTOR", help="Multiply every value, e.g. 0.5 for ratings up to 10.")
@click.option("--delimiter", metavar="TEXT", help="What separates columns: tab, comma, :: … [default: found out]")
@click.option("--header/--no-header", default=None, help="Whether the first line names the columns.")
@click.option("--encoding", metavar="NAME", help="Encoding of the text. [default: UTF-8]")
@click.option("--time-format", metavar="FORMAT", help="Times that are neither numbers nor ISO: '%m/%d/%Y %H:%M'")
@click.option("--order", type=click.Choice(["auto", "time", "file"]), help="Sort by time, or keep the file's order.")
@click.option("--reader", metavar="MODULE:NAME", help="Your own reader: NAME(path) gives events.")
@click.option("--batch", type=click.IntRange(1, 100_000), help="Events that commit together. [default: 2000]")
@click.option("--again", is_flag=True, help="Take in once more what was imported to its end before.")
@click.option("--idempotent", is_flag=True, help="Give every event an id: repeats count once, whatever happens.")
@click.option("--rejects", type=click.File("w"), metavar="FILE", help="Write each refused line and why, as JSON lines.")
@click.option("--dry-run", is_flag=True, help="Say what would be read, and stop.")
@click.pass_context
def import_(ctx: click.Context, /, project: Path, path: str, preset: str | None, **given: Any) -> None:
    """Take the events of PATH into a project: files, or a MovieLens folder or zip.

    What is found out or guessed is shown first. Stop it as you like, even with kill -9: the same command goes on
    where it was, and nothing is there twice. Ends with 0 also when lines were refused; they are counted and shown.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    rejects, dry_run, reader = chosen.pop("rejects", None), chosen.pop("dry_run"), chosen.pop("reader", "")
    how = How(**{name: chosen.pop(name) for name in _HOW if name in chosen})
    if dry_run:
        _preview(_source(path, reader, chosen))
        return
    if "ratings" not in chosen:
        chosen["ratings"] = usual_ratings(load(project, preset, {}, os.environ).config.events.actions)
    source = _source(path, reader, chosen)  # before the project is opened: a wrong path makes none
    with opened(project, preset) as engine:
        _tell(project / POSITIONS, source)
        report = _run(ctx, engine, source, project / POSITIONS, how, rejects)
    for line in summary(report, Paint(sys.stdout, os.environ)):
        click.echo(line)


def _source(path: str, reader: str, options: dict[str, Any]) -> Source:
    if not reader:
        return detect(path, ReadOptions(**options))
    read = _own_reader(reader)
    return from_events(f"{reader} of {path}", lambda: read(path))


def _own_reader(name: str) -> Callable[[str], Any]:
    module, colon, function = name.partition(":")
    sys.path.insert(0, os.getcwd())  # a reader lies beside the data more often than in an installed package
    try:
        read = getattr(importlib.import_module(module), function, None)
    except ModuleNotFoundError as error:
        raise InvalidInput(f"no module {error.name}", field="reader", code="no_reader") from error
    if not colon or not callable(read):
        raise InvalidInput("expected MODULE:NAME of a function that takes a path", field="reader", code="no_reader")
    return read  # type: ignore[no-any-return]


def _preview(source: Source) -> None:
    for line in source.describe():
        click.echo(line)
    for part in source.parts:
        click.echo(f"first events of {part.name}:")
        for chunk in islice(part.read(), 1):
            for event in chunk.events[:3]:
                click.echo(f"  {msgspec.json.encode(event).decode()}")


def _tell(folder: Path, source: Source) -> None:
    for line in source.describe():
        click.echo(line, err=True)
    here = Position(fingerprint=source.fingerprint, name=source.name)
    if others(folder, here):
        click.echo(
            f"note: something named {source.name} was imported before, with other content or read in another way; "
            "what both hold will be there twice",
            err=True,
        )


def _run(
    ctx: click.Context, engine: Engine, source: Source, folder: Path, how: How, rejects: TextIO | None
) -> ImportReport:
    with _bar(source.name) as bar:
        try:
            report = run_import(
                engine,
                source,
                positions=folder,
                how=how,
                rejects=rejects,
                progress=lambda tick: bar(
                    tick.done,
                    tick.total,
                    tick.rate,
                    tick.seconds,
                    note=f"{tick.refused:,} refused" if tick.refused else "",
                ),
            )
        except KeyboardInterrupt:
            bar.stop()
            click.echo("stopped; the same command goes on from here", err=True)
            ctx.exit(_INTERRUPTED)
        bar.end(f"{source.name}: {report.seconds:.1f} s, {report.rate:,.0f} rows/s")
    return report


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    bar = Progress(sys.stderr, name)
    try:
        yield bar
    except BaseException:
        bar.stop()
        raise


def summary(report: ImportReport, paint: Paint) -> list[str]:
    """What became of an import, for people."""
    if report.complete_before:
        return [f"{report.name} was imported to its end before: nothing to do (--again takes it in once more)"]
    lines = [f"{paint(f'{report.accepted:,}', 'bold')} events accepted, durable and folded"]
    if report.resumed_at:
        lines.append(f"{report.resumed_at:,} rows were there from an earlier run")
    if report.duplicates:
        lines.append(f"{report.duplicates:,} events were there already (same event_id)")
    if report.refused:
        lines.append(paint(f"{report.total_refused:,} rows refused:", "yellow"))
    for code, count in sorted(report.refused.items(), key=lambda pair: -pair[1]):
        first = report.examples[code][0]
        lines.append(f"  {count:>9,}  {code}: {first.message}")
        places = ", ".join(f"{one.line:,}" for one in report.examples[code])
        lines.append(f"             {first.origin}, line {places}{' …' if count > len(report.examples[code]) else ''}")
    return lines
