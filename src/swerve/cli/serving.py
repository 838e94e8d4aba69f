"""`swerve serve`."""

from __future__ import annotations

from pathlib import Path

import click

from swerve.cli.projects import KEYS, opened, preset, project
from swerve.server import Keys
from swerve.server import serve as serve_engine


@click.command
@project
@preset
@click.option("--host", help="Address to listen on; any but a loopback one needs a key. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 picks a free one. [default: 8080]")
@click.pass_context
def serve(ctx: click.Context, project: Path, preset: str | None, host: str | None, port: int | None) -> None:
    """Serve a project over HTTP until it is told to stop.

    SIGTERM or Ctrl-C finishes what was begun and ends with 0; a second one ends at once. Ends with 1 when the disk
    failed, with 3 when the log is damaged.
    """
    settings = {"server.host": host, "server.port": port}
    given = {name: value for name, value in settings.items() if value is not None}
    with opened(project, preset, given) as engine:
        keys = Keys(project / KEYS)
        status = serve_engine(engine, keys, engine.config.server, lambda url: _ready(project, url, len(keys)))
    ctx.exit(status)


def _ready(project: Path, url: str, keys: int) -> None:
    lock = "a key is needed" if keys else "no key needed from this machine"
    click.echo(f"{project} is served at {url} ({lock}); Ctrl-C stops")
