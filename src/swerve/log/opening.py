"""Opening a log directory: refuse damage, cut a torn end, finish what a dead process began."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from swerve.errors import LogDamaged
from swerve.log import segment, watermark
from swerve.log.mending import finish, mend
from swerve.log.recovery import Finding, Survey, survey
from swerve.log.watermark import Mark


def prepare(folder: Path, verify: str, report: Callable[[str], None]) -> Survey:
    """Make the log in `folder` ready to be written, and say what was found. Raises LogDamaged, changing nothing."""
    finish(folder)
    found = survey(folder, verify)
    _refuse_damage(found)
    for finding in found.findings:
        report(sentence(finding))
    if found.of_kind("torn"):
        mend(folder, found)
        found = survey(folder, verify)
    _tidy(folder, found)
    if not found.parts:
        watermark.store(folder, Mark())
        segment.build(segment.path_of(folder, 0))
        found = survey(folder, verify)
    return found


def sentence(finding: Finding) -> str:
    """A finding in words."""
    where = f", offsets {finding.first} to {finding.last}" if finding.first >= 0 else ""
    return f"{finding.segment}{where}: {finding.what} ({finding.remedy})"


def _refuse_damage(found: Survey) -> None:
    damage = found.of_kind("damage")
    if damage:
        worst = [finding for finding in damage if finding.segment == damage[0].segment]
        first, last = min(finding.first for finding in worst), max(finding.last for finding in worst)
        what = f"{worst[0].segment}, offsets {first} to {last}: {worst[0].what}; nothing was changed"
        raise LogDamaged(f"{what}; see `swerve doctor`", segment=worst[0].segment, first=first, last=last)


def _tidy(folder: Path, found: Survey) -> None:
    """Remove what an interrupted retention or an interrupted new segment left."""
    for base in segment.bases(folder):
        if found.parts and base < found.parts[0].base:
            segment.remove(segment.path_of(folder, base))
    for leftover in folder.glob("*.new*"):
        leftover.unlink()
