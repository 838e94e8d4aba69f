"""`swerve demo`: import, one event, the list before and after, then serve. Works offline."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from swerve.cli.projects import opened
from swerve.demo.show import by_side, why_lines
from swerve.engine import Engine
from swerve.importing import run_import
from swerve.readers import ReadOptions, detect
from swerve.readers.ratings import usual_ratings
from swerve.server import Keys
from swerve.server import serve as serve_engine
from swerve.terminal import Paint, Progress
from swerve.types import Interaction, Slate

FILMS = Path(__file__).parent / "data" / "ml-latest-small"
USER = "1"
"""A real user of the bundled data."""
GUEST = "you"
"""Somebody without a past, so that the demo can be repeated."""


@click.command
@click.option("--dir", "directory", type=click.Path(path_type=Path), default=Path("demo-shop"), show_default=True)
@click.option("--once", is_flag=True, help="Stop after the show instead of serving.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="Port to serve on.")
@click.pass_context
def demo(ctx: click.Context, directory: Path, once: bool, port: int) -> None:
    """Import bundled films (MovieLens), show how one event changes a list, then serve.

    The films are for non-commercial use: see NOTICE.md beside them.
    """
    with opened(directory, "media", {"server.port": port}) as engine:
        _import(engine, directory)
        _show(engine)
        if once:
            return
        status = serve_engine(engine, Keys(directory / "keys.json"), engine.config.server, _ready)
    ctx.exit(status)


def _import(engine: Engine, directory: Path) -> None:
    source = detect(FILMS, ReadOptions(ratings=usual_ratings(engine.config.events.actions)))
    bar = Progress(sys.stderr, "films")
    report = run_import(
        engine,
        source,
        positions=directory / "imports",
        progress=lambda tick: bar(tick.done, tick.total, tick.done / max(tick.seconds, 1e-9), tick.seconds),
    )
    if report.complete_before:
        bar.end("the films are here already")
    else:
        bar.end(f"{report.accepted:,} events in {report.seconds:.1f} s, {report.total_refused} refused")


def _show(engine: Engine) -> None:
    paint = Paint(sys.stdout, os.environ)
    before = engine.recommend(USER)
    film = before.picks[0].item
    click.echo(paint(f"\nUser {USER} plays {_title(engine, film)}", "bold"))
    after = _act(engine, film, "play")
    _compare(engine, before, after, paint)
    refused = after.picks[0].item
    click.echo(paint(f"\nUser {USER} is not interested in {_title(engine, refused)}", "bold"))
    without = _act(engine, refused, "not_interested")
    _compare(engine, after, without, paint)
    click.echo(paint("\n… and takes that back", "bold"))
    again = _act(engine, refused, "undo")
    same = [pick.item for pick in again.picks] == [pick.item for pick in after.picks]
    click.echo("the list is the one from before" if same else "the list moved on meanwhile")


def _act(engine: Engine, film: str, action: str) -> Slate:
    """One event and the list that follows it, with the time between."""
    engine.observe(Interaction(user=USER, item=film, action=action))
    acked = time.perf_counter()
    slate = engine.recommend(USER, explain=True)
    click.echo(f"list changed {(time.perf_counter() - acked) * 1e3:.1f} ms after the event was on disk")
    return slate


def _compare(engine: Engine, before: Slate, after: Slate, paint: Paint) -> None:
    for line in by_side(_titles(engine, before), _titles(engine, after), paint):
        click.echo(line)
    first = after.picks[0]
    for line in why_lines(engine.explain(after.slate, first.item), _title(engine, first.item)):
        click.echo(line)


def _titles(engine: Engine, slate: Slate) -> list[str]:
    return [_title(engine, pick.item) for pick in slate.picks]


def _title(engine: Engine, item: str) -> str:
    return engine.item(item).title or item


def _ready(url: str) -> None:
    click.echo(f"\nServed at {url} until Ctrl-C. In another terminal:")
    click.echo(f"  curl '{url}/v1/recommend?user={GUEST}&n=5'")
    event = '{"user":"you","item":"1","action":"play"}'
    click.echo(f"  curl -H 'Content-Type: application/json' -d '{event}' {url}/v1/events")
    click.echo(f"  curl '{url}/v1/recommend?user={GUEST}&n=5&explain=true'")
