"""`swerve replay`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click
import msgspec

from swerve.cli.projects import existing, opened, project
from swerve.engine.replaying import as_served
from swerve.evaluate.prq.figures import figures
from swerve.evaluate.prq.outcome import Settings
from swerve.evaluate.prq.replay import replay as replayed
from swerve.evaluate.prq.report import report
from swerve.evaluate.report import html, lines
from swerve.terminal import Paint, Progress, columns

_share = click.FloatRange(0, 1, min_open=True, max_open=True)
_file = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command
@project
@click.option("--warm-up", type=_share, default=0.6, help="Part of the time axis before it. [default: 0.6]")
@click.option("--every", type=click.IntRange(1), help="Judge one event of so many. [default: about 10,000 in all]")
@click.option("--gap", type=click.FloatRange(0), default=1800.0, help="Pause in s that ends a session. [default: 1800]")
@click.option("--seed", type=int, default=0, help="The same seed gives the same figures. [default: 0]")
@click.option("--json", "as_json", type=_file, metavar="FILE", help="Write every figure as JSON.")
@click.option("--html", "as_html", type=_file, metavar="FILE", help="Write a report with charts: one page, no network.")
def replay(
    project: Path, warm_up: float, every: int | None, gap: float, seed: int, as_json: Path | None, as_html: Path | None
) -> None:
    """Replay a project's log and say what real-time feedback is worth on it.

    After the --warm-up (a share of the time axis), each event is ranked before it is learned from: with the user's
    state live, of the session's start or a day old, and counters that learn at once, nightly or never; beside them
    popularity, last-item and repeat controls, and a curve of metric against delay. Changes nothing in the project.
    """
    settings = Settings(warm_up=warm_up, every=every or 0, gap_s=gap, seed=seed)
    with opened(existing(project)) as engine:
        bar, began = Progress(sys.stderr, "replaying"), time.perf_counter()

        def show(done: int, total: int) -> None:
            seconds = time.perf_counter() - began
            bar(done, total, done / max(seconds, 1e-9), seconds)

        try:
            found = figures(replayed(engine.events, as_served(engine), settings, show), seed=seed)
        except BaseException:
            bar.stop()
            raise
        bar.end(f"{found.events:,} events judged in {time.perf_counter() - began:.0f} s")
    said = report(found, project.name)
    for line in lines(said, Paint(sys.stdout, os.environ), columns(os.environ)):
        click.echo(line)
    if as_json is not None:
        as_json.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if as_html is not None:
        as_html.write_text(html(said), encoding="utf-8")
