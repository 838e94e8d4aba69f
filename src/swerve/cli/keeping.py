"""`swerve doctor`, `swerve backup` and `swerve restore`: keeping a project whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from swerve.cli import DAMAGED
from swerve.cli.projects import LOG, existing, opened, project
from swerve.errors import InvalidInput, LogDamaged
from swerve.log import Finding, examine, repair


@click.command
@project
@click.option("--repair", "mend", is_flag=True, help="Set what is damaged aside and make the log readable again.")
@click.pass_context
def doctor(ctx: click.Context, project: Path, mend: bool) -> None:
    """Check every record of the log and say what is wrong with it. Changes nothing without --repair.

    --repair deletes nothing: damaged files are copied to log/quarantine/ first, and the offsets that are lost are
    listed. Ends with 0 when the log is sound or was mended, with 3 when acknowledged records cannot be read.
    """
    findings = repair(existing(project)) if mend else examine(existing(project))
    for line in _told(findings, mended=mend):
        click.echo(line)
    if not mend and any(finding.kind == "damage" for finding in findings):
        ctx.exit(DAMAGED)


def _told(findings: Sequence[Finding], *, mended: bool) -> list[str]:
    lines = []
    for finding in findings:
        span = f", offsets {finding.first} to {finding.last}" if finding.first >= 0 else ""
        lines.append(f"{finding.kind}: {finding.segment}{span}: {finding.what}")
        if finding.remedy:
            lines.append(f"  {'done' if mended else 'remedy'}: {finding.remedy}")
    damaged = any(finding.kind == "damage" for finding in findings)
    if mended:
        lost = "what could not be read is listed above; nothing was deleted" if damaged else "nothing was lost"
        return [*lines, f"the log can be opened; {lost}"]
    if damaged:
        return [*lines, "acknowledged records cannot be read: restore a backup, or see `swerve doctor --repair`"]
    return [*lines, "every acknowledged record can be read"]


@click.command
@project
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, help="A new or empty directory.")
def backup(project: Path, target: Path) -> None:
    """Copy the log, the settings and the fitted models of a project, and verify the copy.

    For a project that is not open elsewhere; a running engine does it with `engine.backup`. API keys stay behind.
    """
    with opened(existing(project)) as engine:
        engine.backup(target)
        head = engine.status()["offset"]
    click.echo(f"{head:,} records are in {target}, verified")


@click.command
@click.argument("source", metavar="BACKUP", type=click.Path(path_type=Path))
@project
def restore(source: Path, project: Path) -> None:
    """Make PROJECT from BACKUP, and verify it. Refuses a directory that holds anything."""
    if not (source / LOG).is_dir():
        raise click.UsageError(f"no backup at {source}")
    if project.exists() and any(project.iterdir()):
        raise InvalidInput(f"{project} is not empty: nothing was changed", field="project", code="not_empty")
    fresh = project.with_name(f".{project.name}.restoring")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh)
    damage = [finding for finding in examine(fresh) if finding.kind == "damage"]
    if damage:
        shutil.rmtree(fresh)
        first = damage[0]
        raise LogDamaged(
            f"the backup itself is damaged: {first.what}",
            segment=first.segment,
            first=first.first,
            last=damage[-1].last,
        )
    _sync(fresh)
    # Named only when it is whole: an interrupted restore leaves no half project behind.
    if project.exists():
        project.rmdir()
    os.replace(fresh, project)
    with opened(project) as engine:
        head = engine.status()["offset"]
    click.echo(f"{head:,} records restored to {project}")


def _sync(folder: Path) -> None:
    """Everything in the folder on disk."""
    for path in [*folder.rglob("*"), folder, folder.parent]:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
