"""`swerve config` and `swerve version`."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

import click

from swerve import __version__
from swerve.cli.projects import preset
from swerve.config import load, show
from swerve.terminal import table

_NAMED = ("numpy", "msgspec", "starlette", "uvicorn", "httptools", "uvloop", "duckdb", "narwhals")


@click.command
@click.argument("project", type=click.Path(path_type=Path), required=False)
@preset
def config(project: Path | None, preset: str | None) -> None:
    """Show every setting in force for PROJECT, and where each came from, as TOML.

    Without a project: the defaults, and with --preset those of a preset. Nothing is opened or changed.
    """
    click.echo(show(load(project, preset, {}, os.environ)), nl=False)


@click.command
def version() -> None:
    """Show the versions of swerve, Python, SQLite and the packages in use."""
    rows = [("swerve", __version__), ("python", platform.python_version()), ("sqlite", sqlite3.sqlite_version)]
    for line in table([*rows, *((name, _version(name)) for name in _NAMED)]):
        click.echo(line)


def _version(name: str) -> str:
    try:
        return version_of(name)
    except PackageNotFoundError:
        return "not installed"
