"""The HTTP face of one engine: routes, keys and roles, problems, limits. It knows the engine and no other room."""

from swerve.server.app import build
from swerve.server.config import ServerConfig
from swerve.server.keys import Key, Keys, Role
from swerve.server.openapi import document
from swerve.server.reference import reference
from swerve.server.run import Background, serve

__all__ = ["Background", "Key", "Keys", "Role", "ServerConfig", "build", "document", "reference", "serve"]
