"""Importing MovieLens-1M (a million ratings) and starting again with it, until the first list is there."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

import swerve
from benchmarks.common import arguments, report, required, timed
from swerve.importing import run_import
from swerve.readers import ReadOptions, Source, detect, from_events

QUICK = 60_000


def source(folder: Path, limit: int | None) -> Source:
    """The data set, or the first `limit` events of it."""
    whole = detect(folder, ReadOptions())
    return whole if limit is None else from_events("part", lambda: islice(whole.events(), limit), count=limit)


def first_list(directory: Path) -> float:
    """Seconds from opening the directory until a list is there."""

    def start() -> swerve.Engine:
        engine = swerve.open(directory)
        if not engine.recommend("1").picks:
            raise RuntimeError("the first list is empty")
        return engine

    engine, took = timed(start)
    engine.close()
    return took


def main() -> None:
    """Measure and report."""
    args = arguments(__doc__ or "")
    given = source(required("ml-1m"), QUICK if args.quick else None)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "films"
        with swerve.open(directory, preset="media") as engine:
            done = run_import(engine, given, positions=directory / "imports")
            held = engine.status()
        restarts = [first_list(directory) for _ in range(3)]
    settings = {"data": "ml-1m", "events": done.accepted, "refused": done.total_refused, "users": held["users"]}
    metrics = {"import_s": done.seconds, "restart_s": min(restarts), "events_per_s": done.rate}
    report("imports", settings, metrics, args)


if __name__ == "__main__":
    main()
