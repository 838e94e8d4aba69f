"""The whole tree of settings, one part a room, in the order the data travels. Each room defines its own part."""

from __future__ import annotations

import msgspec

from swerve.events.config import EventsConfig


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    events: EventsConfig = EventsConfig()
    """What may come in, and what it means."""
