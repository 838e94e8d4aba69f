"""The composition root: knows all rooms, holds no logic."""

from swerve.engine.face import Engine
from swerve.engine.opening import open_engine

__all__ = ["Engine", "open_engine"]
