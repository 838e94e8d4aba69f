"""Puts the rooms together: settings -> log -> derived state -> lists. The only place that knows all of them."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swerve import encode
from swerve.config import Config, load, remember_preset
from swerve.derived import Derived, Parts
from swerve.engine import live
from swerve.engine.face import Engine, Rooms
from swerve.engine.intake import Intake
from swerve.engine.keeper import Keeper, recover
from swerve.engine.lists import Lists
from swerve.engine.shown import Shown
from swerve.events.door import Door
from swerve.log.memory import MemoryLog
from swerve.log.sqlite import SqliteLog
from swerve.log.writer import GroupWriter
from swerve.protocols import Clock
from swerve.respond.filters import Filters
from swerve.respond.policy import EpsilonPolicy, TopPolicy
from swerve.retrieve.index import make_index
from swerve.slot import Slot
from swerve.telemetry import Metrics


def open_engine(
    path: str | Path | None,
    *,
    preset: str | None = None,
    config: Mapping[str, Any] | None = None,
    clock: Clock = time.time,
    **overrides: Any,
) -> Engine:
    """Open (or create) a project directory; `None` keeps everything in memory.

    preset: `shop`, `social`, `media`, `news` or the path of a TOML file; a new directory remembers it.
    config, overrides: settings, nested or dotted, e.g. `config={"log.segment_events": 100_000}`.
    clock: Unix seconds; tests and replays pass their own.
    Raises ConfigError, DirectoryInUse, LogDamaged.
    """
    directory = None if path is None else Path(path)
    settings = load(directory, preset, {**(config or {}), **overrides}, os.environ).config  # may refuse: before mkdir
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        if preset is not None:
            remember_preset(directory, preset)
    return compose(settings, directory, clock)


def compose(config: Config, directory: Path | None, clock: Clock) -> Engine:
    """An engine over `directory` with these settings, recovered from its log."""
    log = _open_log(config, directory, clock)
    try:
        return _compose(config, directory, log, clock)
    except BaseException:
        log.close()
        raise


def _open_log(config: Config, directory: Path | None, clock: Clock) -> SqliteLog | MemoryLog:
    if directory is None or config.log.backend == "memory":
        return MemoryLog(config.log, clock)
    return SqliteLog(directory, config.log, clock)


def _compose(config: Config, directory: Path | None, log: SqliteLog | MemoryLog, clock: Clock) -> Engine:
    place = directory if log.durability != "memory" else None
    derived = derive(config, place)
    recovered = recover(derived, log, place)
    metrics, timer = Metrics(), time.perf_counter
    keeper = Keeper(derived, log, place, config.engine, recovered.saved)
    writer = GroupWriter(log, keeper.folding, config.log, idle=log.settle)
    slot = Slot(live.last(config, derived, place))
    filters = Filters(derived.catalog, config.respond, config.events.consuming)
    policy = EpsilonPolicy(config.engine.exploration) if config.engine.exploration else TopPolicy()
    return Engine(
        Rooms(
            config=config,
            directory=place,
            derived=derived,
            log=log,
            writer=writer,
            intake=Intake(Door(config.events, clock), writer, log.durability, metrics, timer),
            lists=Lists(derived, slot, filters, policy, config.respond, clock, secrets.token_bytes),
            shown=Shown(log, config.engine.slates),
            keeper=keeper,
            slot=slot,
            metrics=metrics,
            clock=clock,
            timer=timer,
            empty=lambda: derive(config, None),
            reports=(*getattr(log, "report", ()), *recovered.reports),
        )
    )


def derive(config: Config, directory: Path | None) -> Derived:
    """Empty derived state with these settings."""
    encoder = encode.load(config.encode)
    parts = Parts(
        catalog=config.catalog,
        state=config.state,
        counts=config.counts,
        encoder=encoder,
        index=make_index(config.retrieve.index, encoder.dim),
        neighbours=config.retrieve.neighbours,
    )
    return Derived(parts, directory)
