"""The whole tree of settings, one part a room, in the order the data travels. Each room defines its own part.

The engine and the server read this tree, so their parts lie beside it.
"""

from __future__ import annotations

import msgspec

from swerve.catalog.config import CatalogConfig
from swerve.config.engine import EngineConfig
from swerve.config.server import ServerConfig
from swerve.counts.config import CountsConfig
from swerve.encode.config import EncodeConfig
from swerve.events.config import EventsConfig
from swerve.learn.config import LearnConfig
from swerve.log.config import LogConfig
from swerve.model.config import ModelConfig
from swerve.rank.config import RankConfig
from swerve.respond.config import RespondConfig
from swerve.retrieve.config import RetrieveConfig
from swerve.state.config import StateConfig


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    events: EventsConfig = EventsConfig()
    """What may come in, and what it means."""
    log: LogConfig = LogConfig()
    """How it is kept."""
    catalog: CatalogConfig = CatalogConfig()
    """How items are held."""
    encode: EncodeConfig = EncodeConfig()
    """How items become vectors."""
    state: StateConfig = StateConfig()
    """What is remembered of a user."""
    counts: CountsConfig = CountsConfig()
    """What is counted over all users."""
    retrieve: RetrieveConfig = RetrieveConfig()
    """Where candidates come from."""
    model: ModelConfig = ModelConfig()
    """How a user's events become a preference."""
    rank: RankConfig = RankConfig()
    """How they are scored."""
    respond: RespondConfig = RespondConfig()
    """What of it is answered."""
    learn: LearnConfig = LearnConfig()
    """How the user model is trained."""
    engine: EngineConfig = EngineConfig()
    """How the rooms run together."""
    server: ServerConfig = ServerConfig()
    """How it is offered over HTTP."""
