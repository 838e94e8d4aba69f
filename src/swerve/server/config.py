"""Settings of the HTTP server; they lie in the tree because the server stands above it."""

from __future__ import annotations

from swerve.config.server import ServerConfig

__all__ = ["ServerConfig"]
