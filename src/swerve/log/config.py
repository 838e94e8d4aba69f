"""Settings of the log: where records are kept, what an ack survives, how long, and how much may wait."""

from __future__ import annotations

from typing import Literal

import msgspec

from swerve.errors import ConfigError

DAY_S = 86_400.0


class LogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the log keeps events. Raises ConfigError for values out of range."""

    backend: Literal["sqlite", "memory"] = "sqlite"
    """Where records live: `sqlite` (files in the project directory) or `memory` (gone with the process)."""
    durability: Literal["fsync", "os"] = "fsync"
    """What an ack of the sqlite log survives: `fsync` a power cut, `os` only the death of the process."""
    segment_events: int = 1_000_000
    """Records in one segment file before a new one is begun."""
    keep_segments: int = 0
    """Full segments to keep when older ones are no longer needed; 0 = all."""
    keep_days: float = 0.0
    """Days to keep a full segment when it is no longer needed; 0 = for ever."""
    dedupe_window_s: float = 7 * DAY_S
    """How long an `event_id` is remembered, seconds; segments younger than this are never dropped."""
    max_group: int = 4096
    """Most events committed by one fsync."""
    max_wait_ms: float = 0.0
    """How long a commit waits for company; 0 = never: events that arrive during an fsync share the next one."""
    queue_events: int = 65_536
    """Most events that may wait for the writer; more are refused as overloaded."""
    queue_bytes: int = 64 * 2**20
    """Most encoded bytes that may wait for the writer."""
    verify: Literal["full", "tail"] = "full"
    """What opening checks: every record (about 1 s per million), or only the last ones; reading always checks."""

    def __post_init__(self) -> None:
        for name in ("segment_events", "max_group", "queue_events", "queue_bytes"):
            if getattr(self, name) < 1:
                raise ConfigError("must be at least 1", field=f"log.{name}")
        for name in ("keep_segments", "keep_days", "dedupe_window_s", "max_wait_ms"):
            if not getattr(self, name) >= 0:
                raise ConfigError("must not be negative", field=f"log.{name}")
