"""The command line: one function for each verb, loaded only when it is asked for.

This file knows the verbs' names and what an error means for the exit status; the verbs live beside it by family.
"""

from __future__ import annotations

import importlib
import sys
from io import TextIOWrapper
from typing import Any, cast

import click

from swerve.errors import ConfigError, InvalidInput, LogDamaged, SwerveError

USAGE, DAMAGED, FAILED = 2, 3, 1
"""Exit statuses: the command line or a setting is wrong; acknowledged records cannot be read; anything else."""

VERBS = {
    "demo": ("swerve.demo.verb:demo", "Import bundled films, show one event change a list, then serve."),
    "serve": ("swerve.cli.serving:serve", "Serve a project over HTTP."),
    "import": ("swerve.cli.importing:import_", "Take files in: MovieLens, CSV, TSV, JSON lines, Parquet."),
    "export": ("swerve.cli.exporting:export", "Write the log as JSON lines that `import` reads back."),
    "train": ("swerve.cli.training:train", "Fit the ranking to the project's own log."),
    "evaluate": ("swerve.cli.evaluating:evaluate", "Judge ways to recommend on the project's own log."),
    "replay": ("swerve.cli.replaying:replay", "Replay the log: what real-time feedback is worth on it."),
    "recommend": ("swerve.cli.asking:recommend", "Show a user's list now."),
    "explain": ("swerve.cli.asking:explain", "Say why an item stood in a slate."),
    "doctor": ("swerve.cli.keeping:doctor", "Say what is wrong with a log, and mend it."),
    "backup": ("swerve.cli.keeping:backup", "Copy a project, verified."),
    "restore": ("swerve.cli.keeping:restore", "Make a project from a backup."),
    "config": ("swerve.cli.settings:config", "Show every setting in force and where it came from."),
    "key": ("swerve.cli.keys:key", "Make, list and revoke API keys."),
    "version": ("swerve.cli.settings:version", "Show the versions of swerve and of what it stands on."),
}
"""Verb -> where it lives, and what it does in one line."""


class Verbs(click.Group):
    """Lists verbs without loading them; turns errors into one line and an exit status."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb itself, imported now."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        return cast(click.Command, getattr(importlib.import_module(module), name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs for `--help`, in the order of a project's life."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, words) for name, (_, words) in VERBS.items()])

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the verbs."""
        return list(VERBS)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; what goes wrong is said in one line."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")  # a title that the terminal cannot show is no reason to stop
        try:
            return super().invoke(ctx)
        except SwerveError as error:
            click.echo(f"Error: {error.message}", err=True)
            ctx.exit(status_of(error))
        except BrokenPipeError:
            raise  # whoever read our words has seen enough; click ends quietly
        except OSError as error:
            place = f": {error.filename}" if error.filename else ""
            click.echo(f"Error: {error.strerror or error}{place}", err=True)
            ctx.exit(FAILED)


def status_of(error: SwerveError) -> int:
    """The exit status that an error ends the command with."""
    if isinstance(error, LogDamaged):
        return DAMAGED
    return USAGE if isinstance(error, ConfigError | InvalidInput) else FAILED


_stubs = {name: click.Command(name, short_help=words) for name, (_, words) in VERBS.items()}


_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Verbs, commands=_stubs, context_settings=_SETTINGS)
def main() -> None:
    """Recommendations that turn when your user does.

    A PROJECT is a directory; it is created by the first verb that writes to it. `swerve VERB --help` says more.
    """
