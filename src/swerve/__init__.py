"""swerve: recommendations that turn when your user does."""

from __future__ import annotations

__version__ = "0.1.0"
