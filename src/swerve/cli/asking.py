"""`swerve recommend` and `swerve explain`: questions to a project on disk, or to a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from swerve.cli.projects import existing, opened
from swerve.client import Client
from swerve.engine import Engine
from swerve.errors import NotFound
from swerve.terminal import Paint, columns, fit
from swerve.types import Slate


@contextmanager
def _face(target: str, key: str | None) -> Iterator[Engine | Client]:
    """Whoever answers: the engine of a directory, or a client of a running server. Both have the same verbs."""
    if target.startswith(("http://", "https://")):
        with Client(target, key) as client:
            yield client
    else:
        with opened(existing(Path(target))) as engine:
            yield engine


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


_key = click.option("--key", help="API key, when PROJECT is the address of a server.")
_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


@click.command
@click.argument("project")
@click.argument("user", default="")
@click.option("-n", type=click.IntRange(1), default=10, help="Length of the list. [default: 10]")
@click.option("--session", default="", help="A session instead of a user.")
@click.option("--history", default="", metavar="ITEMS", help="Item ids, oldest first, instead of a known user.")
@click.option("--filter", default="", metavar="EXPRESSION", help="""e.g. 'price < 20 and category == "mugs"'""")
@_key
@_json
def recommend(
    project: str, user: str, n: int, session: str, history: str, filter: str, key: str | None, as_json: bool
) -> None:
    """Show the list that USER would get now from PROJECT, a directory or the address of a server.

    Without a user, session or history it is the list of somebody unknown.
    """
    with _face(project, key) as face:
        slate = face.recommend(user, session=session, history=_parts(history), n=n, filter=filter, explain=True)
        titles = {pick.item: _title(face, pick.item) for pick in slate.picks}
    if as_json:
        click.echo(msgspec.json.encode(slate))
        return
    for line in listing(slate, titles, Paint(sys.stdout, os.environ), columns(os.environ)):
        click.echo(line)


@click.command
@click.argument("project")
@click.argument("slate")
@click.argument("item")
@_key
@_json
def explain(project: str, slate: str, item: str, key: str | None, as_json: bool) -> None:
    """Say why ITEM stood in SLATE, strongest reason first: sources, and the user's own acts behind them."""
    with _face(project, key) as face:
        found = face.explain(slate, item)
        title = _title(face, item)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    paint = Paint(sys.stdout, os.environ)
    click.echo(f"{paint(title, 'bold')}  score {found.score:.4g}")
    for reason in found.reasons:
        indent = "      " if reason.item else "  "
        at = f" (offset {reason.offset})" if reason.offset >= 0 else ""
        click.echo(f"{indent}{reason.share:4.0%}  {reason.text or reason.source}{at}")


def _title(face: Engine | Client, item: str) -> str:
    try:
        return face.item(item).title or item
    except NotFound:
        return item


def listing(slate: Slate, titles: dict[str, str], paint: Paint, width: int) -> list[str]:
    """A slate as lines of at most `width` columns: place, title, id, score, and what the score is made of."""
    ids = max((len(pick.item) for pick in slate.picks), default=0)
    room = max(width - ids - 40, 16)
    lines = []
    for pick in slate.picks:
        why = ", ".join(f"{source} {share:.0%}" for source, share in list(pick.why.items())[:2])
        place = fit(str(pick.position + 1), 3, right=True)
        title, score = fit(titles[pick.item], room), fit(f"{pick.score:.4g}", 7, right=True)
        lines.append(
            f"{place}  {paint(title, 'bold')}  {pick.item:<{ids}}  {score}  {paint(fit(why, 22).rstrip(), 'dim')}"
        )
    about = f"slate {slate.id}, model {slate.model_version}, state at {slate.state_offset}, {slate.took_ms:.1f} ms"
    lines.append(paint(about + (f", degraded: {', '.join(slate.degraded)}" if slate.degraded else ""), "dim"))
    return lines
