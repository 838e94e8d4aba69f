"""`swerve demo`: real ratings in, one event, the list before and after it; then it serves. Works offline."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from swerve.cli.projects import KEYS, opened
from swerve.demo.show import evidence, short, side_by_side
from swerve.engine import Engine
from swerve.importing import run_import
from swerve.readers import ReadOptions, detect
from swerve.readers.ratings import usual_ratings
from swerve.server import Keys
from swerve.server import serve as serve_engine
from swerve.terminal import Paint, Progress, fit
from swerve.types import Interaction, Slate

FILMS = Path(__file__).parent / "data" / "ml-latest-small"
USERS = ("556", "496", "12", "371", "581", "319", "378", "2")
"""Real users of the bundled data who have not rated FILM; each show takes the first who has not seen it since."""
FILM = "260"
"""The first Star Wars, of 1977."""
PORT = 8080


@click.command
@click.option("--dir", "directory", type=click.Path(path_type=Path), default=Path("demo-shop"), show_default=True)
@click.option("--once", is_flag=True, help="End after the show instead of serving.")
@click.option("--port", type=click.IntRange(0, 65_535), help=f"Port to serve on. [default: {PORT}, or a free one]")
@click.pass_context
def demo(ctx: click.Context, directory: Path, once: bool, port: int | None) -> None:
    """Import bundled films, show what one event does to a list, then serve them on this machine.

    The films are MovieLens data by GroupLens, for non-commercial use: see NOTICE.md beside them.
    """
    with opened(directory, "media", {"server.port": _free(PORT) if port is None else port}) as engine:
        paint = Paint(sys.stdout, os.environ)
        click.echo(paint("swerve", "bold") + "  100,836 ratings of 9,742 films by 610 people (MovieLens, GroupLens)")
        _import(engine, directory)
        _Show(engine, paint).run()
        if once:
            return
        status = serve_engine(engine, Keys(directory / KEYS), engine.config.server, _ready)
    ctx.exit(status)


def _free(port: int) -> int:
    """The port, or 0 (any free one) when something listens there already: a demo should not fail for that."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return port
    except OSError:
        return 0


def _import(engine: Engine, directory: Path) -> None:
    source = detect(FILMS, ReadOptions(ratings=usual_ratings(engine.config.events.actions)))
    bar = Progress(sys.stderr, "importing")
    try:
        report = run_import(
            engine,
            source,
            positions=directory / "imports",
            progress=lambda tick: bar(tick.done, tick.total, tick.rate, tick.seconds),
        )
    except BaseException:
        bar.stop()
        raise
    if report.complete_before:
        bar.end(f"all of it is in {directory} already")
    else:
        bar.end(f"{report.accepted:,} events in {report.seconds:.1f} s: on disk, counted, ready to answer")


class _Show:
    """The story: one user, one event, a refusal, and taking that back."""

    def __init__(self, engine: Engine, paint: Paint) -> None:
        self._engine = engine
        self._paint = paint
        self._user = self._pick_user()

    def run(self) -> None:
        """Tell it, and leave the user as somebody who saw the film."""
        state = self._engine.user(self._user)
        click.echo(f"\nUser {self._user} has rated {len(state.touches)} films, the last of them:")
        for touch in reversed(state.touches[-3:]):
            click.echo(f"    {short(self._title(touch.item))}")

        before = self._engine.recommend(self._user)
        self._headline(f"One event: user {self._user} plays {short(self._title(FILM))}")
        after = self._act(FILM, "play")
        self._compare(before, after, rows=10)
        click.echo()
        first = after.picks[0].item
        for line in evidence(self._engine.explain(after.id, first), self._title(first), self._paint):
            click.echo(line)

        self._headline(f"Not interested in {short(self._title(first))}", "It goes, and its kind sinks.")
        without = self._act(first, "not_interested")
        self._compare(after, without, rows=5)

        self._headline("Takes that back")
        again = self._act(first, "undo")
        same = _items(again) == _items(after)
        click.echo("    The list is the one from before." if same else "    The film is back in the list.")

    def _pick_user(self) -> str:
        """Somebody to whom the film is new. When every one of them has seen it in earlier shows, one takes it back."""
        for user in USERS:
            if FILM not in {touch.item for touch in self._engine.user(user).touches}:
                return user
        self._engine.observe(Interaction(user=USERS[0], item=FILM, action="undo"))
        return USERS[0]

    def _headline(self, words: str, more: str = "") -> None:
        click.echo(f"\n{self._paint('▶', 'cyan')} {self._paint(fit(words, 78).rstrip(), 'bold')}")
        if more:
            click.echo(f"    {more}")

    def _act(self, film: str, action: str) -> Slate:
        """One event and the list that follows it, with the times of both."""
        began = time.perf_counter()
        ack = self._engine.observe(Interaction(user=self._user, item=film, action=action))
        acked = time.perf_counter()
        slate = self._engine.recommend(self._user, explain=True, after_offset=ack.offset)
        answered = time.perf_counter()
        on_disk = f"on disk after {(acked - began) * 1e3:.1f} ms ({ack.durable})"
        changed = self._paint(f"changed list {(answered - acked) * 1e3:.1f} ms later", "green")
        click.echo(f"    {on_disk}, {changed}\n")
        return slate

    def _compare(self, before: Slate, after: Slate, rows: int) -> None:
        titles = {pick.item: self._title(pick.item) for slate in (before, after) for pick in slate.picks}
        for line in side_by_side(_items(before), _items(after), titles, self._paint, rows):
            click.echo(line)

    def _title(self, item: str) -> str:
        return self._engine.item(item).title or item


def _items(slate: Slate) -> Sequence[str]:
    return [pick.item for pick in slate.picks]


def _ready(url: str) -> None:
    event = '{"user":"you","item":"1","action":"play"}'
    click.echo(f"\nServing at {url} until Ctrl-C. In another terminal:")
    click.echo(f"  curl '{url}/v1/recommend?user=you&n=5'")
    click.echo(f"  curl -H 'Content-Type: application/json' -d '{event}' {url}/v1/events")
    click.echo(f"  curl '{url}/v1/recommend?user=you&n=5&explain=true'")
    click.echo(f"  swerve recommend {url} you")
