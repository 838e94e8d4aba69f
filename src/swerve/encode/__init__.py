"""Items -> vectors. Knows no log, no http and no users."""

from __future__ import annotations

from swerve.encode.config import EncodeConfig
from swerve.encode.door import load

__all__ = ["EncodeConfig", "load"]
