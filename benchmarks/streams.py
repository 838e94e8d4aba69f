"""Real data as sequences of item ids, the way the published protocols read it."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path


def ml1m_p1(folder: Path) -> list[list[str]]:
    """The canonical ML-1M sequences (SASRec / BERT4Rec order): 6,040 users, 999,611 interactions, oldest first."""
    sequences: dict[str, list[str]] = {}
    with gzip.open(folder / "ml-1m.txt.gz", "rt") as lines:
        for line in lines:
            user, item = line.split()
            sequences.setdefault(user, []).append(item)
    return list(sequences.values())


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
