"""`swerve train`."""

from __future__ import annotations

from pathlib import Path

import click

from swerve.cli.projects import existing, opened, project


@click.command
@project
@click.option("--newest", type=click.IntRange(100), default=20_000, help="Records to learn from. [default: 20000]")
@click.option("--seed", type=int, default=0, help="The same seed gives the same weights. [default: 0]")
def train(project: Path, newest: int, seed: int) -> None:
    """Fit the weights of the ranking to the newest records of the project's own log.

    Replays the log, scores each choice before learning from it, and holds a fifth back. The new weights go live only
    when they predict what was held back better than those in use.
    """
    with opened(existing(project)) as engine:
        fitted = engine.fit(newest=newest, seed=seed)
    click.echo(f"learned from {fitted.examples:,} choices")
    click.echo(f"log-likelihood of a held-back choice: {fitted.before:.4f} before, {fitted.log_likelihood:.4f} now")
    if fitted.better:
        click.echo(f"version {fitted.version} is live")
    else:
        click.echo("the weights in use stay: the new ones are not better")
