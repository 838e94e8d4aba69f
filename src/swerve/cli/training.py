"""`swerve train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from swerve.cli.projects import existing, opened, project
from swerve.errors import DirectoryInUse, InvalidInput, needing
from swerve.model.config import Kind, Size

MODEL = {"kind": "model.kind", "size": "model.size", "minutes": "learn.minutes", "epochs": "learn.epochs"}
"""Options of the user model, and the setting each of them is."""
INTERRUPTED = 130
_file = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.command
@project
@click.option(
    "--newest", type=click.IntRange(100), default=20_000, help="Records the blend is fitted to. [default: 20000]"
)
@click.option("--seed", type=int, help="The same seed gives the same weights. [default: 0]")
@click.option("--model", is_flag=True, help="Train the user model first (needs the extra `torch`).")
@click.option("--kind", type=click.Choice(get_args(Kind)), help="Its architecture (setting model.kind).")
@click.option("--size", type=click.Choice(get_args(Size)), help="Its width and depth (model.size).")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="End after this long (learn.minutes).")
@click.option("--epochs", type=click.IntRange(1, 10_000), help="Passes over all histories (learn.epochs).")
@click.option("--content/--no-content", default=None, help="Whether it reads what items say. [default: if they do]")
@click.option("--report", type=_file, metavar="FILE", help="Write its curves: one page, no network.")
@click.pass_context
def train(ctx: click.Context, /, project: Path, newest: int, seed: int | None, model: bool, **given: Any) -> None:
    """Fit the weights of the ranking to the newest records of the project's own log.

    Replays the log, scores each choice before learning from it, and holds a fifth back. The new weights go live only
    when they predict what was held back better than those in use.

    With --model, a user model is trained first, on all but the newest tenth (at most --newest records), which the
    blend is then fitted to with its scores. It reads beside a server that has the project open. Stop it as you like,
    even with kill -9: the same command goes on where it was.
    """
    existing(project)
    if not model:
        if asked := [name for name, value in given.items() if value is not None]:
            raise click.UsageError(f"--{asked[0]} is for the user model: add --model")
        return _fit(project, newest, seed or 0)
    settings = {MODEL[name]: value for name, value in given.items() if name in MODEL and value is not None}
    if seed is not None:
        settings["learn.seed"] = seed
    learning = needing("torch", ("torch", "safetensors"), "swerve.cli.learning")
    asked = learning.Asked(settings=settings, content=given["content"], report=given["report"], newest=newest)
    try:
        goes_on = learning.train_model(project, asked)
    except KeyboardInterrupt:
        click.echo("stopped; the same command goes on after the last whole epoch", err=True)
        ctx.exit(INTERRUPTED)
    if goes_on:
        try:
            _fit(project, newest, seed or 0)
        except (DirectoryInUse, InvalidInput) as error:
            click.echo(f"note: the blend was not fitted again: {error.message}", err=True)


def _fit(project: Path, newest: int, seed: int) -> None:
    with opened(project) as engine:
        fitted = engine.fit(newest=newest, seed=seed)
    click.echo(f"learned from {fitted.examples:,} choices")
    click.echo(f"log-likelihood of a held-back choice: {fitted.before:.4f} before, {fitted.log_likelihood:.4f} now")
    if fitted.better:
        click.echo(f"version {fitted.version} is live")
    else:
        click.echo("the weights in use stay: the new ones are not better")
