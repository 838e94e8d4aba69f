"""Small projects and files for the command line's tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from swerve.engine import Engine, open_engine
from swerve.readers import ReadOptions, Source, detect
from swerve.types import Impression, Interaction, Record

T0 = 1_600_000_000


def lines(n: int, seed: int = 0) -> list[str]:
    """`n` lines `user,item,action,time`, each different from all others."""
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, 50, n), rng.integers(0, 200, n)
    actions = rng.choice(["view", "cart", "buy"], n)
    return [f"u{users[k]},i{items[k]},{actions[k]},{T0 + k}" for k in range(n)]


def csv_file(path: Path, body: Sequence[str]) -> Path:
    path.write_text("user,item,action,time\n" + "\n".join(body) + "\n")
    return path


def csv_source(path: Path, body: Sequence[str]) -> Source:
    return detect(csv_file(path, body), ReadOptions())


def opened(directory: Path, **settings: object) -> Engine:
    return open_engine(directory, preset="shop", **settings)  # type: ignore[arg-type]


def stored(engine: Engine) -> list[str]:
    """Every interaction in the log as a line of the file it came from."""
    return [line_of(record) for record in interactions(engine)]


def line_of(record: Record) -> str:
    event = record.event
    assert isinstance(event, Interaction)
    return f"{event.user},{event.item},{event.action},{record.time:.0f}"


def interactions(engine: Engine) -> Iterator[Record]:
    return (record for record in engine.events() if isinstance(record.event, Interaction))


def impressions(engine: Engine) -> Iterator[Record]:
    return (record for record in engine.events() if isinstance(record.event, Impression))


def derived(engine: Engine) -> dict[str, bytes]:
    """Everything derived from the log, as bytes."""
    return engine._rooms.derived.dump()


def swerve(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    environ = {**os.environ, "COLUMNS": "80", "NO_COLOR": "", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "swerve.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ, cwd=cwd, check=False)
