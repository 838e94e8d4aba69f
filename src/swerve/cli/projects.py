"""What verbs share about projects: where one is, how one is opened, and that a typo does not create one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from swerve.config import PRESETS
from swerve.engine import Engine, open_engine

F = TypeVar("F", bound=Callable[..., Any])
LOG, KEYS = "log", "keys.json"
"""What a project holds: its log, and the API keys."""


def project(function: F) -> F:
    """The argument PROJECT of a verb that works on what is there."""
    return click.argument("project", type=click.Path(path_type=Path))(function)


def preset(function: F) -> F:
    """The option --preset of a verb that may create a project."""
    words = f"What a new project is for: {', '.join(PRESETS)}, or a TOML file. It remembers."
    return click.option("--preset", metavar="NAME", help=words)(function)


def existing(directory: Path) -> Path:
    """The directory, or a usage error when no project lives there: a typo must not make a new one."""
    if not (directory / LOG).is_dir():
        raise click.UsageError(f"no project at {directory}: `swerve serve` or `swerve import` makes one")
    return directory


def opened(directory: Path, preset: str | None = None, settings: Mapping[str, Any] | None = None) -> Engine:
    """The engine of a project, created if absent. What recovery had to say goes to stderr."""
    engine = open_engine(directory, preset=preset, config=settings, clock=time.time)
    for words in engine.status()["reports"]:
        click.echo(f"note: {words}", err=True)
    return engine
