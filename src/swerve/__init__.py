"""swerve: recommendations that turn when your user does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from swerve.types import Ack, Explanation, Impression, Interaction, Item, Pick, Slate, User, UserView

if TYPE_CHECKING:
    from swerve.client import Client
    from swerve.engine import Engine
    from swerve.engine import open_engine as open  # noqa: A004

__version__ = "0.1.0"
__all__ = [
    "Ack",
    "Client",
    "Engine",
    "Explanation",
    "Impression",
    "Interaction",
    "Item",
    "Pick",
    "Slate",
    "User",
    "UserView",
    "open",
]
_LATER = {
    "Client": ("swerve.client", "Client"),
    "Engine": ("swerve.engine", "Engine"),
    "open": ("swerve.engine", "open_engine"),
}
"""Imported when first used: events can be made without loading the engine or an HTTP client."""


def __getattr__(name: str) -> Any:
    """Names of `_LATER` on first use (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415

    module, attribute = _LATER[name]
    return getattr(importlib.import_module(module), attribute)
