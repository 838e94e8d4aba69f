"""Real data as sequences of item ids, the way the published protocols read it."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import swerve

WEEK_S = 7 * 86_400.0
START_S = 1_400_000_000.0
"""Some moment in the past: the files carry order, not time."""


def ml1m_p1(folder: Path) -> list[list[str]]:
    """The canonical ML-1M sequences (SASRec / BERT4Rec order): 6,040 users, 999,611 interactions, oldest first."""
    sequences: dict[str, list[str]] = {}
    with gzip.open(folder / "ml-1m.txt.gz", "rt") as lines:
        for line in lines:
            user, item = line.split()
            sequences.setdefault(user, []).append(item)
    return list(sequences.values())


def ml1m_p1_items(folder: Path) -> list[swerve.Item]:
    """Titles and genres of the items of `ml1m_p1`; the files do not say when a film was published."""
    lines = (folder / "items.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return [
        swerve.Item(id=item, title=title, categories=tuple(genres.split("|")), time=START_S)
        for item, _, title, genres in rows
    ]


def diginetica(folder: Path) -> list[list[tuple[str, str]]]:
    """The 17 periods of DIGINETICA as processed for ADER: (session, item) in time order, period 0 first."""
    periods: dict[int, list[tuple[str, str]]] = {}
    with tarfile.open(folder / "diginetica.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".txt") else None
            if file is not None:
                number = int(Path(member.name).stem.removeprefix("period_"))
                rows = (line.split() for line in file.read().decode("ascii").splitlines())
                periods[number] = [(session, item) for session, item in rows]
    return [periods[number] for number in sorted(periods)]


def week(number: int, part: float) -> float:
    """Unix seconds of the place `part` (0..1) in week `number` of a stream that has order but no times."""
    return START_S + (number + part) * WEEK_S
