"""`swerve key`: make, list and revoke API keys. A running server sees a change within a second."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from swerve.cli.projects import KEYS, existing, project
from swerve.server.keys import Key, Keys, Role
from swerve.terminal import table

_DAY_S = 86_400.0


@click.group
def key() -> None:
    """Make, list and revoke the API keys of a project."""


@key.command
@project
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What the key may do.")
@click.option("--days", type=click.FloatRange(min=0), default=0.0, help="Days until it expires; 0 = never.")
@click.option("--note", default="", help="For whom or what it is.")
def create(project: Path, role: str, days: float, note: str) -> None:
    """Make a key and print it. It cannot be shown again. The project need not exist yet."""
    made = Keys(project / KEYS).create(Role(role), lifetime_s=days * _DAY_S, note=note)
    click.echo(made)
    click.echo("This key is shown only now. Send it as `Authorization: Bearer KEY`.", err=True)


@key.command("list")
@project
def list_(project: Path) -> None:
    """List every key ever made, without its secret."""
    keys = _keys(project).list()
    rows = [("id", "role", "created", "state", "note"), *(_row(one, time.time()) for one in keys)]
    for line in table(rows) if keys else ["no keys: the server answers this machine only"]:
        click.echo(line)


@key.command
@project
@click.argument("id")
def revoke(project: Path, id: str) -> None:
    """Refuse a key from now on, by its id (see `swerve key list`)."""
    revoked = _keys(project).revoke(id)
    click.echo(f"{revoked.id} ({revoked.role.value}) is refused from now on")


def _keys(project: Path) -> Keys:
    return Keys(existing(project) / KEYS)


def _row(one: Key, now: float) -> tuple[str, ...]:
    state = "in force"
    if one.expires:
        state = f"until {_day(one.expires)}" if one.expires > now else "expired"
    return one.id, one.role.value, _day(one.created), f"revoked {_day(one.revoked)}" if one.revoked else state, one.note


def _day(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).date().isoformat()
